"""One model beside others: paired tests, its place between target and gold, and whether there was room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unsee.metrics.comparison import SampleDistance, holm, retrain_floor, sample_distance, sign_flip
from unsee.metrics.stats import normalised, paired_difference
from unsee.nouns import Score
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.scoring import FORGET_SETS, Values, better, bounds

NOT_KNOWLEDGE = ("mllmu_degenerate", "mllmu_refusals", "mllmu_unread")
TRUTHS = "mllmu_truth_logprob/"
GATE = ("mllmu_choice", "mllmu_choice_text", "mllmu_cloze", "mllmu_key_fact", "mllmu_rouge_l")


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of one cell.

    Attributes:
        difference: Model - other, with an interval clustered by person.
        p: Two-sided p-value of the sign-flip test over people.
        adjusted: The same after Holm's adjustment over all models compared in this cell.
    """

    difference: Score
    p: float
    adjusted: float


def compare(
    models: Mapping[str, Values], other: Values, asks: Sequence[Ask], *, seed: int = 0
) -> dict[str, dict[str, Comparison]]:
    """Paired tests of several models against one (target or gold), by model and cell.

    Args:
        models: Values by model, such as one per method.
        other: Values of the model they are compared with.
        asks: The questions, for the people to cluster by.
        seed: Of resampling and sign patterns.
    """
    people = {a.id: a.person for a in asks}
    found: dict[str, dict[str, Comparison]] = {name: {} for name in models}
    for cell, theirs in other.items():
        raw = {name: sign_flip(v[cell], theirs, people, seed=seed) for name, v in models.items() if cell in v}
        tests = {name: test for name, test in raw.items() if test is not None}
        adjusted = holm({name: test.p for name, test in tests.items()})
        for name, test in tests.items():
            gap = difference(cell, models[name][cell], theirs, people, seed)
            if gap is not None:
                found[name][cell] = Comparison(gap, test.p, adjusted[name])
    return found


def difference(
    cell: str, first: Mapping[str, float], second: Mapping[str, float], people: Mapping[str, str], seed: int
) -> Score | None:
    """Mean of first - second over common questions, clustered by person."""
    metric, set_name, _ = cell.split("/")
    span = bounds(metric)
    wide = None if span is None else (span[0] - span[1], span[1] - span[0])
    direction = better(metric, set_name)
    return paired_difference(first, second, people, better=direction, bounds=wide, seed=seed)


@dataclass(frozen=True)
class Standing:
    """Where a figure stands between target (0) and gold (1).

    Attributes:
        value: (value - target) / (gold - target); None where the two differ by less than 0.05.
        room: Target - gold on the same questions, with its interval.
        within_noise: Whether that interval holds 0: then the value means nothing.
    """

    value: float | None
    room: Score
    within_noise: bool


def standings(
    model: Values, target: Values, gold: Values, asks: Sequence[Ask], *, seed: int = 0
) -> dict[str, Standing]:
    """Normalised forgetting of every cell that all three models have; refusals and gibberish have none."""
    people = {a.id: a.person for a in asks}
    found = {}
    for cell, items in model.items():
        room = difference(cell, target.get(cell, {}), gold.get(cell, {}), people, seed)
        if room is None or cell.startswith(NOT_KNOWLEDGE):
            continue
        common = [i for i in items if i in target[cell] and i in gold[cell]]
        if not common:
            continue
        mean = {
            name: sum(v[cell][i] for i in common) / len(common)
            for name, v in (("model", model), ("target", target), ("gold", gold))
        }
        value = normalised(mean["model"], mean["target"], mean["gold"])
        found[cell] = Standing(value, room, room.low <= 0 <= room.high)
    return found


@dataclass(frozen=True)
class Known:
    """Whether the target learned what a cell asks.

    Attributes:
        known: The target is above the floor, the interval of the difference without 0.
        above: Target - floor.
        floor: Which floor: gold, or the highest of the others.
    """

    known: bool
    above: Score
    floor: str


def gate(
    target: Values,
    asks: Sequence[Ask],
    floors: Mapping[str, Values],
    *,
    gold: Values | None = None,
    seed: int = 0,
) -> dict[str, Known]:
    """Did the target learn it? By cell of the forget and test sets; what was never known cannot be forgotten.

    Args:
        target: Its values.
        asks: The questions.
        floors: Values of floors by name; of each cell the highest one counts.
        gold: Values of the gold model; when given, it is the floor.
        seed: Of resampling.
    """
    people = {a.id: a.person for a in asks}
    named = {"gold": gold} if gold is not None else floors
    found: dict[str, Known] = {}
    for cell, items in target.items():
        metric, set_name, _ = cell.split("/")
        if metric not in GATE or set_name not in FORGET_SETS:
            continue
        having = {name: values[cell] for name, values in named.items() if values.get(cell)}
        if not having:
            continue
        best = max(having, key=lambda name: sum(having[name].values()) / len(having[name]))
        above = difference(cell, items, having[best], people, seed)
        if above is not None:
            found[cell] = Known(above.low > 0, above, best)
    return found


def distances(model: Values, gold: Values) -> dict[str, SampleDistance]:
    """KS D with p and n, and Wasserstein, of the truths' likelihoods: how far from gold a model is."""
    found = {
        cell: sample_distance([items[i] for i in common], [gold[cell][i] for i in common])
        for cell, items in model.items()
        if cell.startswith(TRUTHS) and (common := [i for i in items if i in gold.get(cell, {})])
    }
    return {cell: distance for cell, distance in found.items() if distance is not None}


def retrain_distances(golds: Sequence[Values]) -> dict[str, list[SampleDistance]]:
    """The same between gold models that differ in their seed: the floor under :func:`distances`."""
    cells = [cell for cell in golds[0] if cell.startswith(TRUTHS)] if golds else []
    return {cell: retrain_floor([gold.get(cell, {}) for gold in golds]) for cell in cells}
