from __future__ import annotations

import pytest
from transformers import LlavaProcessor, Qwen2_5_VLProcessor
from transformers.processing_utils import ProcessorMixin
from transformers.utils import is_torchvision_available

from tests.tiny import build
from unsee.models.processors import without_video

needs_shim = pytest.mark.skipif(
    is_torchvision_available(), reason="torchvision is here: nothing to work around"
)


def test_a_processor_without_video_part_is_left_alone() -> None:
    assert without_video(LlavaProcessor) is LlavaProcessor


@needs_shim
def test_nothing_of_transformers_is_changed() -> None:
    before = {name: dict(vars(owner)) for name, owner in (("q", Qwen2_5_VLProcessor), ("m", ProcessorMixin))}
    processor = build("qwen2_5_vl").processor
    assert {
        name: dict(vars(owner)) for name, owner in (("q", Qwen2_5_VLProcessor), ("m", ProcessorMixin))
    } == before
    assert isinstance(processor, Qwen2_5_VLProcessor)
    assert "video_processor" in Qwen2_5_VLProcessor.get_attributes()


@needs_shim
def test_the_class_is_made_once_and_keeps_its_name() -> None:
    made = without_video(Qwen2_5_VLProcessor)
    assert made is without_video(Qwen2_5_VLProcessor)
    assert made.__name__ == "Qwen2_5_VLProcessor"
    assert made.get_attributes() == ["image_processor", "tokenizer"]
