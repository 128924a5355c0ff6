"""Files that are replaced in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PART = ".part"


def write_atomic(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Writes a file so that a kill at any moment leaves either the old content or the new one.

    Args:
        path: The file; its folder is made.
        content: What to write; lone surrogates in a text are escaped.
        durable: Wait until it is on disk, so that a power failure cannot undo it either.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def unfinished(name: str) -> bool:
    """Whether a file of this name was left behind by :func:`write_atomic` when the process was killed."""
    return name.startswith(".") and name.endswith(PART)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
