"""What a judge said, on disk: one small file per prompt, so that nothing is asked twice."""

from __future__ import annotations

import json
import os
from pathlib import Path

from unsee.nouns import hash_text


def place(folder: Path, *key: str) -> Path:
    """The file of an answer; ``key`` is everything that it depends on."""
    return folder / f"{hash_text(*key)}.json"


def kept(file: Path) -> str | None:
    """What was said; None where nothing was yet."""
    return str(json.loads(file.read_text(encoding="utf-8"))["said"]) if file.is_file() else None


def keep(file: Path, model: str, said: str) -> None:
    """Writes an answer, whole or not at all.

    Args:
        file: From :func:`place`.
        model: Who said it.
        said: The text.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"model": model, "said": said}), encoding="utf-8")
    part.replace(file)
