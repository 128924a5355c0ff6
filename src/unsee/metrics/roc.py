"""How well a number tells two groups apart: AUC, and how many are caught at few false alarms.

Intervals resample whole clusters (identities), members and non-members each on their own: 2,000 seeded
resamples, percentiles. Where a side has fewer than ten clusters the interval is the hull with that of single
items; where it has one, single items alone. A resampling without any spread (all caught, or none) is widened
by the rule of three for the smaller side.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from unsee.metrics.stats import FEW_CLUSTERS, RESAMPLES, make_score, rule_of_three
from unsee.nouns import Direction, Score

_Array = NDArray[np.float64]
_Labels = tuple[int, ...]
_Statistic = Callable[[_Array, _Array], _Array]
"""From how often each resampling has each member, and each non-member, to the figure of each resampling."""


@dataclass(frozen=True)
class Groups:
    """Scores of two groups, higher = more likely a member.

    Attributes:
        members: Score of each member.
        others: Score of each non-member.
        member_clusters: Identity of each member; empty = every one its own.
        other_clusters: Identity of each non-member; empty = every one its own.
    """

    members: Sequence[float]
    others: Sequence[float]
    member_clusters: Sequence[Hashable] = ()
    other_clusters: Sequence[Hashable] = ()


def auc(members: Sequence[float], others: Sequence[float]) -> float | None:
    """Probability that a member scores higher than a non-member, ties half; None if a side is empty."""
    if not len(members) or not len(others):
        return None
    ranks = rankdata([*members, *others])[: len(members)]
    wins = float(ranks.sum()) - len(members) * (len(members) + 1) / 2
    return wins / (len(members) * len(others))


def tpr_at_fpr(members: Sequence[float], others: Sequence[float], fpr: float) -> float | None:
    """Share of members above the lowest threshold that at most ``fpr`` of the non-members exceed.

    None with fewer than ``1 / fpr`` non-members (one in a hundred cannot be seen among fifty) or no members.
    """
    assert 0 < fpr < 1, fpr
    if not len(members) or len(others) * fpr < 1 - 1e-9:
        return None
    allowed = int(len(others) * fpr + 1e-9)
    threshold = np.sort(np.asarray(others, dtype=np.float64))[::-1][allowed]
    return float(np.mean(np.asarray(members, dtype=np.float64) > threshold))


def auc_score(groups: Groups, *, better: Direction = "lower", seed: int = 0) -> Score | None:
    """AUC with its interval; n is the number of members and non-members together."""
    value = auc(groups.members, groups.others)
    if value is None:
        return None
    wins = _wins(groups)
    return _score(groups, value, lambda a, b: _mean_of(wins, a, b), better, seed)


def tpr_score(groups: Groups, fpr: float, *, better: Direction = "lower", seed: int = 0) -> Score | None:
    """True positive rate at a false positive rate, with its interval (the threshold is resampled as well)."""
    value = tpr_at_fpr(groups.members, groups.others, fpr)
    if value is None:
        return None
    members, others = (np.asarray(x, dtype=np.float64) for x in (groups.members, groups.others))
    allowed = int(len(others) * fpr + 1e-9)

    order = np.argsort(-others)

    def again(a: _Array, b: _Array) -> _Array:
        size = b.sum(axis=1)
        rank = np.minimum(size - 1, np.floor(size * allowed / len(others)))
        place = (np.cumsum(b[:, order], axis=1) <= rank[:, None]).sum(axis=1)
        caught = members[None, :] > others[order][place][:, None]
        found: _Array = (a * caught).sum(axis=1) / a.sum(axis=1)
        return found

    return _score(groups, value, again, better, seed)


def auc_gap(first: Groups, second: Groups, *, seed: int = 0) -> Score | None:
    """AUC of the first model minus that of the second, on the same items, resampled together.

    Nearest 0 is best: below 0 the first model hides what it never should have shown, which is itself a sign.

    Args:
        first: Scores under one model, such as the unlearned one.
        second: Scores of the same items in the same order under the other, such as gold.
        seed: Seed of the resampling.
    """
    assert len(first.members) == len(second.members), (len(first.members), len(second.members))
    assert len(first.others) == len(second.others), (len(first.others), len(second.others))
    values = [auc(g.members, g.others) for g in (first, second)]
    if values[0] is None or values[1] is None:
        return None
    gap = _wins(first) - _wins(second)
    low, high = _interval(first, lambda a, b: _mean_of(gap, a, b), seed)
    n = len(first.members) + len(first.others)
    return make_score(values[0] - values[1], low, high, n, "lower", (-1.0, 1.0))


def _wins(groups: Groups) -> _Array:
    """(members, others): 1 where the member scores higher, half where equal."""
    a, b = (np.asarray(x, dtype=np.float64) for x in (groups.members, groups.others))
    wins: _Array = (a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :])
    return wins


def _mean_of(pairs: _Array, a: _Array, b: _Array) -> _Array:
    """Mean of ``pairs`` over the rows and columns of each resampling."""
    found: _Array = ((a @ pairs) * b).sum(axis=1) / (a.sum(axis=1) * b.sum(axis=1))
    return found


def _score(groups: Groups, value: float, again: _Statistic, better: Direction, seed: int) -> Score:
    low, high = _interval(groups, again, seed)
    if low == high:
        slack = rule_of_three(min(len(groups.members), len(groups.others)))
        low, high = value - slack, value + slack
    n = len(groups.members) + len(groups.others)
    return make_score(value, low, high, n, better, (0.0, 1.0))


def _interval(groups: Groups, again: _Statistic, seed: int) -> tuple[float, float]:
    """95 % percentiles of a statistic over resampled clusters (rule in the module text)."""
    items = _labels(groups.member_clusters, len(groups.members))
    rest = _labels(groups.other_clusters, len(groups.others))
    smallest = min(len(set(items)), len(set(rest)))
    ends: list[tuple[float, float]] = []
    if smallest > 1:
        ends.append(_percentiles(items, rest, again, seed))
    if smallest < FEW_CLUSTERS:
        single = _labels((), len(groups.members)), _labels((), len(groups.others))
        ends.append(_percentiles(*single, again, seed))
    return min(low for low, _ in ends), max(high for _, high in ends)


def _labels(clusters: Sequence[Hashable], size: int) -> _Labels:
    """For each item the number of its cluster, in the order in which the clusters appear."""
    if not clusters:
        return tuple(range(size))
    assert len(clusters) == size, (len(clusters), size)
    number = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    return tuple(number[cluster] for cluster in clusters)


def _percentiles(first: _Labels, second: _Labels, again: _Statistic, seed: int) -> tuple[float, float]:
    low, high = np.quantile(again(*_draws(first, second, seed, RESAMPLES)), [0.025, 0.975])
    return float(low), float(high)


@lru_cache(maxsize=2)
def _draws(first: _Labels, second: _Labels, seed: int, count: int) -> tuple[_Array, _Array]:
    """(count, items) how often each resampling of whole clusters has each item, on either side.

    Every score of the same items is resampled in the same way, so that the last draws are kept.
    """
    random = np.random.default_rng(seed)
    sizes = max(first) + 1, max(second) + 1
    drawn = [np.zeros((count, size)) for size in sizes]
    for i in range(count):
        for side, size in zip(drawn, sizes, strict=True):
            side[i] = np.bincount(random.integers(0, size, size), minlength=size)
    return drawn[0][:, first], drawn[1][:, second]
