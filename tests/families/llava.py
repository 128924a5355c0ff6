"""LLaVA 1.5: CLIP, a two-layer bridge, Llama."""

from __future__ import annotations

from typing import Any

from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from tests.families.common import LLAVA_TEMPLATE, VISION, ids, text_sizes, tokenizer


def processor() -> Any:
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer(("<s>", "</s>", "<pad>", "<image>"), bos="<s>", eos="</s>", pad="<pad>", adds_bos=True),
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )


def model(processor: Any) -> Any:
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**VISION, image_size=32, patch_size=8),
            text_config=LlamaConfig(**text_sizes(processor)),
            vision_feature_layer=-1,
            image_seq_length=16,
            **ids(processor, image_token_index="<image>"),
        )
    )
