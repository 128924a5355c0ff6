"""``unsee bench``: every method on every concept with every seed; one cell of the matrix = one run folder.

A finished cell is never touched again, one that was stopped goes on, one that failed is tried again. What no
method changes (the answers of target, gold and blind model) is made once and lies in ``shared/``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unsee.config import merge, parse_set, read_mapping
from unsee.jobs.bench_cell import LOCK, SHARED, Cell
from unsee.jobs.bench_plan import Ask, cells_of, set_text
from unsee.jobs.engines.engine import Engine, Say
from unsee.jobs.engines.local import Local
from unsee.jobs.folder import FAILED, check_free, check_writable, locked
from unsee.jobs.inputs import check
from unsee.jobs.lines import read_json, unfinished, write_atomic
from unsee.jobs.receipt import print_cost
from unsee.nouns import UserError, shorten
from unsee.reports.matrix import Entry, Matrix, Row, best_rows, make_matrix, naming_score, retained_value
from unsee.reports.matrix_files import as_csv, as_markdown, json_text, result_text
from unsee.reports.matrix_page import write_page
from unsee.reports.mmubench import paper_tables
from unsee.reports.redact import MARK, Redactor
from unsee.reports.verdict import named

PLAN = "bench.yaml"
PAPER = "paper.md"


@dataclass(frozen=True)
class Bench:
    """What ``unsee bench`` hands back.

    Attributes:
        folder: Where everything lies.
        matrix: The comparison.
    """

    folder: Path
    matrix: Matrix

    @property
    def complete(self) -> bool:
        """Whether every cell has results."""
        return all(row.done == len(row.entries) for row in self.matrix.rows)

    def print(self) -> None:
        """Prints one line per row, and where the tables lie."""
        width = max(len(row.title) for row in self.matrix.rows)
        for rank, row in enumerate(self.matrix.rows, start=1):
            print(f"{rank:>3} {row.title:<{width}}  {result_text(row):<28} {figures_of(row)}".rstrip())
        print(f"table    {self.folder / 'table.md'}")
        print(f"report   {self.folder / 'report.html'}")
        print_cost(self.folder)


def bench(
    ask: Ask,
    out: Path,
    *,
    jobs: int = 0,
    command: str = "",
    say: Say | None = None,
    engine: Engine | None = None,
) -> Bench:
    """Runs or continues the matrix.

    Args:
        ask: What the user wants.
        out: Folder of the matrix.
        jobs: Cells at once; 0 = as many as the engine has room for.
        command: The command line, for the tables.
        say: Where lines about the progress go; None = standard error.
        engine: Where cells run; None = in processes of this machine.

    Raises:
        UserError: The request is wrong, or the folder holds something else; nothing was written.
    """
    tell = say or (lambda line: print(line, file=sys.stderr, flush=True))
    out = out.expanduser()
    cells = cells_of(ask, out)
    check_matrix(ask, out, cells)
    place = engine or Local()
    place.check([cell for cell in cells if not finished(cell)])
    command = "" if cells[0].config.redact else command
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / LOCK):
        write_atomic(out / PLAN, plan_text(ask))
        for cell, count in run_missing(cells, finished, place, out, jobs, tell):
            tell(f"{count} {line_of(entry_of(cell, out))}")
            write_tables(ask, out, cells, command)
        matrix = write_tables(ask, out, cells, command)
        write_page(out / "report.html", matrix, command)
        if ask.grid:
            write_atomic(out / "best.yaml", best_text(matrix))
    return Bench(out, matrix)


def run_missing(
    cells: Sequence[Cell], finished: Callable[[Cell], bool], place: Engine, out: Path, jobs: int, tell: Say
) -> Iterator[tuple[Cell, str]]:
    """Runs the cells that are not finished and hands each back as it ends, with how many are done by then."""
    missing = [cell for cell in cells if not finished(cell)]
    begun = len(cells) - len(missing)
    tell(f"{len(cells)} cells, {begun} of them finished")
    for done, (cell, _) in enumerate(place.run(missing, out / SHARED, jobs, tell), begun + 1):
        yield cell, f"[{done}/{len(cells)}]"


def check_matrix(ask: Ask, out: Path, cells: Sequence[Cell]) -> None:
    """Refuses a folder that holds something else, and input that cannot be used; writes nothing."""
    check_writable(out)
    names = [entry.name for entry in out.iterdir() if not unfinished(entry.name)] if out.exists() else []
    if PLAN in names:
        _check_same(ask, out)
    elif foreign := sorted(name for name in names if name != LOCK):
        raise UserError(
            "The output folder holds other files.",
            got=f"{out}: {', '.join(foreign[:3])}",
            expected="a new or an empty folder, or that of the same comparison",
            remedy="choose another --out",
        )
    for cell in cells:
        check_free(cell.path, cell.config)
    first = cells[0].config
    if not first.embedded and not first.mmubench.concepts and not first.mllmu.ratio:
        check(first)


def _check_same(ask: Ask, out: Path) -> None:
    there = read_mapping(out / PLAN)
    for key in ("suite", "split"):
        if there.get(key) != getattr(ask, key):
            raise UserError(
                "The output folder holds another comparison.",
                got=f"{out}: {key} {there.get(key)} there, {getattr(ask, key)} here",
                expected="the same suite and split; methods, concepts and seeds may be added",
                remedy="choose another --out",
            )


def finished(cell: Cell) -> bool:
    """Whether a cell has everything: results, report, and no checkpoints left."""
    there = [(cell.path / name).exists() for name in ("results.json", "report.html", "checkpoints")]
    return there == [True, True, False]


def write_tables(ask: Ask, out: Path, cells: Sequence[Cell], command: str) -> Matrix:
    """Writes the tables from the folders of the cells as they are now."""
    entries = [entry_of(cell, out) for cell in cells]
    matrix = make_matrix(ask.suite, ask.split, entries)
    if ask.suite == "mmubench":
        write_atomic(out / PAPER, paper_tables(entries, command))
    write_atomic(out / "table.md", as_markdown(matrix, command))
    write_atomic(out / "table.csv", as_csv(matrix))
    write_atomic(out / "results.json", json_text(matrix))
    return matrix


def entry_of(cell: Cell, out: Path) -> Entry:
    """A cell as the tables read it; with ``redact`` without the concept's name."""
    results = read_json(cell.path / "results.json") if finished(cell) else None
    cost = cell.path / "cost.json"
    failed = cell.path / FAILED
    failure = str(read_json(failed)["message"]) if results is None and failed.exists() else ""
    config = cell.config
    hidden = config.redact
    redactor = Redactor((config.name, *config.alias) if hidden else ())
    return Entry(
        cell.method,
        MARK if hidden else cell.concept,
        cell.seed,
        cell.settings,
        results,
        read_json(cost) if cost.exists() else {},
        redactor.text(failure),
        "" if hidden else cell.path.relative_to(out).as_posix(),
    )


