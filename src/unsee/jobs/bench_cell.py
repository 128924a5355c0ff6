"""One cell of the matrix of ``unsee bench``. Light to import: every process that runs cells reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unsee.config import RunConfig

LOCK = "bench.lock"
"""File in the folder of a matrix: held by the command that works on it."""
SHARED = "shared"
"""Folder in the folder of a matrix: what its cells have in common."""
Point = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """One run of the matrix.

    Attributes:
        method, concept, seed: Its place in the matrix.
        settings: The point of the grid as (key, value) texts; empty without a grid.
        config: The resolved configuration.
        path: Its run folder.
    """

    method: str
    concept: str
    seed: int
    settings: Point
    config: RunConfig
    path: Path

    @property
    def key(self) -> str:
        """Content key (hex): method, settings, data, model and seed; a folder never holds another's cell."""
        return self.config.identity
