"""The matrix of ``unsee bench mllmu`` read from its cells: figures over seeds, floors, tests and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unsee.jobs.bench_cell import Cell
from unsee.jobs.folder import FAILED, RECORD_KEY
from unsee.jobs.lines import Lines, read_json
from unsee.jobs.measure import as_record
from unsee.jobs.mllmu_cell import RESULTS, judge_for, protocol_of, read_people
from unsee.jobs.shared import Shared
from unsee.metrics.comparison import holm, sign_flip
from unsee.metrics.factuality import FactJudge
from unsee.nouns import Record, Score
from unsee.reports.mllmu_standing import standing
from unsee.suites.mllmu.alignment import alignment
from unsee.suites.mllmu.asks import Protocol
from unsee.suites.mllmu.compare import compare, difference, distances, standings
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.results import asdict_of, gaps_of, graded_values, results_of
from unsee.suites.mllmu.scoring import FORGET_SETS, Values, scores_of
from unsee.suites.records import joined

SCHEMA = 1
HEADLINES = (
    "mllmu_choice",
    "mllmu_choice_text",
    "mllmu_rouge_l",
    "mllmu_factuality",
    "mllmu_cloze",
    "mllmu_key_fact",
)
CLAIM = "text"  # the form that is compared with image_text, both the paper's
Group = tuple[str, str, tuple[tuple[str, str], ...]]  # method, form of its training questions, settings


@dataclass
class Reader:
    """Reads the cells of one matrix; what was read of a finished cell is kept.

    Attributes:
        out: Folder of the matrix.
        cells: Every cell.
        left_out: Cells that there cannot be, and why.
    """

    out: Path
    cells: Sequence[Cell]
    left_out: Sequence[tuple[Cell, str]] = ()
    _values: dict[Path, Values] = field(default_factory=dict)
    _ratios: dict[int, Ratio] = field(default_factory=dict)
    _scores: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    def read(self, *, tests: bool = True) -> dict[str, Any]:
        """The content of ``results.json`` of the matrix, with what is finished by now.

        Args:
            tests: Also the paired tests, which take longest and change with every row.
        """
        ratios: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        claims: dict[str, Any] = {}
        for number in dict.fromkeys(cell.config.mllmu.ratio for cell in self.cells):
            here = [cell for cell in self.cells if cell.config.mllmu.ratio == number]
            done = next((cell for cell in here if finished(cell)), None)
            if done is not None and number not in self._ratios:
                self._ratios[number] = self.ratio(done)
            ratio = self._ratios.get(number)
            if ratio is not None:
                ratios[str(number)] = ratio.results
            found = self.groups(here)
            rows += self.rows(number, ratio, found, tests)
            if ratio is not None and tests:
                claims[str(number)] = claim(ratio, self.values(found, ratio))
        first = self.cells[0].config.mllmu
        return {
            "schema": SCHEMA,
            "suite": "mllmu",
            "preset": first.protocol,
            "split": first.split,
            "ratios": ratios,
            "rows": rows,
            "left_out": [{**place_of(cell), "reason": reason} for cell, reason in self.left_out],
            "forms": {ratio: tests for ratio, tests in claims.items() if tests},
        }

    def groups(self, cells: Sequence[Cell]) -> dict[Group, list[Cell]]:
        """The cells of one ratio that differ in the seed only."""
        found: dict[Group, list[Cell]] = {}
        for cell in cells:
            found.setdefault((cell.method, cell.config.mllmu.modality, cell.settings), []).append(cell)
        return found

    def ratio(self, cell: Cell) -> Ratio:
        """What the cells of a ratio have in common, from a finished one."""
        config = cell.config
        data = read_people(config)
        told = read_json(cell.path / "environment.json")
        asked = protocol_of(config, data, told["model_type"])
        assert asked.hash == told["inputs"]["protocol"], "the questions of a finished cell"
        judge = judge_for(config, self.out / "shared")
        shared = Shared(self.out / "shared")
        records = {
            label: records_in(shared.path / "answers" / place / "records.jsonl")
            for label, place in told["answers"].items()
        }
        found = results_of(asked, records, data=data, judge=judge, seed=0)
        values = {
            label: graded_values(asked, joined(asked.asks, rows), judge)[0]
            for label, rows in records.items()
            if ":" not in label
        }
        return Ratio(data, asked, judge, found, values)

    def values(self, groups: Mapping[Group, Sequence[Cell]], ratio: Ratio) -> dict[Group, Values]:
        """Values of the unlearned models by group, averaged over seeds."""
        found = {}
        for group, cells in groups.items():
            made = [self.cell_values(cell, ratio) for cell in cells if finished(cell)]
            if made:
                found[group] = averaged(made)
        return found

    def cell_values(self, cell: Cell, ratio: Ratio) -> Values:
        """Values of one finished cell."""
        if cell.path not in self._values:
            records = records_in(cell.path / "records.jsonl")
            answered = joined(ratio.asked.asks, records)
            self._values[cell.path] = graded_values(ratio.asked, answered, ratio.judge)[0]
        return self._values[cell.path]

    def rows(
        self, number: int, ratio: Ratio | None, groups: Mapping[Group, Sequence[Cell]], tests: bool
    ) -> list[dict[str, Any]]:
        """One row per method, form and settings at a ratio."""
        values = {} if ratio is None else self.values(groups, ratio)
        beside = against(ratio, values) if tests and ratio is not None else {}
        rows = []
        for group, cells in groups.items():
            row: dict[str, Any] = {
                **place_of(cells[0]),
                "seeds": [cell.seed for cell in cells if finished(cell)],
                "cells": len(cells),
                "folders": [cell.path.relative_to(self.out).as_posix() for cell in cells],
                "failures": [text for cell in cells if (text := failure_of(cell))],
                "cost": cost_of([cell for cell in cells if finished(cell)]),
            }
            if ratio is not None and group in values:
                row |= self.figures(cells, values[group], ratio)
                row |= {f"against_{name}": found[group] for name, found in beside.items()}
            rows.append(row)
        return rows

    def figures(self, cells: Sequence[Cell], values: Values, ratio: Ratio) -> dict[str, Any]:
        """Scores and normalised forgetting of a row; computed once for the same finished cells."""
        key = tuple(str(cell.path) for cell in cells if finished(cell))
        if key not in self._scores:
            found = scores(values, ratio)
            stands = standing(found, ratio.results)
            self._scores[key] = {
                "models": {"unlearned": found},
                "normalised": normalised(values, ratio),
                "distance_to_gold": gold_distances(values, ratio),
                "alignment": {name: s.as_json() for name, s in alignment(values, ratio.asked.asks).items()},
                "gaps": gaps_of(values, ratio.asked),
                "standing": None if stands is None else {**stands._asdict(), "distance": stands.distance},
            }
        return self._scores[key]


@dataclass(frozen=True)
class Ratio:
    """What all cells of a ratio have in common.

    Attributes:
        data: The benchmark.
        asked: What was asked.
        judge: Who graded.
        results: Figures of target, base, gold and the floors.
        values: Values of target, base and gold.
    """

    data: Mllmu
    asked: Protocol
    judge: FactJudge
    results: dict[str, Any]
    values: Mapping[str, Values]


def place_of(cell: Cell) -> dict[str, Any]:
    """Which row of the table a cell belongs to."""
    given = cell.config.mllmu
    return {
        "method": cell.method,
        "ratio": given.ratio,
        "modality": given.modality,
        "settings": dict(cell.settings),
    }


def finished(cell: Cell) -> bool:
    """Whether a cell has everything."""
    return (cell.path / RESULTS).exists() and not (cell.path / "checkpoints").exists()


def failure_of(cell: Cell) -> str:
    """Why a cell has no results; empty when it has, or was not tried."""
    file = cell.path / FAILED
    return "" if finished(cell) or not file.exists() else str(read_json(file)["message"])


def records_in(file: Path) -> list[Record]:
    """The records of a file."""
    return [as_record(row) for row in Lines(file, RECORD_KEY).rows]


def averaged(found: Sequence[Values]) -> Values:
    """The mean over seeds of each question's values."""
    if len(found) == 1:
        return found[0]
    mean: Values = {}
    for name in dict.fromkeys(name for values in found for name in values):
        parts = [values[name] for values in found if name in values]
        ids = dict.fromkeys(key for part in parts for key in part)
        mean[name] = {
            key: sum(part[key] for part in parts if key in part) / sum(key in part for part in parts)
            for key in ids
        }
    return mean


