"""A model without its weights: shapes and types on the meta device, or its chat alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import AutoModelForImageTextToText, GenerationConfig

from unsee.models.chat import Chat, chat_of
from unsee.models.load import DOWNLOAD, VLM, _check_config, _locate, _open_processor
from unsee.models.roles import find_roles
from unsee.nouns import UserError


class Skeleton(NamedTuple):
    """What :func:`skeleton` gives.

    Attributes:
        vlm: Model on the meta device with its roles; it has no processor and cannot talk.
        stored: Bytes of the weight files, 0 where they are not here.
    """

    vlm: VLM
    stored: int


def skeleton(
    model: str | Path,
    dtype: torch.dtype,
    *,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Skeleton:
    """The model of a folder or hub id, without reading its weights (of a hub model only JSON is fetched).

    Args:
        model: Folder or hub id.
        dtype: Number type of the weights.
        revision: Branch, tag or commit of a hub model.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        UserError: No such model, or one that does not read pictures.
    """
    folder, source = _locate(model, revision, trust_remote_code, ("*.json",))
    config = _config(folder, model, trust_remote_code)
    with torch.device("meta"):
        made = AutoModelForImageTextToText.from_config(
            config, dtype=dtype, trust_remote_code=trust_remote_code
        )
    missing: Any = None
    vlm = VLM(made.eval(), missing, str(model), "", find_roles(made), missing, "", source)
    return Skeleton(vlm, _stored(folder))


def open_chat(
    model: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> tuple[Chat, str]:
    """The chat of a folder or hub id, and its model type; no weights are read or fetched.

    Raises:
        UserError: No such model, or one that does not read pictures or cannot be talked to.
    """
    patterns = [pattern for pattern in DOWNLOAD if pattern != "*.safetensors"]
    folder, _ = _locate(model, revision, trust_remote_code, patterns)
    config = _config(folder, model, trust_remote_code)
    processor = _open_processor(folder, config, model, trust_remote_code)
    told = (folder / "generation_config.json").is_file()
    generation = GenerationConfig.from_pretrained(str(folder), local_files_only=True) if told else None
    return chat_of(processor, config, generation), str(config.model_type)


def _config(folder: Path, model: str | Path, trust_remote_code: bool) -> Any:
    if not (folder / "config.json").is_file():
        raise UserError(
            "the folder is not a model",
            got=model,
            expected="a folder with config.json",
            remedy="check the path",
        )
    return _check_config(folder, model, trust_remote_code)


def _stored(folder: Path) -> int:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return int(json.loads(index.read_text(encoding="utf-8")).get("metadata", {}).get("total_size", 0))
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def size(module: nn.Module) -> int:
    """Bytes of the different parameters and buffers of a module."""
    return sum(t.nbytes for t in {id(t): t for t in (*module.parameters(), *module.buffers())}.values())
