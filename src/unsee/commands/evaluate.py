"""``unsee evaluate``: ask a model what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.commands import options as o
from unsee.config import resolve
from unsee.nouns import UserError

BENCHMARK = (
    "data",
    "data_revision",
    "split",
    "ratio",
    "limit",
    "controls",
    "examples",
    "test_picture",
    "concepts",
    "judge_url",
    "judge_model",
    "utility",
    "utility_pictures",
)
NOT_MMUBENCH = (
    *("image", "fact", "retain", "test", "data_revision", "ratio", "controls"),
    *("examples", "test_picture"),
)
OF_MMUBENCH = ("judge_url", "judge_model", "utility", "utility_pictures")
NOT_MLLMU = ("concepts", "utility", "utility_pictures")
OF_CONCEPTS = ("image", "name", "alias", "kind", "fact", "looks", "retain", "test", "redact")
Suite = Annotated[str, typer.Argument(metavar="SUITE", help="which questions; see: unsee list suites")]


def evaluate(
    suite: Suite,
    model: o.Model = None,
    adapter: o.Adapter = None,
    image: o.Images = None,
    name: o.Name = None,
    alias: o.Aliases = None,
    kind: o.Kind = None,
    fact: o.Facts = None,
    looks: o.Looks = None,
    retain: o.Retain = None,
    test: o.Test = None,
    gold: o.Gold = None,
    data: o.Data = None,
    data_revision: o.DataRevision = None,
    split: o.Split = None,
    ratio: o.Ratio = None,
    limit: o.Limit = None,
    controls: o.Controls = None,
    examples: o.ExamplePeople = None,
    test_picture: o.TestPicture = None,
    concepts: o.Concepts = None,
    judge_url: o.JudgeUrl = None,
    judge_model: o.JudgeModel = None,
    utility: o.Utility = None,
    utility_pictures: o.UtilityPictures = None,
    out: o.Out = None,
    preset: o.Preset = None,
    config: o.ConfigFile = None,
    sets: o.Sets = None,
    revision: o.Revision = None,
    seed: o.Seed = None,
    device: o.Device = None,
    dtype: o.Dtype = None,
    attention: o.Attention = None,
    redact: o.Redact = None,
    trust_remote_code: o.Trust = None,
    debug: o.Debug = False,
) -> None:
    """Put the questions of a suite to a model, with or without an adapter; nothing is trained.

    For the suite mllmu, --preset names the protocol, such as corrected or release-2503; for mmubench, whose
    definition of the figures comes first: corrected, paper or released_code.
    """
    given = o.given(locals(), but=("suite", *o.NOT_KEYS))
    benchmark = {key: given.pop(key) for key in BENCHMARK if key in given}
    if suite == "mllmu":
        _mllmu(given, benchmark, sets=sets or (), config=config)
        return
    if suite == "mmubench":
        _mmubench({**given, **benchmark}, sets=sets or (), config=config)
        return
    _refuse(suite, benchmark)
    resolved = resolve(given, sets=sets or (), file=config)
    from unsee.jobs.evaluate import evaluate as run

    run(resolved, suite=suite).print()


def _mmubench(given: dict[str, Any], *, sets: Sequence[str], config: Path | None) -> None:
    _refuse("mmubench", {key: given[key] for key in NOT_MMUBENCH if key in given})
    own = {"data": "data", "split": "splits", "preset": "reading"} | {key: key for key in OF_MMUBENCH}
    section = {own[key]: given.pop(key) for key in own if key in given}
    limit, concepts = given.pop("limit", None), given.pop("concepts", "")
    asked = {"mmubench": section} | ({"evaluation": {"limit": limit}} if limit else {})
    resolved = resolve({**given, **asked}, sets=sets, file=config)
    from unsee.jobs.mmubench import evaluate_mmubench
    from unsee.jobs.mmubench_data import with_concepts

    evaluate_mmubench(with_concepts(resolved, concepts)).print()


def _mllmu(
    given: dict[str, Any], benchmark: dict[str, Any], *, sets: Sequence[str], config: Path | None
) -> None:
    _refuse("mllmu", {key: benchmark[key] for key in NOT_MLLMU if key in benchmark})
    _refuse("mllmu", {key: given[key] for key in OF_CONCEPTS if key in given})
    preset = given.pop("preset", None)
    resolved = resolve(given, sets=sets, file=config)
    from unsee.jobs.mllmu import MllmuOptions, evaluate_mllmu

    chosen = {**benchmark, "split": tuple(benchmark.get("split", ()))}
    if "examples" in chosen:
        chosen["examples"] = tuple(key.strip() for key in chosen["examples"].split(",") if key.strip())
    if "test_picture" in chosen:
        chosen["picture"] = chosen.pop("test_picture")
    if preset is not None:
        chosen["preset"] = preset
    evaluate_mllmu(resolved, MllmuOptions(**chosen)).print()


def _refuse(suite: str, given: dict[str, Any]) -> None:
    """Options that mean nothing for a suite are errors."""
    if given:
        raise UserError(
            f"These options do not belong to the suite {suite}.",
            got=", ".join(f"--{key.replace('_', '-')}" for key in given),
            expected=f"options of unsee evaluate {suite}",
            remedy="leave them out",
        )
