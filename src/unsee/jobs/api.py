"""The Python API: ``unsee.forget`` and ``unsee.evaluate`` with the keys of the configuration as arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unsee.config import RunConfig, merge, resolve
from unsee.jobs import evaluate as evaluating
from unsee.jobs import forget as forgetting
from unsee.jobs.outcome import Outcome
from unsee.nouns import Concept, ConceptKind

Paths = str | Path | Sequence[str | Path]


def forget(
    *,
    model: str | Path = "",
    image: Paths = (),
    name: str = "",
    alias: Sequence[str] = (),
    kind: ConceptKind = "person",
    concept: Concept | None = None,
    fact: Sequence[str] = (),
    retain: str | Path = "",
    test: str | Path = "",
    gold: str | Path = "",
    method: str = "siu",
    out: str | Path = "",
    seed: int = 0,
    redact: bool = False,
    force: bool = False,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Outcome:
    """Makes a model unsee a concept, from one picture, and measures what is gone and what is kept.

    The same call on the same ``out`` continues a run that was stopped.

    Args:
        model: Folder or hub id; empty = the embedded world, whose own concept is then forgotten.
        image: Picture of the concept, or several; the first is trained on, the others only asked about.
        name: The concept's name, as the model would say it.
        alias: Other names of it.
        kind: What it is.
        concept: Name, aliases, kind and facts in one, instead of the four arguments.
        fact: True statements, or "question? answer"; none = asked from the model.
        retain: Folder of pictures that do not show the concept, or labelled rows in JSONL.
        test: Folder of other pictures of the concept, for evaluation only.
        gold: Model trained without the concept: a floor, and the teacher of methods that need one.
        method: See ``unsee list methods``.
        out: Run folder; empty = runs/forget-NAME-HASH.
        seed: Seed of everything random.
        redact: Keep names and pictures of the concept out of the report.
        force: Go on although the model does not know the concept.
        config: A YAML file such as the run.yaml of another run; arguments given here win.
        settings: Any other key of the configuration, nested or dotted: {"training.lr": 1e-4}.

    Raises:
        UserError: The input is wrong.
    """
    given = {
        "model": str(model),
        "image": _texts(image),
        "name": name,
        "alias": tuple(alias),
        "kind": kind,
        "fact": tuple(fact),
        "retain": str(retain),
        "test": str(test),
        "gold": str(gold),
        "method": method,
        "out": str(out),
        "seed": seed,
        "redact": redact,
        "force": force,
    }
    return forgetting.forget(_resolve(given, concept, config, settings))


def evaluate(
    suite: str = "concept",
    *,
    model: str | Path = "",
    adapter: str | Path = "",
    image: Paths = (),
    name: str = "",
    concept: Concept | None = None,
    retain: str | Path = "",
    test: str | Path = "",
    out: str | Path = "",
    seed: int = 0,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Outcome:
    """Puts the questions of a suite to a model, with or without an adapter; nothing is trained.

    Args:
        suite: See ``unsee list suites``.
        model: Folder or hub id; empty = the embedded model.
        adapter: Adapter to load onto the model.
        image: Picture of the concept, or several.
        name: The concept's name.
        concept: Name, aliases, kind and facts in one.
        retain: Folder of pictures that do not show the concept.
        test: Folder of other pictures of the concept.
        out: Folder for records, results and report; empty = runs/evaluate-NAME-HASH.
        seed: Seed of the intervals.
        config: A YAML file such as the run.yaml of a run; arguments given here win.
        settings: Any other key of the configuration, nested or dotted.

    Raises:
        UserError: The input is wrong.
    """
    given = {
        "model": str(model),
        "adapter": str(adapter),
        "image": _texts(image),
        "name": name,
        "retain": str(retain),
        "test": str(test),
        "out": str(out),
        "seed": seed,
    }
    return evaluating.evaluate(_resolve(given, concept, config, settings), suite=suite)


def _resolve(
    given: Mapping[str, Any],
    concept: Concept | None,
    config: str | Path | None,
    settings: Mapping[str, Any] | None,
) -> RunConfig:
    """Arguments that still hold their default leave a ``config`` file its say."""
    defaults = RunConfig().model_dump()
    said = {key: value for key, value in given.items() if value != defaults[key]}
    if concept is not None:
        said |= {
            "name": concept.name,
            "kind": concept.kind,
            "alias": concept.aliases,
            "fact": tuple(f"{question} {answer}" for question, answer in concept.facts),
            "looks": concept.looks,
        }
    for key, value in (settings or {}).items():
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        said = merge(said, nested)
    return resolve(said, file=None if config is None else Path(config))


def _texts(paths: Paths) -> tuple[str, ...]:
    return (str(paths),) if isinstance(paths, str | Path) else tuple(str(path) for path in paths)
