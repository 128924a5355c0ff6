"""What several runs need and one has to make: rows, and the answers of models that no method changes.

A folder per kind and content key. Whoever comes first makes the content while the others wait; the lock is
released by the system when its process ends, however it ends, and what was finished by then stays.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.jobs.folder import RECORD_KEY
from unsee.jobs.lines import Lines, write_atomic
from unsee.nouns import hash_text


@dataclass(frozen=True)
class Shared:
    """A folder that several runs read from and add to, also at the same time."""

    path: Path

    def answers(self, key: Sequence[str], ask: Callable[[Lines], None]) -> list[dict[str, Any]]:
        """The records under this key; ``ask`` adds those that are missing.

        Args:
            key: Texts that everything in the answers depends on.
            ask: Puts the questions whose lines are not there yet, and nothing else.
        """
        with self._held("answers", key) as folder:
            lines = Lines(folder / "records.jsonl", RECORD_KEY)
            ask(lines)
            return lines.rows

    def place(self, kind: str, key: Sequence[str]) -> Path:
        """The folder of what is kept under this key."""
        return self.path / kind / hash_text(*key)[:24]

    def text(self, kind: str, key: Sequence[str], make: Callable[[], str]) -> str:
        """The text under this key; made when it is not there yet."""
        with self._held(kind, key) as folder:
            file = folder / "content"
            if not file.exists():
                write_atomic(file, make())
            return file.read_text(encoding="utf-8")

    @contextmanager
    def _held(self, kind: str, key: Sequence[str]) -> Iterator[Path]:
        """The folder of a key, with nobody else in it until the block ends."""
        folder = self.place(kind, key)
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(handle)
