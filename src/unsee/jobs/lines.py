"""Files that survive a kill: whole files are replaced in one step, line files only ever grow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unsee.reports.atomic import unfinished, write_atomic

__all__ = ["Lines", "read_json", "read_lines", "repair", "unfinished", "write_atomic", "write_json"]


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, atomically; NaN and infinity are refused."""
    write_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


class Lines:
    """A JSON-lines file that is only appended to. A last line torn by a kill is dropped when it is opened.

    Args:
        path: The file; made with the first line.
        key: Fields that identify a line; a line whose key is present already is not written again.
    """

    def __init__(self, path: Path, key: tuple[str, ...]) -> None:
        self.path, self.key = path, key
        repair(path)
        self._rows = {self._key_of(row): row for row in read_lines(path)}

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All lines, in the order written."""
        return list(self._rows.values())

    def get(self, key: tuple[str, ...]) -> dict[str, Any] | None:
        """The line with this key, or None."""
        return self._rows.get(key)

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Appends lines and waits until they are on disk."""
        new = [dict(row) for row in rows if self._key_of(row) not in self._rows]
        if not new:
            return
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in new)
        with self.path.open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        self._rows.update((self._key_of(row), row) for row in new)

    def _key_of(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self.key)


def repair(path: Path) -> None:
    """Cuts a JSON-lines file after its last whole line."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        write_atomic(path, whole)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a JSON-lines file; none when it does not exist."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.decode("utf-8").split("\n") if line.strip()]
