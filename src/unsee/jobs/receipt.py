"""``cost.json``: what each stage cost, added up over all processes that worked on the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unsee.jobs.folder import RunFolder
from unsee.jobs.lines import read_json
from unsee.models.processes import gathered
from unsee.packs.cost import Cost, per_second
from unsee.reports.receipt import cost_line

FILE = "cost.json"
MARKS = ("stages", "begun", "interrupted")
LARGEST = ("peak_memory", "resident_memory", "activation_memory", "model_copies")


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
        cost = Cost()
        with cost.measure():
            yield cost
        self.begun.remove(name)
        self.add(name, cost)

    def add(self, name: str, cost: Cost) -> None:
        """Adds what a stage has cost, in all processes together, and writes the file."""
        self.stages[name] = added(self.stages.get(name), _at_once(gathered(cost.as_json())))
        self._write()

    def _write(self) -> None:
        total: dict[str, Any] | None = None
        for stage in self.stages.values():
            total = added(total, stage)
        marks = {"begun": self.begun, "interrupted": self.interrupted}
        marked = {key: names for key, names in marks.items() if names}
        self._folder.write(FILE, {**(total or {}), "stages": self.stages, **marked})


def whole_cost(folder: Path) -> dict[str, Any]:
    """The receipts of all runs in a folder as one; of a run folder, its own."""
    total: dict[str, Any] = {}
    for file in sorted(folder.rglob(FILE)):
        found = read_json(file)
        total = added(total, {key: found[key] for key in found if key not in MARKS})
    return total


def print_cost(folder: Path) -> None:
    """The line about cost at the end of a command; nothing without a receipt."""
    line = cost_line(whole_cost(folder))
    if line:
        print(f"cost     {line}")


def added(first: Mapping[str, Any] | None, second: Mapping[str, Any]) -> dict[str, Any]:
    """Two receipts as one: counters add up, of memory and model copies the larger counts."""
    total = dict(first or {})
    for name, value in second.items():
        total[name] = _both(name, total[name], value) if name in total else value
    if "seconds" in total and "lm_tokens" in total:
        total["tokens_per_second"] = per_second(total["lm_tokens"], total["seconds"])
    return total


def _at_once(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several processes did at the same time: work adds up, time and phases are the leader's."""
    first = parts[0]
    total = dict(first)
    for part in parts[1:]:
        total = {**added(total, part), "seconds": first["seconds"], "phases": first["phases"]}
    return {**total, "tokens_per_second": per_second(total["lm_tokens"], total["seconds"])}


def _both(name: str, one: Any, other: Any) -> Any:
    if isinstance(other, Mapping):
        return added(one, other)
    if isinstance(other, str):
        return other
    return max(one, other) if name in LARGEST else one + other
