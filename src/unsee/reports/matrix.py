"""Many runs as one table: a row per method, its figures pooled over concepts and seeds, and a written rule.

Nothing here says "lower is better": a method is measured by its distance to gold, and one that collapsed is
never ranked among those that forget.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Any, Literal

from unsee.metrics.page import SHARE
from unsee.metrics.stats import make_score, mean_interval
from unsee.nouns import Score
from unsee.reports.measures import bounds_of, ordered, value_before, value_of
from unsee.reports.verdict import named

Status = Literal["success", "short", "collapse", "unknown", "failed"]
POINTS = 0.10
RETAINED = ("others_named", "others_yes_no", "attributes", "scenes")
FLOORS = ("target", "gold", "blind")
PER_RUN = ("mia_",)  # one figure per run that is no share of replies
ORDER: tuple[Status, ...] = ("success", "short", "collapse", "unknown", "failed")
STATUS_WORDS: Mapping[Status, str] = {
    "success": "success",
    "short": "falls short",
    "collapse": "collapse",
    "unknown": "never known",
    "failed": "failed",
}
NOTES = (
    "Success: named within 10 points of gold, retain accuracy within 10 points of the target, and no "
    "collapse in any run of the method; all its runs are finished, on concepts that the target knows.",
    "Named: share of replies that name the concept, on pictures never trained on; where there are none, on "
    "the training picture. Forgetting is 1 - named.",
    "Gold was trained without the concept. For a concept without a gold model, 0 stands for its naming rate "
    "and the target's figures for what it keeps.",
    "Retain accuracy: mean of the right answers about others: their names, yes/no about them, looks of "
    "strangers, scenes; where none of these was asked, agreement with the target on other pictures. "
    "Retention is retain accuracy as a share of the target's. Look-alikes and facts by text have columns of "
    "their own and take no part in the rule.",
    "Distance to gold: half of |named - gold's| plus half of the mean |figure - gold's| over the figures of "
    "retain accuracy, averaged over runs. Rows are in the order success, falls short, collapse, then by "
    "distance to gold; a lower naming rate alone earns nothing.",
    "Collapse: broken replies, refusals, one reply for everything, perplexity, or a figure about others "
    "halved; counted per run. Lost facts by text are damage, not collapse: gold never had them.",
    "Intervals are 95 %, over replies, clustered by concept and seed. Floors are counted once per concept.",
    "Cost: positions that went through the language model in the training stage of one run (median), and its "
    "seconds on the machine at hand; runs that were stopped during training are left out.",
)


@dataclass(frozen=True)
class Entry:
    """One cell of the matrix, as read from its run folder.

    Attributes:
        method, concept, seed: Its place.
        settings: The point of the grid, as (key, value) texts.
        results: Content of ``results.json``; None when the cell is not finished.
        cost: Content of ``cost.json``.
        failure: Why it has no results; empty when it has, or was not tried yet.
        folder: Its folder, relative to that of the matrix.
    """

    method: str
    concept: str
    seed: int
    settings: tuple[tuple[str, str], ...] = ()
    results: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Row:
    """One method, or one method at one point of the grid.

    Attributes:
        method, settings: What it is.
        entries: Its cells.
        metrics: The unlearned model's figures, pooled.
        named: Share of replies that name the concept.
        retained: Retain accuracy.
        gap: Named minus gold's, mean over cells.
        drop: The target's retain accuracy minus its own, mean over cells.
        retention: Its retain accuracy as a share of the target's, mean over cells.
        distance: Distance to gold.
        collapses: What collapsed, one text per cell that did.
        tokens, seconds: Cost of the training stage of one run, median.
    """

    method: str
    settings: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]
    metrics: Mapping[str, Score]
    named: Score | None
    retained: Score | None
    gap: float | None
    drop: float | None
    retention: float | None
    distance: float | None
    collapses: tuple[str, ...]
    tokens: float | None
    seconds: float | None

    @property
    def title(self) -> str:
        """The method, and its settings where there is a grid."""
        return " ".join([self.method, *(f"{key}={value}" for key, value in self.settings)])

    @property
    def done(self) -> int:
        """Finished cells."""
        return sum(entry.results is not None for entry in self.entries)

    @property
    def tried(self) -> bool:
        """Whether some cell has ended, well or not."""
        return self.done > 0 or bool(self.failures)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why cells failed."""
        return tuple(entry.failure for entry in self.entries if entry.failure)

    @property
    def status(self) -> Status:
        """By the rule of :data:`NOTES`."""
        if self.done < len(self.entries):
            return "failed"
        if self.collapses:
            return "collapse"
        if not all(_known(entry) for entry in self.entries):
            return "unknown"
        return "short" if self.shortfalls else "success"

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What keeps it from success by the figures, in words."""
        found = []
        if self.gap is None:
            found.append("naming was not measured")
        elif abs(self.gap) > POINTS + 1e-9:
            side = "more" if self.gap > 0 else "less"
            gold = "by gold" if any(map(_has_gold, self.entries)) else "0 % (no gold model)"
            found.append(f"named {100 * abs(self.gap):.0f} points {side} than {gold}")
        if self.drop is None:
            found.append("retain accuracy was not measured")
        elif self.drop > POINTS + 1e-9:
            found.append(f"retain accuracy {100 * self.drop:.0f} points under the target's")
        return tuple(found)


@dataclass(frozen=True)
class Matrix:
    """The whole comparison.

    Attributes:
        suite, split: What was asked.
        rows: Ranked.
        floors: Figures of target, gold and blind, pooled over concepts; a model that is not there is absent.
        metrics: Metric ids that some row has, in the order of reports.
    """

    suite: str
    split: str
    rows: tuple[Row, ...]
    floors: Mapping[str, Mapping[str, Score]]
    metrics: tuple[str, ...]

    @property
    def concepts(self) -> tuple[str, ...]:
        """Concepts, in order."""
        return tuple(dict.fromkeys(entry.concept for row in self.rows for entry in row.entries))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, in order."""
        return tuple(sorted({entry.seed for row in self.rows for entry in row.entries}))


