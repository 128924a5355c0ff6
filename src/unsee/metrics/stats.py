"""Means with intervals. Questions about one identity are not independent, so intervals resample identities.

The rule of :func:`mean_interval`:

- no values: no score (``None``), never 0;
- all values equal, inside the bounds: the rule of three in its exact form, ``1 - (1 - level)^(1/n)`` of the
  range away from the value (0 of 50 gives [0, 0.058] at 95 %); without bounds the interval is the value
  itself;
- one cluster: Wilson's score interval on n (an upper bound on the spread for values that are fractions);
  without bounds Student's t on the values, and no width at all is claimed for a single value;
- several clusters: percentile bootstrap over whole clusters, 2,000 seeded resamples; below ten clusters,
  where the bootstrap is too narrow, the hull of it and the one-cluster interval.

An interval always contains its value and stays inside the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unsee.nouns import Direction, Question, Score

RESAMPLES = 2000
FEW_CLUSTERS = 10
Bounds = tuple[float, float]
_Array = NDArray[np.float64]


def clusters_of(questions: Sequence[Question]) -> list[Hashable]:
    """What intervals resample: identities; of one identity its pictures; without pictures one cluster."""
    if len({q.identity for q in questions}) > 1:
        return [q.identity for q in questions]
    return [q.picture.hash if q.picture else "" for q in questions]


def rule_of_three(n: int, level: float = 0.95) -> float:
    """Largest probability under which ``n`` trials without an event still have probability ``1 - level``."""
    assert n > 0, n
    return float(1 - (1 - level) ** (1 / n))


def wilson(mean: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) of a proportion ``mean`` of ``n`` trials."""
    assert n > 0, n
    assert 0 <= mean <= 1, mean
    z = float(stats.norm.ppf((1 + level) / 2))
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _by_cluster(values: _Array, clusters: Sequence[Hashable]) -> tuple[_Array, _Array]:
    """Sums and counts per cluster, clusters in order of first appearance."""
    index = {c: i for i, c in enumerate(dict.fromkeys(clusters))}
    where = np.array([index[c] for c in clusters])
    size = len(index)
    return np.bincount(where, weights=values, minlength=size).astype(np.float64), np.bincount(
        where, minlength=size
    ).astype(float)


def _bootstrap(values: _Array, clusters: Sequence[Hashable], seed: int, level: float) -> tuple[float, float]:
    sums, counts = _by_cluster(values, clusters)
    picks = _picks(len(sums), seed)
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@lru_cache(maxsize=4)
def _picks(count: int, seed: int) -> NDArray[np.int64]:
    """(RESAMPLES, count) clusters drawn with replacement; the same for every cell of a table."""
    return np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, count))


def _of_items(values: _Array, bounds: Bounds | None, level: float) -> tuple[float, float]:
    """The interval that treats the items as independent: Wilson inside bounds, else Student's t."""
    mean, n = float(values.mean()), len(values)
    if bounds is not None:
        low, high = bounds
        a, b = wilson(min(1.0, max(0.0, (mean - low) / (high - low))), n, level)
        return low + a * (high - low), low + b * (high - low)
    if n == 1:
        return mean, mean
    half = float(stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n))
    return mean - half, mean + half


def _interval(
    values: _Array, clusters: Sequence[Hashable], bounds: Bounds | None, seed: int, level: float
) -> tuple[float, float]:
    mean, groups = float(values.mean()), len(set(clusters))
    if np.all(values == values[0]):
        if bounds is None:
            return mean, mean
        slack = rule_of_three(len(values), level) * (bounds[1] - bounds[0])
        return mean - slack, mean + slack
    if groups == 1:
        return _of_items(values, bounds, level)
    low, high = _bootstrap(values, clusters, seed, level)
    if groups < FEW_CLUSTERS:
        a, b = _of_items(values, bounds, level)
        low, high = min(low, a), max(high, b)
    return low, high


