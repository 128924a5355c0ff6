"""Gemma3: the tokens of a picture see each other both ways; layers with a sliding window."""

from __future__ import annotations

from typing import Any

from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Gemma3TextConfig,
    SiglipVisionConfig,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<start_of_image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
NAMED = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
SPECIAL = ("<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", *NAMED.values())


def processor() -> Any:
    return Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 32, "width": 32}, do_pan_and_scan=False),
        tokenizer(SPECIAL, bos="<bos>", eos="<eos>", pad="<pad>", adds_bos=True, **NAMED),
        chat_template=TEMPLATE,
        image_seq_length=4,
    )


def model(processor: Any) -> Any:
    text = text_sizes(processor) | {
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "sliding_window": 512,
        "layer_types": ["sliding_attention", "full_attention"],
    }
    return Gemma3ForConditionalGeneration(
        Gemma3Config(
            vision_config=SiglipVisionConfig(**VISION, image_size=32, patch_size=8, vision_use_head=False),
            text_config=Gemma3TextConfig(**text),
            mm_tokens_per_image=4,
            tie_word_embeddings=False,
            **ids(
                processor,
                image_token_index="<image_soft_token>",
                boi_token_index="<start_of_image>",
                eoi_token_index="<end_of_image>",
            ),
        )
    )
