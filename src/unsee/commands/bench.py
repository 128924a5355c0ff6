"""``unsee bench``: compare methods."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.commands import options as o
from unsee.nouns import UserError

Suite = Annotated[
    str, typer.Argument(metavar="SUITE", help="world; concept, mmubench or mllmu (your own model too)")
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
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=0,
        help="cells at once; 0 = one per core, one with a GPU; on a cluster: what it has room for",
    ),
]
EngineName = Annotated[
    str,
    typer.Option("--engine", help="where cells run: local (this machine), ray, slurm; see docs/engines.md"),
]
EngineOptions = Annotated[
    list[str] | None,
    typer.Option("--engine-option", help="key=value, a key of the engine below; can be given several times"),
]
Table = Annotated[
    str | None, typer.Option("--table", help="paper: print the tables of the suite's paper (mmubench)")
]
Ratios = Annotated[
    str | None, typer.Option("--ratios", help="mllmu: percents of people to forget, commas between them")
]
Modality = Annotated[
    str | None,
    typer.Option("--modality", help="mllmu: training questions: image_text, text, both; several with commas"),
]
OF_MLLMU = ("ratios", "modality", "data_revision", "limit", "controls", "judge_url", "judge_model")
OF_CONCEPTS = ("image", "name", "alias", "kind", "fact", "looks", "test")
OF_MMUBENCH = ("data", "judge_url", "judge_model", "utility", "utility_pictures")
OWN = (
    *("table", *OF_MLLMU, *OF_MMUBENCH),
    *("suite", "out", "methods", "seeds", "concepts", "split", "grid", "jobs", "config", "sets", "debug"),
    *("engine", "engine_option"),
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
    engine: EngineName = "local",
    engine_option: EngineOptions = None,
    data: o.Data = None,
    table: Table = None,
    ratios: Ratios = None,
    modality: Modality = None,
    data_revision: o.DataRevision = None,
    limit: o.Limit = None,
    controls: o.Controls = None,
    judge_url: o.JudgeUrl = None,
    judge_model: o.JudgeModel = None,
    utility: o.Utility = None,
    utility_pictures: o.UtilityPictures = None,
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
    attention: o.Attention = None,
    redact: o.Redact = None,
    force: o.Force = None,
    trust_remote_code: o.Trust = None,
    debug: o.Debug = False,
) -> None:
    """Compare methods on the same concepts and seeds: one run folder per cell, one table, one report.

    The same command again continues: finished cells are left alone, failed ones are tried again. Exit code 1
    when a cell failed. With --grid, best.yaml names the best settings of each method. For the suite mllmu,
    --preset names the evaluation protocol, such as corrected or release-2503.
    """
    said = o.given(locals())
    given = o.given(said, but=OWN)
    _check(suite, data if suite != "mllmu" else None, table)
    benchmark = {key: said[key] for key in dict.fromkeys((*OF_MLLMU, *OF_MMUBENCH)) if key in said}
    if suite == "mllmu":
        _refuse("mllmu", [key for key in ("utility", "utility_pictures") if key in benchmark])
        _people(said, given, benchmark)
        return
    mine = OF_MMUBENCH if suite == "mmubench" else ()
    _refuse(suite, [key for key in benchmark if key not in mine])
    if benchmark:
        given["mmubench"] = benchmark
    from unsee.jobs.bench import PAPER
    from unsee.jobs.bench import bench as run
    from unsee.jobs.bench_plan import Ask
    from unsee.jobs.engines.engine import make_engine

    ask = Ask(suite, methods, seeds, concepts, split, tuple(grid or ()), given, tuple(sets or ()), config)
    place = make_engine(engine, tuple(engine_option or ()))
    done = run(ask, out, jobs=jobs, command=shlex.join(["unsee", *sys.argv[1:]]), engine=place)
    done.print()
    if table is not None:
        print((done.folder / PAPER).read_text(encoding="utf-8"))
    if not done.complete:
        raise typer.Exit(1)


def _people(said: dict[str, Any], given: dict[str, Any], benchmark: dict[str, Any]) -> None:
    """The suite mllmu has options, cells and tables of its own."""
    _refuse("mllmu", [key for key in OF_CONCEPTS if key in given])
    if said["concepts"] != "1":
        _refuse("mllmu", ["concepts"])
    from unsee.jobs.bench_plan import Ask
    from unsee.jobs.engines.engine import make_engine
    from unsee.jobs.mllmu_bench import bench_people

    ratios, forms = benchmark.pop("ratios", "all"), benchmark.pop("modality", "")
    if "preset" in given:
        benchmark["protocol"] = given.pop("preset")
    ask = Ask(
        "mllmu",
        said["methods"],
        said["seeds"],
        ratios,
        said["split"],
        tuple(said.get("grid", ())),
        {**given, "mllmu": benchmark},
        tuple(said.get("sets", ())),
        said.get("config"),
        forms,
    )
    place = make_engine(said["engine"], tuple(said.get("engine_option", ())))
    command = shlex.join(["unsee", *sys.argv[1:]])
    done = bench_people(ask, said["out"], jobs=said["jobs"], command=command, engine=place)
    done.print()
    if not done.complete:
        raise typer.Exit(1)


def _refuse(suite: str, keys: Sequence[str]) -> None:
    """Options that mean nothing for a suite are errors."""
    if keys:
        raise UserError(
            f"These options do not belong to the suite {suite}.",
            got=", ".join(f"--{key.replace('_', '-')}" for key in keys),
            expected=f"options of unsee bench {suite}",
            remedy="leave them out",
        )


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
