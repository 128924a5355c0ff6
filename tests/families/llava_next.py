"""LLaVA-NeXT: pictures as a whole and in tiles."""

from __future__ import annotations

from typing import Any

from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
)

from tests.families.common import LLAVA_TEMPLATE, VISION, ids, text_sizes, tokenizer

GRID = [[32, 64], [64, 32]]


def processor() -> Any:
    return LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=GRID
        ),
        tokenizer(("<s>", "</s>", "<pad>", "<image>"), bos="<s>", eos="</s>", pad="<pad>", adds_bos=True),
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )


def model(processor: Any) -> Any:
    return LlavaNextForConditionalGeneration(
        LlavaNextConfig(
            vision_config=CLIPVisionConfig(**VISION, image_size=32, patch_size=8),
            text_config=LlamaConfig(**text_sizes(processor)),
            vision_feature_layer=-1,
            image_grid_pinpoints=GRID,
            image_seq_length=16,
            **ids(processor, image_token_index="<image>"),
        )
    )
