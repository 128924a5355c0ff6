"""LLaVA-OneVision: SigLIP, tiles, Qwen2."""

from __future__ import annotations

from typing import Any

from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
    LlavaOnevisionProcessor,
    Qwen2Config,
    SiglipVisionConfig,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer, turns
from unsee.models.processors import NoVideo, without_video

GRID = [[32, 64], [64, 32]]
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")


def processor() -> Any:
    return without_video(LlavaOnevisionProcessor)(
        LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=GRID),
        tokenizer(SPECIAL, bos=None, eos="<|im_end|>", pad="<|endoftext|>"),
        NoVideo(),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=turns("<image>\n"),
    )


def model(processor: Any) -> Any:
    return LlavaOnevisionForConditionalGeneration(
        LlavaOnevisionConfig(
            vision_config=SiglipVisionConfig(**VISION, image_size=32, patch_size=8, vision_use_head=False),
            text_config=Qwen2Config(**text_sizes(processor)),
            image_grid_pinpoints=GRID,
            **ids(processor, image_token_index="<image>", video_token_index="<video>"),
        )
    )
