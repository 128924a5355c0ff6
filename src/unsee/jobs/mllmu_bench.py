"""``unsee bench mllmu``: every method on whole forget sets; one cell = one run folder, one table of all.

A finished cell is never touched again, one that was stopped goes on, one that failed is tried again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from unsee.config import merge, parse_set
from unsee.jobs.bench import PLAN, check_matrix, plan_text, run_missing
from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_plan import Ask, cells_of, set_text
from unsee.jobs.engines.engine import Engine, Say
from unsee.jobs.engines.local import Local
from unsee.jobs.folder import locked
from unsee.jobs.inputs import read_retain
from unsee.jobs.lines import read_json, write_atomic
from unsee.jobs.mllmu_cell import chat_of_target, judge_for, protocol_of, read_people
from unsee.jobs.mllmu_floors import check_floors
from unsee.jobs.mllmu_matrix import Reader, failure_of, finished
from unsee.jobs.mllmu_rows import check_form, formless, training_hash
from unsee.jobs.receipt import print_cost
from unsee.jobs.training import method_of
from unsee.nouns import UserError, shorten
from unsee.reports.mllmu_matrix import as_csv, as_markdown, short
from unsee.reports.mllmu_page import write_page
from unsee.reports.mllmu_standing import order
from unsee.suites.mllmu.context import check_context
from unsee.suites.mllmu.load import check_pictures


@dataclass(frozen=True)
class PeopleBench:
    """What is handed back: the folder, the content of ``results.json``, whether every cell is finished."""

    folder: Path
    results: Mapping[str, Any]
    complete: bool

    def print(self) -> None:
        """Prints one line per row, and where the tables lie."""
        print("\n".join(short(self.results)))
        print(f"table    {self.folder / 'table.md'}")
        print(f"report   {self.folder / 'report.html'}")
        print(f"results  {self.folder / 'results.json'}")
        print_cost(self.folder)


def bench_people(
    ask: Ask,
    out: Path,
    *,
    jobs: int = 0,
    command: str = "",
    say: Say | None = None,
    engine: Engine | None = None,
) -> PeopleBench:
    """Runs or continues the matrix.

    Args:
        ask: What the user wants; its concepts are the ratios.
        out: Folder of the matrix.
        jobs: Cells at once; 0 = as many as the engine has room for.
        command: The command line, for the tables.
        say: Where lines about the progress go; None = standard error.
        engine: Where cells run; None = in processes of this machine.

    Raises:
        UserError: The request or the data are wrong, or the folder holds something else; nothing was written.
    """
    tell = say or (lambda line: print(line, file=sys.stderr, flush=True))
    out = out.expanduser()
    cells, left_out = possible(cells_of(ask, out))
    check_matrix(ask, out, cells)
    check_people(cells)
    place = engine or Local()
    place.check([cell for cell in cells if not finished(cell)])
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / LOCK):
        write_atomic(out / PLAN, plan_text(ask))
        reader = Reader(out, cells, left_out)
        for cell, reason in left_out:
            tell(f"{cell.method}, {cell.concept}, seed {cell.seed}: left out: {reason}")
        for cell, count in run_missing(cells, finished, place, out, jobs, tell):
            tell(f"{count} {line_of(cell)}")
            write_tables(reader, out, command, tests=False)
        found = write_tables(reader, out, command)
        if ask.grid:
            write_atomic(out / "best.yaml", best_text(found))
    return PeopleBench(out, found, all(finished(cell) for cell in cells))


def write_tables(reader: Reader, out: Path, command: str, *, tests: bool = True) -> dict[str, Any]:
    """Writes the tables from the cells as they are now."""
    found = reader.read(tests=tests)
    write_atomic(out / "table.md", as_markdown(found, command))
    write_atomic(out / "table.csv", as_csv(found))
    write_page(out / "report.html", found, command)
    write_atomic(
        out / "results.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )
    return found


def possible(cells: Sequence[Cell]) -> tuple[list[Cell], list[tuple[Cell, str]]]:
    """The cells that there can be, and the others with the reason: methods without a text-only form.

    Raises:
        UserError: There can be none.
    """
    reasons = {cell.path: formless(method_of(cell.config), cell.config.mllmu.modality) for cell in cells}
    kept = [cell for cell in cells if not reasons[cell.path]]
    if not kept:
        check_form(method_of(cells[0].config), cells[0].config.mllmu.modality)
    return kept, [(cell, reasons[cell.path]) for cell in cells if reasons[cell.path]]


def best_text(found: Mapping[str, Any]) -> str:
    """``best.yaml``: the best point of the grid for each method, ready for --config.

    Over several ratios and forms the mean distance decides, and the worst result.
    """
    points: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in found["rows"]:
        points.setdefault(row["method"], {}).setdefault(json.dumps(row["settings"]), []).append(row)
    lines = [
        f"# The best settings of each method on MLLMU-Bench, split {found['split']}, by the rule:",
        "# success first, then short of it, then collapsed; then by distance to the aim.",
        "# unsee bench mllmu ... --config best.yaml takes them for all methods named here.",
        "methods:",
    ]
    for method, settings in points.items():
        ranked = {
            key: (max(order(r)[0] for r in rows), mean_distance(rows)) for key, rows in settings.items()
        }
        best = min(ranked, key=lambda key: ranked[key])
        values: dict[str, Any] = {}
        for key, value in json.loads(best).items():
            values = merge(values, parse_set(set_text(key, value)))
        worst, distance = ranked[best]
        told = f"{RANKS[worst]}" + (f", distance {distance:.3f}" if worst < len(RANKS) - 1 else "")
        body = yaml.safe_dump({method: values}, sort_keys=False)
        lines += [f"  # {told}", *(f"  {line}" for line in body.rstrip("\n").split("\n"))]
    return "\n".join(lines) + "\n"


RANKS = ("success", "falls short", "collapse", "not finished")


def mean_distance(rows: Sequence[Mapping[str, Any]]) -> float:
    """Mean distance of rows to the aim; of rows without figures 0, since their rank is the last anyway."""
    return sum(order(row)[1] for row in rows) / len(rows)


def check_people(cells: Sequence[Cell]) -> None:
    """Refuses data that cannot be used, prompts that do not fit, finished cells on other data or models.

    Raises:
        UserError: The first thing that is wrong.
    """
    first = cells[0].config
    read_retain(first.retain)
    judge_for(first, cells[0].path)
    weights: dict[str, str] = {}
    target = cache(lambda: chat_of_target(first))
    for ratio in dict.fromkeys(cell.config.mllmu.ratio for cell in cells):
        here = [cell for cell in cells if cell.config.mllmu.ratio == ratio]
        check_floors(here[0].config)
        data = read_people(here[0].config)
        if unfinished := [cell for cell in here if not finished(cell)]:
            chat, kind = target()
            asks = protocol_of(unfinished[0].config, data, kind).asks
            check_pictures(picture for ask in asks for picture in ask.pictures)
            check_pictures(p for person in (*data.forget, *data.retain) for p in person.pictures)
            check_context(chat, asks)
        for cell in (cell for cell in here if finished(cell)):
            told = read_json(cell.path / "environment.json")
            now = {
                "data": data.revision,
                "training": training_hash(data),
                "protocol": protocol_of(cell.config, data, told["model_type"]).hash,
            }
            inputs = told["inputs"]
            changed = [key for key in now if inputs[key] != now[key]]
            if weights.setdefault("weights", inputs["weights"]) != inputs["weights"]:
                changed.append("weights")
            if changed:
                raise UserError(
                    "The output folder holds cells on other inputs.",
                    got=f"{cell.path}: another {', '.join(changed)}",
                    expected="the same model, data and protocol as when it began",
                    remedy="choose another --out",
                )


def line_of(cell: Cell) -> str:
    """A cell and how it ended, in one line."""
    failure = failure_of(cell)
    ended = f"failed: {shorten(failure)}" if failure else "finished" if finished(cell) else "not finished"
    tuned = "".join(f", {key} {value}" for key, value in cell.settings)
    return f"{cell.method}, {cell.concept}, seed {cell.seed}{tuned}: {ended}"
