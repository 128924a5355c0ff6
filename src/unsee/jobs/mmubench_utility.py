"""Local utility suites of a run of MMUBench: which files, and what two models score on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from unsee.config import RunConfig
from unsee.metrics.variants import VARIANTS, Variant
from unsee.nouns import Score, UserError
from unsee.suites.mmubench.run import Line
from unsee.suites.mmubench.sheet import at_most
from unsee.suites.utility.binary import Reading
from unsee.suites.utility.local import MEAN, LocalSuite, load_suite, mean_of

By = Mapping[str, Mapping[str, Line]]  # lines by model and question
MODELS = ("target", "unlearned")
"""Who is asked: a floor says nothing about what a method costs."""


def local_suites(config: RunConfig) -> tuple[LocalSuite, ...]:
    """The suites of ``mmubench.utility``, cut to ``evaluation.limit`` questions per task and right answer.

    Raises:
        UserError: Not of the form NAME=PATH, a name twice, or a file that cannot be used.
    """
    given = config.mmubench
    files, folders = _by_name(given.utility, "utility"), _by_name(given.utility_pictures, "utility_pictures")
    if unused := sorted(folders.keys() - files.keys()):
        raise UserError(
            "These pictures belong to no utility suite.",
            got=", ".join(unused),
            expected=", ".join(files) or "mmubench.utility beside it",
            remedy="name them as --utility does",
        )
    return _load(tuple(files.items()), tuple(folders.items()), config.evaluation.limit)


@lru_cache(maxsize=2)
def _load(
    files: tuple[tuple[str, str], ...], folders: tuple[tuple[str, str], ...], limit: int
) -> tuple[LocalSuite, ...]:
    """Read once per process: a matrix has many cells on the same files."""
    pictures = dict(folders)
    made = [load_suite(name, path, pictures.get(name)) for name, path in files]
    return tuple(replace(suite, questions=tuple(at_most(suite.questions, limit))) for suite in made)


def _by_name(items: Sequence[str], key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        name, _, path = (part.strip() for part in item.partition("="))
        if not name or not path or name in found:
            raise UserError(
                "A utility suite is a name and a path, each name once.",
                got=f"mmubench.{key}: {item}",
                expected="pope=FILE, mme=FOLDER, vqa=FILE, choices=FILE; or vqa-gqa=FILE, a name for each",
                remedy="correct it",
            )
        found[name] = path
    return found


def utility_results(
    suites: Sequence[LocalSuite], lines: By, reading: Variant, *, seed: int = 0
) -> dict[str, Any]:
    """The part of ``results.json`` about local suites; empty without any.

    Args:
        suites: What was asked.
        lines: Lines by model and question id.
        reading: The reading of the figures under ``models``.
        seed: Seed of the intervals' resampling.

    Returns:
        ``models`` and ``readings``: figures by model, with ``specificity_local``, the mean over suites;
        ``utility``: per suite its size and the paired difference of the model after to the target.
    """
    if not suites:
        return {}
    replies = {model: {key: line.record.reply for key, line in lines[model].items()} for model in lines}
    by_reading = {
        v: {m: _figures(suites, replies[m], v, seed) for m in MODELS if m in lines} for v in VARIANTS
    }
    return {
        "models": by_reading[reading],
        "readings": {v: made for v, made in by_reading.items() if v != reading},
        "utility": {suite.name: _suite(suite, replies, reading, seed) for suite in suites},
    }


def _figures(
    suites: Sequence[LocalSuite], replies: Mapping[str, str], reading: Variant, seed: int
) -> dict[str, Any]:
    found: dict[str, Score] = {}
    for suite in suites:
        found |= suite.scores(replies, _rule(reading), seed=seed)
    mean = mean_of(suites, found)
    if mean is not None:
        found[MEAN] = mean
    return {metric: score.as_json() for metric, score in found.items()}


def _suite(
    suite: LocalSuite, replies: Mapping[str, Mapping[str, str]], reading: Variant, seed: int
) -> dict[str, Any]:
    shown = {question.picture.hash for question in suite.questions if question.picture is not None}
    told: dict[str, Any] = {"questions": len(suite.questions), "pictures": len(shown)}
    if all(model in replies for model in MODELS):
        after, before = replies["unlearned"], replies["target"]
        found = suite.difference(after, before, _rule(reading), seed=seed)
        if found is not None:
            told["difference"] = {**found.score.as_json(), "p": found.p}
    return told


def _rule(reading: Variant) -> Reading:
    """The paper scores its suites by the published evaluations of each."""
    return "corrected" if reading == "corrected" else "released_code"
