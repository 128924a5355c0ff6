"""Qwen2-VL: positions in three dimensions, merger inside the tower."""

from __future__ import annotations

from typing import Any

from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from tests.families.qwen import TOWER, WIDTH, build_processor, named, text


def processor() -> Any:
    return build_processor(Qwen2VLProcessor)


def model(processor: Any) -> Any:
    vision = {**TOWER, "embed_dim": 24, "hidden_size": WIDTH, "mlp_ratio": 2}
    return Qwen2VLForConditionalGeneration(
        Qwen2VLConfig(
            text_config=text(processor),
            vision_config=vision,
            tie_word_embeddings=False,
            **named(processor),
        )
    )
