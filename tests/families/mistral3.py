"""Mistral3: Pixtral's tower, patches merged two by two."""

from __future__ import annotations

from typing import Any

from transformers import (
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    PixtralVisionConfig,
)

from tests.families.common import VISION, ids, text_sizes
from tests.families.pixtral import build_processor


def processor() -> Any:
    return build_processor(2)


def model(processor: Any) -> Any:
    return Mistral3ForConditionalGeneration(
        Mistral3Config(
            vision_config=PixtralVisionConfig(**VISION, image_size=48, patch_size=8),
            text_config=MistralConfig(**text_sizes(processor), head_dim=8),
            spatial_merge_size=2,
            tie_word_embeddings=False,
            **ids(processor, image_token_index="[IMG]"),
        )
    )