def make_matrix(suite: str, split: str, entries: Sequence[Entry]) -> Matrix:
    """Pools the cells and ranks the rows by the rule of :data:`NOTES`."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.method, entry.settings), []).append(entry)
    rows = sorted((_row(method, point, found) for (method, point), found in groups.items()), key=_rank)
    floors = {model: scores for model in FLOORS if (scores := _floor(entries, model))}
    return Matrix(suite, split, tuple(rows), floors, tuple(ordered(m for row in rows for m in row.metrics)))


def best_rows(matrix: Matrix) -> dict[str, Row]:
    """The best row of each method by the order of the table, the cheaper of two equal ones."""
    found: dict[str, Row] = {}
    for row in sorted(matrix.rows, key=lambda row: (*_rank(row)[:2], row.tokens or 0.0, row.title)):
        found.setdefault(row.method, row)
    return dict(sorted(found.items()))


def retained_value(results: Mapping[str, Any], model: str) -> float | None:
    """Retain accuracy of one model in one run; None when nothing of it was asked."""
    values = [value for _, value in _kept(results, model)]
    return fmean(values) if values else None


def naming_score(metrics: Mapping[str, Score]) -> Score | None:
    """Share of replies that name the concept: on new pictures, else on the training picture."""
    if "naming_rate" in metrics:
        return metrics["naming_rate"]
    for metric in ("generality_name", "efficacy"):
        if metric in metrics:
            s = metrics[metric]
            return Score(1 - s.value, 1 - s.high, 1 - s.low, s.n, "lower")
    return None


def retained_score(metrics: Mapping[str, Score]) -> Score | None:
    """Retain accuracy of pooled figures; the parts' intervals add in quadrature (different questions)."""
    names = [metric for metric in RETAINED if metric in metrics] or ["retain_agreement"]
    parts = [metrics[metric] for metric in names if metric in metrics]
    if not parts:
        return None
    value, count = fmean(p.value for p in parts), len(parts)
    below = math.sqrt(sum((p.value - p.low) ** 2 for p in parts)) / count
    above = math.sqrt(sum((p.high - p.value) ** 2 for p in parts)) / count
    return make_score(value, value - below, value + above, sum(p.n for p in parts), "higher", (0.0, 1.0))


def pooled(scores: Sequence[Score], clusters: Sequence[Hashable], *, share: bool) -> Score:
    """One figure of several runs: the mean over replies for shares, over runs for other numbers.

    A share of ``n`` replies is spread over its replies again, so that pooling it is exact and the bootstrap
    draws whole clusters.

    Runs that agree to the last digit show no spread: then the interval is the mean of their own.

    Args:
        scores: One per run.
        clusters: One per run.
        share: Whether the figure is a share between 0 and 1.
    """
    if len(scores) == 1:
        return scores[0]
    better = scores[0].better
    if share:
        values = [value for score in scores for value in _spread(score.value, score.n)]
        keys = [key for score, key in zip(scores, clusters, strict=True) for _ in range(score.n)]
        found = mean_interval(values, keys, better=better)
    else:
        found = mean_interval([score.value for score in scores], clusters, better=better, bounds=None)
    assert found is not None, scores
    low, high = found.low, found.high
    if low == high:
        low, high = fmean(score.low for score in scores), fmean(score.high for score in scores)
    return Score(found.value, low, high, sum(score.n for score in scores), better)


def pooled_figure(metric: str, scores: Sequence[Score], keys: Sequence[Hashable]) -> Score:
    """A figure over runs: over replies where it is a share of them, else over runs.

    Student's t on two or three runs is wide, and knows of no largest grade: the interval is cut at the
    bounds of the metric. A bound that a run itself does not keep is none (another reading of the metric).
    Membership inference gives one figure per run, no share of replies.

    Args:
        metric: Its id.
        scores: One per run.
        keys: What the intervals resample, one per run.
    """
    least, most = bounds_of(metric)
    least = least if all(score.value >= least for score in scores) else -math.inf
    most = most if all(score.value <= most for score in scores) else math.inf
    share = (least, most) == SHARE and not metric.startswith(PER_RUN)
    found = pooled(scores, keys, share=share)
    return replace(found, low=max(least, found.low), high=min(most, found.high))


