"""Qwen3-VL: features of the picture enter several decoder layers."""

from __future__ import annotations

from typing import Any

from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

from tests.families.qwen import TOWER, WIDTH, build_processor, named, text


def processor() -> Any:
    return build_processor(Qwen3VLProcessor)


def model(processor: Any) -> Any:
    vision = {
        **TOWER,
        "intermediate_size": 40,
        "out_hidden_size": WIDTH,
        "num_position_embeddings": 36,
        "deepstack_visual_indexes": [0],
    }
    return Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            text_config=text(processor) | {"head_dim": 8},
            vision_config=vision,
            tie_word_embeddings=False,
            **named(processor),
        )
    )