def scores(values: Values, ratio: Ratio) -> dict[str, Any]:
    """Every cell of the table with its interval, clustered by person."""
    return {name: score.as_json() for name, score in scores_of(values, ratio.asked.asks, seed=0).items()}


def normalised(values: Values, ratio: Ratio) -> dict[str, Any]:
    """Forgetting between target (0) and gold (1), flagged where the room is within noise."""
    target, gold = ratio.values.get("target"), ratio.values.get("gold")
    if target is None or gold is None:
        return {}
    wanted = {name: items for name, items in values.items() if name.split("/")[0] in HEADLINES}
    found = standings(wanted, target, gold, ratio.asked.asks, seed=0)
    return {name: asdict(standing) for name, standing in found.items()}


def gold_distances(values: Values, ratio: Ratio) -> dict[str, Any]:
    """KS and Wasserstein to gold; nothing without gold."""
    gold = ratio.values.get("gold")
    return {} if gold is None else {cell: asdict_of(d) for cell, d in distances(values, gold).items()}


def against(ratio: Ratio, values: Mapping[Group, Values]) -> dict[str, dict[Group, Any]]:
    """Paired tests of all methods against target and gold; Holm's adjustment runs over the methods."""
    found: dict[str, dict[Group, Any]] = {}
    names = {repr(group): group for group in values}
    for model in ("target", "gold"):
        other = ratio.values.get(model)
        if other is None or not values:
            continue
        wanted = {name: items for name, items in other.items() if name.split("/")[0] in HEADLINES}
        tests = compare({key: values[g] for key, g in names.items()}, wanted, ratio.asked.asks, seed=0)
        found[model] = {
            names[key]: {
                name: {"difference": test.difference.as_json(), "p": test.p, "holm": test.adjusted}
                for name, test in cells.items()
            }
            for key, cells in tests.items()
        }
    return found


