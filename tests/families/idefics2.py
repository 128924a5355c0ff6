"""Idefics2: a resampler between tower and Mistral."""

from __future__ import annotations

from typing import Any

from transformers import (
    Idefics2Config,
    Idefics2ForConditionalGeneration,
    Idefics2ImageProcessorPil,
    Idefics2Processor,
)

from tests.families.common import VISION, WIDTH, ids, text_sizes, tokenizer
from tests.families.idefics3 import TEMPLATE

SPECIAL = ("<|im_start|>", "<end_of_utterance>", "<pad>", "<fake_token_around_image>", "<image>")


def processor() -> Any:
    return Idefics2Processor(
        Idefics2ImageProcessorPil(size={"shortest_edge": 24, "longest_edge": 32}, do_image_splitting=False),
        tokenizer(SPECIAL, bos="<|im_start|>", eos="<end_of_utterance>", pad="<pad>"),
        image_seq_len=4,
        chat_template=TEMPLATE,
    )


def model(processor: Any) -> Any:
    return Idefics2ForConditionalGeneration(
        Idefics2Config(
            vision_config={**VISION, "image_size": 32, "patch_size": 8},
            perceiver_config={
                "hidden_size": WIDTH,
                "resampler_n_latents": 4,
                "resampler_depth": 1,
                "resampler_n_heads": 4,
                "resampler_head_dim": 8,
                "num_key_value_heads": 2,
            },
            text_config={**text_sizes(processor), "model_type": "mistral"},
            **ids(processor, image_token_id="<image>"),
        )
    )
