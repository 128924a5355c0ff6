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

SIZES: dict[str, Any] = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}


def processor() -> Any:
    return build_processor(LlavaProcessor, CLIPImageProcessorPil(**SIZES))


def model(processor: Any) -> Any:
    return LlavaForConditionalGeneration(LlavaConfig(**settings(processor)))


def build_processor(kind: type[Any], pictures: Any) -> Any:
    """The processor of one of the two first LLaVA families."""
    return kind(
        pictures,
        tokenizer(("<s>", "</s>", "<pad>", "<image>"), bos="<s>", eos="</s>", pad="<pad>", adds_bos=True),
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )


def settings(processor: Any) -> dict[str, Any]:
    """What the configurations of both have in common."""
    return {
        "vision_config": CLIPVisionConfig(**VISION, image_size=32, patch_size=8),
        "text_config": LlamaConfig(**text_sizes(processor)),
        "vision_feature_layer": -1,
        "image_seq_length": 16,
        **ids(processor, image_token_index="<image>"),
    }
