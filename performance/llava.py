"""Random LLaVA models (arXiv 2304.08485).

The text around the picture is that of LLaVA-1.5 (system sentence, ``USER:``, ``ASSISTANT:``), so the share of
the picture in a row is the real one: 576 image tokens against a few dozen of text.
"""

from __future__ import annotations

import math
from typing import Any

from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from performance.shapes import Shape
from performance.texts import SYSTEM
from performance.tokens import tokenizer

PATCH = 14
SPECIAL = ("<s>", "</s>", "<pad>", "<image>")
TEMPLATE = (
    SYSTEM + " {% for message in messages %}{% if message['role'] == 'user' %}{{ 'USER: ' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ ' ' }}"
    "{% else %}{{ 'ASSISTANT:' }}{% for part in message['content'] %}"
    "{% generation %}{{ ' ' + part['text'] + '</s>' }}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def side(shape: Shape) -> int:
    """Side of the picture in pixels."""
    patches = math.isqrt(shape.image_tokens)
    assert patches * patches == shape.image_tokens, shape.image_tokens
    return PATCH * patches


def processor(shape: Shape) -> Any:
    """The processor of a shape."""
    pixels = {"height": side(shape), "width": side(shape)}
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": side(shape)}, crop_size=pixels),
        tokenizer(shape.vocabulary, SPECIAL, bos_token="<s>", eos_token="</s>", pad_token="<pad>"),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def model(shape: Shape, words: Any) -> Any:
    """The model of a shape; ``words`` is its tokenizer."""
    vision = CLIPVisionConfig(
        hidden_size=shape.vision_hidden,
        intermediate_size=4 * shape.vision_hidden,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_heads,
        image_size=side(shape),
        patch_size=PATCH,
    )
    text = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.hidden * 43 // 16,  # 11,008 / 4,096, as in the 7B model
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads // shape.groups,
        max_position_embeddings=8192,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        tie_word_embeddings=False,
    )
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_index=words.convert_tokens_to_ids("<image>"),
            image_seq_length=shape.image_tokens,
            vision_feature_layer=-2,
        )
    )
