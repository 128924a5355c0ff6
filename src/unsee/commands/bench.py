"""``unsee bench``: compare methods."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o
from unsee.nouns import UserError

Suite = Annotated[
    str, typer.Argument(metavar="SUITE", help="world; concept or mmubench (your own model too)")
]
Methods = Annotated[str, typer.Option("--methods", help="methods with commas between them, or all")]
Seeds = Annotated[str, typer.Option("--seeds", help="seeds with commas between them")]
Concepts = Annotated[
    str, typer.Option("--concepts", help="how many concepts, or their ids with commas between them, or all")
]
Split = Annotated[
    str,
    typer.Option(
        "--split",
        help="report: concepts and questions of reported figures; selection: others, to choose settings by",
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option("--grid", help="key=value,value: run every combination; can be given several times"),
]
To = Annotated[Path, typer.Option("--out", help="folder of the comparison; the same command continues it")]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="processes; 0 = one per core, one with a GPU")]
Table = Annotated[
    str | None, typer.Option("--table", help="paper: print the tables of the suite's paper (mmubench)")
]
OWN = (
    *("data", "table"),
    *("suite", "out", "methods", "seeds", "concepts", "split", "grid", "jobs", "config", "sets", "debug"),
)


def bench(
    suite: Suite,
    out: To,
    methods: Methods = "all",
    seeds: Seeds = "0",
    concepts: Concepts = "1",
    split: Split = "report",
    grid: Grid = None,
    jobs: Jobs = 0,
    data: o.Data = None,
    table: Table = None,
    model: o.Model = None,
    image: o.Images = None,
    name: o.Name = None,
    alias: o.Aliases = None,
    kind: o.Kind = None,
    fact: o.Facts = None,
    looks: o.Looks = None,
    retain: o.Retain = None,
    test: o.Test = None,
    gold: o.Gold = None,
    preset: o.Preset = None,
    config: o.ConfigFile = None,
    sets: o.Sets = None,
    adapter: o.Adapter = None,
    revision: o.Revision = None,
    device: o.Device = None,
    dtype: o.Dtype = None,
    redact: o.Redact = None,
    force: o.Force = None,
    trust_remote_code: o.Trust = None,
    debug: o.Debug = False,
) -> None:
    """Compare methods on the same concepts and seeds: one run folder per cell, one table, one report.

    The same command again continues: finished cells are left alone, failed ones are tried again. Exit code 1
    when a cell failed. With --grid, best.yaml names the best settings of each method.
    """
    given = o.given({key: value for key, value in locals().items() if key not in OWN})
    _check(suite, data, table)
    if data is not None:
        given["mmubench"] = {"data": data}
    from unsee.jobs.bench import PAPER
    from unsee.jobs.bench import bench as run
    from unsee.jobs.bench_plan import Ask

    ask = Ask(suite, methods, seeds, concepts, split, tuple(grid or ()), given, tuple(sets or ()), config)
    done = run(ask, out, jobs=jobs, command=shlex.join(["unsee", *sys.argv[1:]]))
    done.print()
    if table is not None:
        print((done.folder / PAPER).read_text(encoding="utf-8"))
    if not done.complete:
        raise typer.Exit(1)


def _check(suite: str, data: str | None, table: str | None) -> None:
    """``--data`` and ``--table paper`` belong to mmubench."""
    wrong = [] if suite == "mmubench" else [f"--{n}" for n, v in (("data", data), ("table", table)) if v]
    wrong += [f"--table {table}"] if table not in (None, "paper") else []
    if wrong:
        raise UserError(
            "This option does not belong to the suite.",
            got=f"{suite} {', '.join(wrong)}",
            expected="--data FOLDER and --table paper with the suite mmubench",
            remedy="leave it out",
        )
