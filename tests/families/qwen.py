"""What the three Qwen families share."""

from __future__ import annotations

from typing import Any

from transformers import Qwen2VLImageProcessorPil

from tests.families.common import WIDTH, ids, text_sizes, tokenizer
from unsee.models.processors import NoVideo, without_video

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
TOWER = {
    "depth": 2,
    "hidden_size": 24,
    "num_heads": 2,
    "patch_size": 8,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}


def build_processor(kind: type[Any]) -> Any:
    """The processor of one of the three Qwen families."""
    return without_video(kind)(
        Qwen2VLImageProcessorPil(
            patch_size=8, merge_size=2, size={"shortest_edge": 16 * 16 * 4, "longest_edge": 16 * 16 * 12}
        ),
        tokenizer(SPECIAL, bos=None, eos="<|im_end|>", pad="<|endoftext|>"),
        NoVideo(),
        chat_template=TEMPLATE,
    )


def named(processor: Any) -> dict[str, int]:
    """The special tokens by the names of the configuration."""
    return ids(
        processor,
        image_token_id="<|image_pad|>",
        video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>",
        vision_end_token_id="<|vision_end|>",
    )


def text(processor: Any) -> dict[str, Any]:
    """The decoder with positions in three dimensions."""
    return {**text_sizes(processor), "rope_parameters": ROPE}


__all__ = ["TOWER", "WIDTH", "build_processor", "named", "text"]
