"""Idefics3: tiles with a frame of tokens around each."""

from __future__ import annotations

from typing import Any

from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer

SIZES = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
TILES = tuple(f"<row_{i}_col_{j}>" for i in range(1, 4) for j in range(1, 4))
SPECIAL = ("<|im_start|>", "<end_of_utterance>", "<pad>", "<fake_token_around_image>", "<image>")
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def words() -> Any:
    """The tokenizer, shared with SmolVLM."""
    return tokenizer(
        (*SPECIAL, "<global-img>", *TILES), bos="<|im_start|>", eos="<end_of_utterance>", pad="<pad>"
    )


def processor() -> Any:
    return Idefics3Processor(
        Idefics3ImageProcessorPil(**SIZES), words(), image_seq_len=4, chat_template=TEMPLATE
    )


def model(processor: Any) -> Any:
    return Idefics3ForConditionalGeneration(Idefics3Config(**config(processor)))


def config(processor: Any) -> dict[str, Any]:
    """The configuration, shared with SmolVLM."""
    text = text_sizes(processor)
    return {
        "vision_config": {**VISION, "image_size": 32, "patch_size": 8},
        "text_config": {**text, "model_type": "llama"},
        "scale_factor": 2,
        "pad_token_id": text["pad_token_id"],
        **ids(processor, image_token_id="<image>"),
    }
