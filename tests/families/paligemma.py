"""PaliGemma: picture and prompt see each other both ways; no chat template."""

from __future__ import annotations

from typing import Any

from transformers import (
    GemmaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

from tests.families.common import VISION, WIDTH, ids, text_sizes, tokenizer


def processor() -> Any:
    images = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    words = tokenizer(
        ("<bos>", "<eos>", "<pad>", "<image>"), bos="<bos>", eos="<eos>", pad="<pad>", image_token="<image>"
    )
    return PaliGemmaProcessor(images, words)


def model(processor: Any) -> Any:
    text = text_sizes(processor) | {"head_dim": 8}
    return PaliGemmaForConditionalGeneration(
        PaliGemmaConfig(
            vision_config=SiglipVisionConfig(
                **VISION, image_size=32, patch_size=8, projection_dim=WIDTH, vision_use_head=False
            ),
            text_config=GemmaConfig(**text),
            projection_dim=WIDTH,
            hidden_size=WIDTH,
            vocab_size=text["vocab_size"],
            tie_word_embeddings=False,
            **ids(processor, image_token_index="<image>"),
        )
    )