def make_score(
    value: float, low: float, high: float, n: int, better: Direction, bounds: Bounds | None
) -> Score:
    """A score whose interval contains its value and lies inside the bounds; all numbers must be finite."""
    assert all(map(math.isfinite, (value, low, high))), (value, low, high)
    if bounds is not None:
        value = min(max(value, bounds[0]), bounds[1])
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Score(value, min(low, value), max(high, value), n, better)


def mean_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    better: Direction,
    bounds: Bounds | None = (0.0, 1.0),
    seed: int = 0,
    level: float = 0.95,
) -> Score | None:
    """Mean of the values with an interval that clusters by identity (rule in the module text).

    Args:
        values: Finite numbers, inside ``bounds``.
        clusters: One identity per value; None: all of one cluster.
        better: Direction of the metric.
        bounds: Range of a value; None for unbounded figures.
        seed: Seed of the resampling; equal input gives equal output.
        level: Coverage of the interval.

    Returns:
        The score, or None when there are no values.
    """
    if len(values) == 0:
        return None
    keys: Sequence[Hashable] = [0] * len(values) if clusters is None else clusters
    assert len(keys) == len(values), (len(keys), len(values))
    array = np.asarray(values, dtype=np.float64)
    assert np.isfinite(array).all(), "values must be finite"
    assert bounds is None or (array.min() >= bounds[0] and array.max() <= bounds[1]), (
        array.min(),
        array.max(),
    )
    low, high = _interval(array, keys, bounds, seed, level)
    return make_score(float(array.mean()), low, high, len(values), better, bounds)


def balanced_interval(
    hits: Sequence[float],
    groups: Sequence[Hashable],
    clusters: Sequence[Hashable] | None = None,
    *,
    better: Direction,
    seed: int = 0,
    level: float = 0.95,
) -> Score | None:
    """Mean over groups of the mean within the group (balanced accuracy); a constant answer scores 1/groups.

    The interval adds the groups' own intervals in quadrature (groups hold different questions). None unless
    there are at least two groups, since accuracy on one group alone is exactly what a constant answer can
    fake.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        return None
    keys = [0] * len(hits) if clusters is None else list(clusters)
    parts = []
    for name in names:
        at = [i for i, g in enumerate(groups) if g == name]
        part = mean_interval(
            [hits[i] for i in at], [keys[i] for i in at], better=better, seed=seed, level=level
        )
        assert part is not None, name
        parts.append(part)
    value = sum(p.value for p in parts) / len(parts)
    below = math.sqrt(sum((p.value - p.low) ** 2 for p in parts)) / len(parts)
    above = math.sqrt(sum((p.high - p.value) ** 2 for p in parts)) / len(parts)
    return make_score(value, value - below, value + above, len(hits), better, (0.0, 1.0))


def paired_difference(
    first: Mapping[str, float],
    second: Mapping[str, float],
    clusters: Mapping[str, Hashable] | None = None,
    *,
    better: Direction,
    bounds: Bounds | None = (-1.0, 1.0),
    seed: int = 0,
    level: float = 0.95,
) -> Score | None:
    """Mean of ``first - second`` over the questions that both answered, with its interval.

    Args:
        first: Value by question id.
        second: Value by question id; ids that only one side has are left out (n tells how many were common).
        clusters: Identity by question id; None: all of one cluster.
        better: Direction of the difference.
        bounds: Range of a difference; None for unbounded figures.
        seed: Seed of the resampling.
        level: Coverage of the interval.
    """
    ids = [i for i in first if i in second]
    keys = None if clusters is None else [clusters[i] for i in ids]
    gaps = [first[i] - second[i] for i in ids]
    return mean_interval(gaps, keys, better=better, bounds=bounds, seed=seed, level=level)


def normalised(value: float, target: float, gold: float, *, smallest: float = 0.05) -> float | None:
    """Where a figure stands between target (0) and gold (1): ``(value - target) / (gold - target)``.

    None when target and gold differ by less than ``smallest``: a ratio of noise is no measurement. Below 0 or
    above 1 is possible and says so: worse than the target, or beyond gold (over-forgetting).
    """
    gap = gold - target
    return None if abs(gap) < smallest else (value - target) / gap
