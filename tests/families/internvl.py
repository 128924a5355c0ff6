"""InternVL (the port of transformers): tiles, pixel shuffle, Qwen2."""

from __future__ import annotations

from typing import Any

from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    Qwen2Config,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer, turns
from unsee.models.processors import NoVideo, without_video

NAMED = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *NAMED.values())


def processor() -> Any:
    return without_video(InternVLProcessor)(
        GotOcr2ImageProcessorPil(
            size={"height": 32, "width": 32}, crop_to_patches=True, min_patches=1, max_patches=3
        ),
        tokenizer(SPECIAL, bos=None, eos="<|im_end|>", pad="<|endoftext|>", **NAMED),
        NoVideo(),
        image_seq_length=4,
        chat_template=turns("<IMG_CONTEXT>\n"),
    )


def model(processor: Any) -> Any:
    return InternVLForConditionalGeneration(
        InternVLConfig(
            vision_config={**VISION, "image_size": [32, 32], "patch_size": [8, 8]},
            text_config=Qwen2Config(**text_sizes(processor)),
            image_seq_length=4,
            tie_word_embeddings=False,
            **ids(processor, image_token_id="<IMG_CONTEXT>"),
        )
    )
