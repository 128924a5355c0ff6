"""What ``unsee bench`` is going to run: methods x settings x concepts x seeds, checked before any work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from unsee.config import METHODS, RunConfig, keys, merge, nearest, read_mapping, resolve
from unsee.jobs import embedded
from unsee.jobs.bench_cell import Cell, Point
from unsee.jobs.concepts import make_concept
from unsee.jobs.inputs import with_absolute_paths
from unsee.jobs.training import scope_of
from unsee.methods import registry
from unsee.nouns import UserError, shorten

Split = Literal["report", "selection"]
SPLITS = ("report", "selection")
STAGES = ("base", "target")
OWN_KEYS = (
    *("method", "seed", "out", "world.concept", "world.split", "mmubench.concepts"),
    *("mllmu.ratio", "mllmu.split"),
)
KNOBS = "knobs."
TUNED = ("data.", "training.", "scope.")
LISTS = ("data.mixture",)  # keys of several numbers; in a grid a + stands between them


@dataclass(frozen=True)
class Ask:
    """What the user wants of ``unsee bench``, as typed.

    Attributes:
        suite: A name of ``SUITES``.
        methods: Names with commas between them, or "all".
        seeds: Numbers with commas between them.
        concepts: A number of concepts, ids with commas between them, or "all".
        split: The concepts and questions whose figures are reported, or those to choose settings by.
        grid: ``key=value,value`` texts; every combination of their values is run.
        given: Configuration values from the command line.
        sets: ``key=value`` texts.
        file: Configuration file.
        forms: Of mllmu: forms of the training questions with commas between them; empty = the configured one.
    """

    suite: str
    methods: str
    seeds: str = "0"
    concepts: str = "1"
    split: str = "report"
    grid: Sequence[str] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    sets: Sequence[str] = ()
    file: Path | None = None
    forms: str = ""


@dataclass(frozen=True)
class BenchSuite:
    """A suite that methods can be compared on.

    Attributes:
        title: One line.
        concepts: From the request and the common configuration to configuration values by concept id.
        preset: Preset of the embedded model where the user names none; empty = that of ``unsee forget``.
    """

    title: str
    concepts: Callable[[Ask, RunConfig], dict[str, dict[str, Any]]]
    preset: str = ""


def cells_of(ask: Ask, out: Path) -> list[Cell]:
    """Every cell of the matrix, in the order in which they are run: method last, so that figures come early.

    Raises:
        UserError: Whatever is wrong with the request; nothing is written.
    """
    suite = get_bench_suite(ask.suite)
    ask = _with_preset(ask, suite)
    names, seeds, grid = methods_of(ask.methods), seeds_of(ask.seeds), grid_of(ask.grid)
    _check_sets(ask.sets)
    for name in read_mapping(ask.file).get(METHODS) or {} if ask.file else ():
        registry.get(str(name))
    places = suite.concepts(ask, resolve(ask.given, sets=ask.sets, file=ask.file))
    _check_knobs_used(names, grid)
    found = []
    for seed, name in product(seeds, names):
        for settings, place in product(points(name, grid), places.items()):
            found.append(_cell(ask, out, name, place, seed, settings))
    return found


def _with_preset(ask: Ask, suite: BenchSuite) -> Ask:
    """The request with the preset of the suite, where the embedded model is used and none is named."""
    config = resolve(ask.given, sets=ask.sets, file=ask.file)
    named = config.preset not in ("world", "default") or "preset" in ask.given
    if not suite.preset or named or not config.embedded:
        return ask
    return replace(ask, given={**ask.given, "preset": suite.preset})


def get_bench_suite(name: str) -> BenchSuite:
    """The suite of this name.

    Raises:
        UserError: There is none; the nearest is named.
    """
    if name not in SUITES:
        match = nearest(name, list(SUITES))
        hint = f"did you mean {match}?" if match else "unsee bench world"
        raise _wrong("There is no such suite to compare methods on.", name, ", ".join(SUITES), hint)
    return SUITES[name]


def methods_of(text: str) -> tuple[str, ...]:
    """Names of methods; "all" = every one.

    Raises:
        UserError: An unknown name (the nearest known one is named), or none at all.
    """
    if text.strip() == "all":
        return registry.methods()
    names = _items(text, "--methods", "names such as siu,npo, or all")
    for name in names:
        registry.get(name)
    return names


def seeds_of(text: str) -> tuple[int, ...]:
    """Seeds.

    Raises:
        UserError: Something that is not a number from 0 on, or none at all.
    """
    items = _items(text, "--seeds", "numbers such as 0,1,2")
    bad = next((item for item in items if not re.fullmatch(r"[0-9]{1,9}", item)), None)
    if bad is not None:
        raise _wrong("A seed is not a number.", f"--seeds {shorten(text)}: {bad}", "0 or more", "--seeds 0,1")
    return tuple(dict.fromkeys(int(item) for item in items))


def grid_of(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Values by dotted key.

    Raises:
        UserError: An unknown key, a key twice, or no values.
    """
    known = {key: info for key, info in keys() if key.startswith(TUNED)}
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, _, values = (part.strip() for part in text.partition("="))
        single = key in LISTS or (key in known and not isinstance(known[key].default, tuple))
        if key in found or not (single or (key.startswith(KNOBS) and key != KNOBS)):
            match = nearest(key, list(known))
            hint = f"did you mean {match}?" if match and match != key else "--grid training.lr=1e-3,3e-3"
            raise _wrong(
                "The grid cannot be made over this key.",
                f"--grid {shorten(text)}",
                "a key of one value of data, training, scope or knobs, each once",
                hint,
            )
        found[key] = _items(values, f"--grid {key}", "values with commas between them")
    return found


