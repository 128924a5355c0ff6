"""Pixtral: LLaVA with a tower for pictures of any size."""

from __future__ import annotations

from typing import Any

from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    MistralConfig,
    PixtralImageProcessorPil,
    PixtralVisionConfig,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer
from unsee.models.processors import processor_class

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}[INST]"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}[IMG]"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}[/INST]"
    "{% else %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ eos_token }}"
    "{% endif %}{% endfor %}"
)
SPECIAL = ("<s>", "</s>", "<pad>", "[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]")


def build_processor(merge: int) -> Any:
    """The processor, shared with Mistral3."""
    return processor_class("PixtralProcessor")(
        PixtralImageProcessorPil(size={"longest_edge": 40}, patch_size={"height": 8, "width": 8}),
        tokenizer(SPECIAL, bos="<s>", eos="</s>", pad="<pad>", adds_bos=True),
        patch_size=8,
        spatial_merge_size=merge,
        chat_template=TEMPLATE,
    )


def processor() -> Any:
    return build_processor(1)


def model(processor: Any) -> Any:
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=PixtralVisionConfig(**VISION, image_size=40, patch_size=8),
            text_config=MistralConfig(**text_sizes(processor), head_dim=8),
            vision_feature_layer=-1,
            vision_feature_select_strategy="full",
            image_seq_length=1,
            **ids(processor, image_token_index="[IMG]"),
        )
    )