def line_of(entry: Entry) -> str:
    """A cell and how it ended, in one line."""
    tuned = "".join(f", {key} {value}" for key, value in entry.settings)
    return f"{entry.method}, {entry.concept}, seed {entry.seed}{tuned}: {outcome_of(entry)}"


def outcome_of(entry: Entry) -> str:
    """How a cell ended, in a few words."""
    if entry.results is None:
        return (
            f"failed: {shorten(entry.failure)}"
            if entry.failure
            else "not finished; is another process at it?"
        )
    rate, kept = named(entry.results, "unlearned"), retained_value(entry.results, "unlearned")
    words = [
        "collapse" if entry.results.get("collapse") else "",
        "" if rate is None else f"named {rate:.0%}",
        "" if kept is None else f"retain accuracy {kept:.0%}",
    ]
    return ", ".join(word for word in words if word)


def figures_of(row: Row) -> str:
    """The two figures of the rule, for the terminal."""
    rate = naming_score(row.metrics)
    named_text = "" if rate is None else f"named {rate.value:.0%}"
    kept = "" if row.retained is None else f"retain accuracy {row.retained.value:.0%}"
    return ", ".join(text for text in (named_text, kept) if text)


def plan_text(ask: Ask) -> str:
    """``bench.yaml``: what the folder is about."""
    said = {
        "suite": ask.suite,
        "split": ask.split,
        "methods": ask.methods,
        "concepts": ask.concepts,
        "seeds": ask.seeds,
        "grid": list(ask.grid),
        "sets": list(ask.sets),
    }
    return "# What unsee bench was last asked for in this folder\n" + yaml.safe_dump(said, sort_keys=False)


def best_text(matrix: Matrix) -> str:
    """``best.yaml``: the best point of the grid for each method, ready for --config."""
    lines = [
        f"# The best settings of each method on the suite {matrix.suite}, split {matrix.split}, by the rule:",
        "# success first, then short of it, then collapsed; then by distance to gold; then the cheaper one.",
        "# unsee bench ... --config best.yaml takes them for all methods named here.",
        "methods:",
    ]
    for method, row in best_rows(matrix).items():
        values: dict[str, Any] = {}
        for key, value in row.settings:
            values = merge(values, parse_set(set_text(key, value)))
        distance = "" if row.distance is None else f", distance to gold {row.distance:.3f}"
        lines.append(f"  # {result_text(row)}: {figures_of(row)}{distance}")
        body = yaml.safe_dump({method: values}, sort_keys=False)
        lines += [f"  {line}" for line in body.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"