def claim(ratio: Ratio, values: Mapping[Group, Values]) -> dict[str, Any]:
    """Text form - picture form of each method that was run in both, by cell of the forget and test sets.

    The claim of arXiv 2410.22108: the text form forgets better in generation and cloze, the form with
    pictures in choice. Holm's adjustment runs over the methods.
    """
    people = {a.id: a.person for a in ratio.asked.asks}
    both = {
        group: (values[group], values[other])
        for group in values
        if group[1] == CLAIM and (other := (group[0], "image_text", group[2])) in values
    }
    found: dict[str, dict[str, Any]] = {}
    cells = dict.fromkeys(name for text, _ in both.values() for name in text)
    for name in (n for n in cells if n.split("/")[0] in HEADLINES and n.split("/")[1] in FORGET_SETS):
        tests: dict[str, tuple[float, Score]] = {}
        for group, (text, image) in both.items():
            test = sign_flip(text.get(name, {}), image.get(name, {}), people, seed=0)
            gap = difference(name, text.get(name, {}), image.get(name, {}), people, 0)
            if test is not None and gap is not None:
                tests[title_of(group[0], "", dict(group[2]))] = (test.p, gap)
        adjusted = holm({title: p for title, (p, _) in tests.items()})
        for title, (p, gap) in tests.items():
            found.setdefault(title, {})[name] = {
                "difference": gap.as_json(),
                "p": p,
                "holm": adjusted[title],
            }
    return found


def title_of(method: str, form: str, settings: Mapping[str, str]) -> str:
    """How a row is called."""
    words = [method, *([form.replace("_", " ")] if form not in ("", "image_text") else [])]
    return ", ".join([*words, *(f"{key}={value}" for key, value in settings.items())])


def cost_of(cells: Sequence[Cell]) -> dict[str, float]:
    """Mean cost of a cell: seconds of training and of asking, tokens, passes, memory."""
    found = [read_json(cell.path / "cost.json") for cell in cells if (cell.path / "cost.json").exists()]
    if not found:
        return {}
    made: dict[str, float] = {}
    for stage, name in (("examples", "rows"), ("training", "training"), ("unlearned", "asking")):
        seconds = [one["stages"].get(stage, {}).get("seconds", 0.0) for one in found]
        made[f"{name}_seconds"] = sum(seconds) / len(seconds)
    for key in ("lm_tokens", "images_encoded", "forwards", "backwards"):
        counts = [one["stages"].get("training", {}).get(key, 0) for one in found]
        made[f"training_{key}"] = sum(counts) / len(counts)
    for key in ("peak_memory", "resident_memory", "model_copies"):
        made[key] = max(float(one.get(key) or 0) for one in found)
    return made
