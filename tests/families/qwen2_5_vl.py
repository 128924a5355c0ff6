"""Qwen2.5-VL: windows in the tower."""

from __future__ import annotations

from typing import Any

from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

from tests.families.qwen import TOWER, WIDTH, build_processor, named, text


def processor() -> Any:
    return build_processor(Qwen2_5_VLProcessor)


def model(processor: Any) -> Any:
    vision = {
        **TOWER,
        "intermediate_size": 40,
        "window_size": 32,
        "fullatt_block_indexes": [1],
        "out_hidden_size": WIDTH,
    }
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config=text(processor),
            vision_config=vision,
            tie_word_embeddings=False,
            **named(processor),
        )
    )
