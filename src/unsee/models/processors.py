"""The processor of a model folder, with or without torchvision.

transformers builds the processor of Qwen2-VL, Qwen2.5-VL, SmolVLM and InternVL only with a video processor,
and every video processor needs torchvision. unsee shows models pictures, never videos, so without torchvision
such a processor is built from a subclass that has no video part. Nothing in transformers is changed: the
subclass overrides two class methods of its own. The processor of Pixtral and Mistral3 needs torchvision for
nothing but one function, which stands in the file for Pillow as well.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import transformers
from transformers import AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES
from transformers.utils import is_torchvision_available

VIDEO = "video_processor"
PIXTRAL = "PixtralProcessor"


class NoVideo:
    """Stands where a video processor would be; knows no frame rate, so nothing is ever sampled."""

    num_frames: ClassVar[int | None] = None
    fps: ClassVar[float | None] = None
    merge_size: ClassVar[int] = 1


@cache
def without_video(processor_class: type[Any]) -> type[Any]:
    """The processor class if it can do without a video processor, else a subclass that can.

    The subclass keeps the name, so that ``save_pretrained`` writes a folder which transformers with
    torchvision reads as usual.
    """
    attributes = processor_class.get_attributes()
    if is_torchvision_available() or VIDEO not in attributes:
        return processor_class
    # ``ProcessorMixin.__init__`` pairs its positional arguments with ``get_attributes()``; a shorter list
    # drops the last one.
    assert attributes[-1] == VIDEO, attributes

    def get_attributes(cls: type[Any], /) -> list[str]:
        return list(attributes[:-1])

    def arguments(cls: type[Any], /, name: str, processor_dict: Any = None, **options: Any) -> list[Any]:
        found = super(quiet, cls)._get_arguments_from_pretrained(name, processor_dict, **options)
        return [*found, NoVideo()]

    body = {
        "__module__": processor_class.__module__,
        "__doc__": processor_class.__doc__,
        VIDEO: NoVideo(),
        "get_attributes": classmethod(get_attributes),
        "_get_arguments_from_pretrained": classmethod(arguments),
    }
    quiet: type[Any] = type(processor_class.__name__, (processor_class,), body)
    return quiet


def load_processor(folder: Path, model_type: str, *, trust_remote_code: bool = False) -> Any:
    """The processor saved in a local folder.

    Args:
        folder: A model folder.
        model_type: Of the model's configuration; used when the folder names no processor class.
        trust_remote_code: Whether code in the folder may run.
    """
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    found: Any = processor_class(_class_name(folder, model_type) or "")
    if found is not None and (without_video(found) is not found or found.__name__ == PIXTRAL):
        del options["trust_remote_code"]
        return without_video(found).from_pretrained(str(folder), **options)
    return AutoProcessor.from_pretrained(str(folder), **options)


def processor_class(name: str) -> type[Any] | None:
    """The processor class of this name, without torchvision too; None if there is no such class."""
    if name == PIXTRAL and not is_torchvision_available():
        return _pixtral()
    found: type[Any] | None = getattr(transformers, name, None)
    return found


@cache
def _pixtral() -> type[Any]:
    """The class out of its own file, which finds the function it needs in the file for Pillow."""
    package = "transformers.models.pixtral"
    wanted = f"{package}.image_processing_pixtral"
    sys.modules[wanted] = import_module(f"{package}.image_processing_pil_pixtral")
    try:
        made: type[Any] = import_module(f"{package}.processing_pixtral").PixtralProcessor
    finally:
        del sys.modules[wanted]
    return made


def _class_name(folder: Path, model_type: str) -> str | None:
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        file = folder / name
        if file.is_file():
            named = json.loads(file.read_text(encoding="utf-8")).get("processor_class")
            if named:
                return str(named)
    named = PROCESSOR_MAPPING_NAMES.get(model_type)
    return None if named is None else str(named)