def points(method: str, grid: Mapping[str, Sequence[str]]) -> Iterator[Point]:
    """Every combination of the grid's values; knobs that the method lacks are left out for it."""
    own = [key for key in grid if _applies(method, key)]
    for values in product(*(grid[key] for key in own)):
        yield tuple(zip(own, values, strict=True))


def _applies(method: str, key: str) -> bool:
    has = {knob.name for knob in registry.describe(method).knobs}
    return not key.startswith(KNOBS) or key.removeprefix(KNOBS) in has


def _check_knobs_used(names: Sequence[str], grid: Mapping[str, Sequence[str]]) -> None:
    for key in grid:
        if not any(_applies(name, key) for name in names):
            known = [f"{KNOBS}{knob.name}" for name in names for knob in registry.describe(name).knobs]
            match = nearest(key, known)
            hint = f"did you mean {match}?" if match else f"see: unsee list methods {names[0]}"
            raise _wrong(
                "None of the methods has this knob.", f"--grid {key}", ", ".join(known) or "none", hint
            )


def _check_sets(sets: Sequence[str]) -> None:
    for text in sets:
        key = text.partition("=")[0].strip()
        if key in OWN_KEYS:
            raise _wrong(
                "This key is what the matrix is made of.",
                f"--set {shorten(text)}",
                "--methods, --seeds, --concepts, --split or --out",
                f"leave --set {key} out",
            )


def _cell(
    ask: Ask, out: Path, method: str, place: tuple[str, Mapping[str, Any]], seed: int, settings: Point
) -> Cell:
    concept, values = place
    tuned = "".join(f"-{key}={_plain(value)}" for key, value in settings)
    path = out / method / f"{concept}-seed{seed}{tuned}"
    given = merge(ask.given, merge(values, {"method": method, "seed": seed, "out": str(path)}))
    config = resolve(
        given, sets=[*ask.sets, *(set_text(key, value) for key, value in settings)], file=ask.file
    )
    registry.get(method, config.knobs)
    scope_of(config)
    return Cell(method, concept, seed, settings, with_absolute_paths(config), path)


def set_text(key: str, value: str) -> str:
    """A value of the grid as ``--set`` reads it."""
    return f"{key}={value.replace('+', ',') if key in LISTS else value}"


