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
    """Counters by stage, written after each stage.

    What a stage had cost when it was stopped is lost. Such a stage is listed under ``interrupted``, so that
    nobody takes the rest for the whole.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        found = folder.read(FILE) or {}
        self.stages: dict[str, dict[str, Any]] = found.get("stages", {})
        self.begun: list[str] = found.get("begun", [])
        self.interrupted: list[str] = found.get("interrupted", [])

    @contextmanager
    def stage(self, name: str) -> Iterator[Cost]:
        """Counts what the block does; seconds are wall-clock."""
        if name in self.begun and name not in self.interrupted:
            self.interrupted.append(name)
        self.begun = [*(other for other in self.begun if other != name), name]
        self._write()
        cost, start = Cost(), time.perf_counter()
        yield cost
        cost.seconds = time.perf_counter() - start
        self.begun.remove(name)
        self.add(name, cost)

    def add(self, name: str, cost: Cost) -> None:
        """Adds what a stage has cost and writes the file."""
        cost.peak_memory = max(cost.peak_memory, peak_memory())
        self.stages[name] = added(self.stages.get(name), asdict(cost))
        self._write()

    def _write(self) -> None:
        total: dict[str, Any] | None = None
        for stage in self.stages.values():
            total = added(total, stage)
        marks = {"begun": self.begun, "interrupted": self.interrupted}
        marked = {key: names for key, names in marks.items() if names}
        self._folder.write(FILE, {**(total or {}), "stages": self.stages, **marked})


def added(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Two receipts as one: counters add up, peak memory and copies of the model take the larger."""
    if first is None:
        return dict(second)
    names = [field.name for field in fields(Cost)]
    return {
        name: max(first[name], second[name]) if name in LARGEST else first[name] + second[name]
        for name in names
    }
