"""``cost.json``: what each stage cost, added up over all processes that worked on the run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

from unsee.jobs.folder import RunFolder
from unsee.packs.cost import Cost, peak_memory

FILE = "cost.json"
LARGEST = ("peak_memory", "model_copies")


class Receipt:
    """Counters by stage, written after each stage. Work lost by a kill is not in it."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.stages: dict[str, dict[str, Any]] = (folder.read(FILE) or {}).get("stages", {})

    @contextmanager
    def stage(self, name: str) -> Iterator[Cost]:
        """Counts what the block does; seconds are wall-clock."""
        cost, start = Cost(), time.perf_counter()
        yield cost
        cost.seconds = time.perf_counter() - start
        self.add(name, cost)

    def add(self, name: str, cost: Cost) -> None:
        """Adds what a stage has cost and writes the file."""
        cost.peak_memory = max(cost.peak_memory, peak_memory())
        self.stages[name] = added(self.stages.get(name), asdict(cost))
        total: dict[str, Any] | None = None
        for stage in self.stages.values():
            total = added(total, stage)
        self._folder.write(FILE, {**(total or {}), "stages": self.stages})


def added(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Two receipts as one: counters add up, peak memory and copies of the model take the larger."""
    if first is None:
        return dict(second)
    names = [field.name for field in fields(Cost)]
    return {
        name: max(first[name], second[name]) if name in LARGEST else first[name] + second[name]
        for name in names
    }
