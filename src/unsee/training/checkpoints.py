"""Checkpoints that survive a kill at any moment, and the step log that never repeats a step."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unsee.nouns import UserError

COMPLETE = "complete"
IDENTITY = "identity.json"


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that a kill leaves either the old content or the new."""
    fresh = path.with_name(f".{path.name}.writing")
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def claim(folder: Path, identity: str) -> None:
    """Marks the folder as belonging to one training run.

    Raises:
        UserError: It holds checkpoints of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / IDENTITY
    if not file.exists():
        write_atomically(file, json.dumps({"run": identity}))
        return
    found = json.loads(file.read_text(encoding="utf-8"))["run"]
    if found != identity:
        raise UserError(
            "The folder holds checkpoints of another training run.",
            got=folder,
            expected="checkpoints of the same model, method, settings and rows, or an empty folder",
            remedy="give another output folder",
        )


def mark_complete(checkpoint: Path) -> None:
    """Says that everything of a checkpoint has been written."""
    write_atomically(checkpoint / COMPLETE, "")


def drop_older(folder: Path, keep: int = 2) -> None:
    """Removes all but the newest complete checkpoints."""
    complete = [c for c in folder.glob("checkpoint-*") if (c / COMPLETE).is_file()]
    for checkpoint in sorted(complete, key=step_of)[:-keep]:
        (checkpoint / COMPLETE).unlink()
        shutil.rmtree(checkpoint)


def last_complete(folder: Path) -> Path | None:
    """The newest complete checkpoint; unfinished ones are removed."""
    found = []
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / COMPLETE).is_file():
            found.append(checkpoint)
        else:
            shutil.rmtree(checkpoint)
    return max(found, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The number of finished steps in a checkpoint's name."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Adds one JSON line and waits until it is on the disk."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines; a last line cut off by a kill is left out."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n")[:-1] if line]


def keep_steps(path: Path, steps: int) -> list[dict[str, Any]]:
    """Cuts the log back to the given number of finished steps and returns what stays."""
    lines = [line for line in read_lines(path) if line["step"] <= steps] if steps else []
    if path.exists():
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines))
    return lines
