"""LLaVA-NeXT: pictures as a whole and in tiles."""

from __future__ import annotations

from typing import Any

from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
)

from tests.families.llava import SIZES, build_processor, settings

GRID = [[32, 64], [64, 32]]


def processor() -> Any:
    return build_processor(LlavaNextProcessor, LlavaNextImageProcessorPil(**SIZES, image_grid_pinpoints=GRID))


def model(processor: Any) -> Any:
    return LlavaNextForConditionalGeneration(
        LlavaNextConfig(**settings(processor), image_grid_pinpoints=GRID)
    )