def _plain(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", value)[:40]


def _items(text: str, option: str, expected: str) -> tuple[str, ...]:
    items = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not items:
        raise _wrong("The list is empty.", f"{option} {shorten(text)!r}", expected, f"give {option}")
    return items


def _world_concepts(ask: Ask, config: RunConfig) -> dict[str, dict[str, Any]]:
    if not config.embedded:
        raise _wrong(
            "The suite world runs on the embedded model.",
            f"--model {config.model}",
            "no --model",
            "compare methods on your own model and concept with: unsee bench concept --model ...",
        )
    if ask.split not in SPLITS:
        raise _wrong("There is no such split.", ask.split, " or ".join(SPLITS), "--split report")
    stages = (config.world.stage, *(stage for stage in STAGES if stage != config.world.stage))
    embedded.model_path(config.world.stage)
    by_stage = {stage: embedded.concepts_of(stage, ask.split) for stage in stages}
    # A comparison has a retain set: pictures of others, unless --set world.retain says otherwise.
    return {
        name: {"world": {"concept": name, "stage": stage, "split": ask.split, "retain": "others"}}
        for name, stage in _chosen(ask, by_stage)
    }


def _chosen(ask: Ask, by_stage: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Concepts with the stage that knows them: the configured one where it does."""
    first = next(iter(by_stage))
    text = ask.concepts.strip()
    if text == "all":
        yield from ((name, first) for name in by_stage[first])
    elif re.fullmatch("[0-9]+", text):
        if not 1 <= int(text) <= len(by_stage[first]):
            known = f"1 to {len(by_stage[first])}, or all"
            raise _wrong("There are not so many concepts.", f"--concepts {text}", known, "--concepts all")
        yield from ((name, first) for name in by_stage[first][: int(text)])
    else:
        for name in _items(text, "--concepts", "a number, ids such as celebrity-00,celebrity-02, or all"):
            stage = next((stage for stage, known in by_stage.items() if name in known), None)
            if stage is None:
                raise _no_concept(name, ask.split, [n for known in by_stage.values() for n in known])
            yield name, stage


def _no_concept(name: str, split: str, known: Sequence[str]) -> UserError:
    other = "selection" if split == "report" else "report"
    if any(name in embedded.concepts_of(stage, other) for stage in STAGES):
        return _wrong(
            f"This concept belongs to the split {other}.",
            name,
            "even numbers in the split report, odd numbers in selection, so that settings are never chosen "
            "on what is reported",
            f"--split {other}, or another concept",
        )
    match = nearest(name, known)
    hint = f"did you mean {match}?" if match else "see: unsee list concepts"
    return _wrong("There is no such concept in the embedded world.", name, "an id such as celebrity-00", hint)


def _own_concept(ask: Ask, config: RunConfig) -> dict[str, dict[str, Any]]:
    if config.embedded:
        raise _wrong(
            "The suite concept needs a model of your own.",
            "no --model",
            "--model, --image and --name",
            "add them, or compare methods on the embedded world with: unsee bench world",
        )
    if ask.split != "report":
        raise _wrong(
            "One concept has no split to choose settings on.",
            f"--split {ask.split}",
            "--split report",
            "choose settings with another concept of yours, in another --out",
        )
    if ask.concepts.strip() not in ("1", "all"):
        raise _wrong("There is one concept.", f"--concepts {ask.concepts}", "1", "leave --concepts out")
    return {make_concept(config).id: {}}


def _mmubench_concepts(ask: Ask, config: RunConfig) -> dict[str, dict[str, Any]]:
    """Concepts of MMUBench, ``mmubench.together`` of them in each run; in sequence: all in one run."""
    from unsee.jobs.mmubench_data import concept_ids
    from unsee.jobs.mmubench_judge import judge_for
    from unsee.jobs.mmubench_utility import local_suites

    judge_for(config, Path())
    local_suites(config)
    if ask.split not in SPLITS or (config.mmubench.data and ask.split != "report"):
        raise _wrong("There is no such split.", ask.split, " or ".join(SPLITS), "--split report")
    world = {"world": {"split": ask.split, "retain": config.world.retain}}
    chosen = concept_ids(config.model_copy(update={"world": _with_split(config, ask.split)}), ask.concepts)
    if not config.mmubench.data:
        known = embedded.concepts_of(config.world.stage, ask.split)
        for name in chosen:
            if name not in known:
                raise _no_concept(name, ask.split, known)
    size = len(chosen) if config.mmubench.sequential else config.mmubench.together
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    return {
        _group_name(group, config.mmubench.sequential): {**world, "mmubench": {"concepts": group}}
        for group in groups
    }


def _with_split(config: RunConfig, split: str) -> Any:
    return config.world.model_copy(update={"split": split})


def _group_name(group: Sequence[str], sequential: bool) -> str:
    if len(group) == 1:
        return group[0]
    return f"{'sequence' if sequential else 'together'}-{len(group)}-{group[0]}"


def _mllmu_ratios(ask: Ask, config: RunConfig) -> dict[str, dict[str, Any]]:
    """Forget sets of MLLMU-Bench by ratio; with several forms of the training questions, each of them."""
    from unsee.jobs.mllmu_plan import places

    return places(ask.concepts, ask.split, ask.forms, config)


def _wrong(what: str, got: object, expected: str, remedy: str) -> UserError:
    return UserError(what, got=got, expected=expected, remedy=remedy)


SUITES: Mapping[str, BenchSuite] = {
    "world": BenchSuite("concepts of the embedded world, on the embedded model", _world_concepts),
    "concept": BenchSuite("one concept of your own, on your own model", _own_concept),
    "mmubench": BenchSuite("MMUBench: its concepts, questions and tables", _mmubench_concepts, "mmubench"),
    "mllmu": BenchSuite("MLLMU-Bench: whole forget sets of 5, 10 and 15 %", _mllmu_ratios, "mllmu"),
}
