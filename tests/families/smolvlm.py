"""SmolVLM: Idefics3 with another processor."""

from __future__ import annotations

from typing import Any

from transformers import (
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
    SmolVLMProcessor,
)

from tests.families.idefics3 import SIZES, TEMPLATE, config, words
from unsee.models.processors import NoVideo, without_video


def processor() -> Any:
    return without_video(SmolVLMProcessor)(
        SmolVLMImageProcessorPil(**SIZES), words(), NoVideo(), image_seq_len=4, chat_template=TEMPLATE
    )


def model(processor: Any) -> Any:
    return SmolVLMForConditionalGeneration(SmolVLMConfig(**config(processor)))