def _spread(value: float, n: int) -> list[float]:
    """``n`` numbers between 0 and 1 with the sum ``value * n``, all but one of them 0 or 1."""
    ones = min(n, math.floor(value * n + 1e-9))
    rest = max(0.0, value * n - ones)
    tail = [rest if rest > 1e-9 else 0.0] if ones < n else []
    return [1.0] * ones + tail + [0.0] * (n - ones - len(tail))


def _row(method: str, settings: tuple[tuple[str, str], ...], entries: Sequence[Entry]) -> Row:
    done = [entry.results for entry in entries if entry.results is not None]
    metrics = _pool([entry for entry in entries if entry.results is not None], "unlearned")
    training = [_training_cost(entry) for entry in entries if entry.results]
    return Row(
        method=method,
        settings=settings,
        entries=tuple(entries),
        metrics=metrics,
        named=naming_score(metrics),
        retained=retained_score(metrics),
        gap=_mean([_gap(results) for results in done]),
        drop=_mean([_drop(results) for results in done]),
        retention=_mean([_retention(results) for results in done]),
        distance=_mean([_distance(results) for results in done]),
        collapses=tuple(_collapse(entry) for entry in entries if (entry.results or {}).get("collapse")),
        tokens=_median([cost.get("lm_tokens") for cost in training]),
        seconds=_median([cost.get("seconds") for cost in training]),
    )


def _rank(row: Row) -> tuple[int, float, bool, str]:
    distance = math.inf if row.distance is None else row.distance
    return ORDER.index(row.status), distance, not row.tried, row.title


def _pool(entries: Sequence[Entry], model: str) -> dict[str, Score]:
    """A model's metrics over cells; a metric that some cells lack is pooled over the others."""
    found: dict[str, tuple[list[Score], list[Hashable]]] = {}
    for entry in entries:
        for metric, score in (entry.results or {}).get("models", {}).get(model, {}).items():
            scores, clusters = found.setdefault(metric, ([], []))
            scores.append(Score(**score))
            clusters.append((entry.concept, entry.seed))
    return {m: pooled_figure(m, *found[m]) for m in ordered(found)}


def _floor(entries: Sequence[Entry], model: str) -> dict[str, Score]:
    """A floor's metrics over concepts: no method and no seed changes them."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if model in (entry.results or {}).get("models", {}):
            first.setdefault(entry.concept, entry)
    return _pool(list(first.values()), model)


def _kept(results: Mapping[str, Any], model: str) -> list[tuple[str, float]]:
    """(metric, value) of the figures of retain accuracy that the unlearned model has."""
    there = [m for m in RETAINED if value_of(results, "unlearned", m) is not None] or ["retain_agreement"]
    before = model == "target"
    values = [(m, value_before(results, m) if before else value_of(results, model, m)) for m in there]
    return [(metric, value) for metric, value in values if value is not None]


def _gap(results: Mapping[str, Any]) -> float | None:
    now, gold = named(results, "unlearned"), named(results, "gold")
    return None if now is None else now - (gold or 0.0)


def _drop(results: Mapping[str, Any]) -> float | None:
    before, now = retained_value(results, "target"), retained_value(results, "unlearned")
    return None if before is None or now is None else before - now


def _retention(results: Mapping[str, Any]) -> float | None:
    before, now = retained_value(results, "target"), retained_value(results, "unlearned")
    return None if not before or now is None else now / before


def _distance(results: Mapping[str, Any]) -> float | None:
    gap, now = _gap(results), dict(_kept(results, "unlearned"))
    like = dict(_kept(results, "gold")) or dict(_kept(results, "target"))
    away = [abs(now[metric] - like[metric]) for metric in now if metric in like]
    return None if gap is None or not away else (abs(gap) + fmean(away)) / 2


def _collapse(entry: Entry) -> str:
    reasons = [str(reason.get("text", "")) for reason in (entry.results or {})["collapse"]]
    return f"{entry.concept}, seed {entry.seed}: {'; '.join(reasons)}"


def _known(entry: Entry) -> bool:
    return bool(((entry.results or {}).get("gate") or {}).get("known", True))


def _has_gold(entry: Entry) -> bool:
    return "gold" in ((entry.results or {}).get("models") or {})


def _training_cost(entry: Entry) -> Mapping[str, Any]:
    """Cost of the training stage; empty where a part of it was lost with a stop."""
    stage = entry.cost.get("stages", {}).get("training", {})
    return {} if "training" in entry.cost.get("interrupted", ()) else stage


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _median(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None
