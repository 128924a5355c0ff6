"""Random Qwen2.5-VL models (arXiv 2502.13923): three-dimensional positions and grouped keys and values."""

from __future__ import annotations

import math
from typing import Any

from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
)

from performance.shapes import Shape
from performance.tokens import tokenizer
from unsee.models.processors import NoVideo, without_video

PATCH, MERGE = 14, 2
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
IDS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def side(shape: Shape) -> int:
    """Side of the picture in pixels."""
    cells = math.isqrt(shape.image_tokens)
    assert cells * cells == shape.image_tokens, shape.image_tokens
    return PATCH * MERGE * cells


def processor(shape: Shape) -> Any:
    """The processor of a shape."""
    area = side(shape) ** 2
    return without_video(Qwen2_5_VLProcessor)(
        Qwen2VLImageProcessorPil(
            patch_size=PATCH, merge_size=MERGE, size={"shortest_edge": area, "longest_edge": area}
        ),
        tokenizer(shape.vocabulary, SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>"),
        NoVideo(),
        chat_template=TEMPLATE,
    )


def model(shape: Shape, words: Any) -> Any:
    """The model of a shape; ``words`` is its tokenizer."""
    width = shape.hidden // shape.heads // 2
    text = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.hidden * 43 // 16,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads // shape.groups,
        "max_position_embeddings": 8192,
        "bos_token_id": None,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": [width - 2 * (3 * width // 8), 3 * width // 8, 3 * width // 8],
            "rope_theta": 10000.0,
        },
    }
    vision = {
        "depth": shape.vision_layers,
        "hidden_size": shape.vision_hidden,
        "intermediate_size": 4 * shape.vision_hidden,
        "num_heads": shape.vision_heads,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "fullatt_block_indexes": [shape.vision_layers - 1],
        "out_hidden_size": shape.hidden,
    }
    ids = {key: words.convert_tokens_to_ids(token) for key, token in IDS.items()}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **ids)
    return Qwen2_5_VLForConditionalGeneration(config)
