"""How well a number tells two groups apart: AUC, and how many are caught at few false alarms.

Intervals resample whole clusters (identities), members and non-members each on their own: 2,000 seeded
resamples, percentiles. Where a side has fewer than ten clusters the interval is the hull with that of single
items; where it has one, single items alone. A resampling without any spread (all caught, or none) is widened
by the rule of three for the smaller side.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from unsee.metrics.stats import FEW_CLUSTERS, RESAMPLES, make_score, rule_of_three
from unsee.nouns import Direction, Score

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]
_Statistic = Callable[[_Index, _Index], float]


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

    def again(a: _Index, b: _Index) -> float:
        rank = min(len(b) - 1, int(len(b) * allowed / len(others)))
        return float(np.mean(members[a] > np.sort(others[b])[::-1][rank]))

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


def _mean_of(pairs: _Array, a: _Index, b: _Index) -> float:
    """Mean of ``pairs`` over the resampled rows and columns."""
    rows, columns = (np.bincount(i, minlength=size) for i, size in zip((a, b), pairs.shape, strict=True))
    return float(rows @ pairs @ columns) / (len(a) * len(b))


def _score(groups: Groups, value: float, again: _Statistic, better: Direction, seed: int) -> Score:
    low, high = _interval(groups, again, seed)
    if low == high:
        slack = rule_of_three(min(len(groups.members), len(groups.others)))
        low, high = value - slack, value + slack
    n = len(groups.members) + len(groups.others)
    return make_score(value, low, high, n, better, (0.0, 1.0))


def _interval(groups: Groups, again: _Statistic, seed: int) -> tuple[float, float]:
    """95 % percentiles of a statistic over resampled clusters (rule in the module text)."""
    items = _members_of(groups.member_clusters, len(groups.members))
    rest = _members_of(groups.other_clusters, len(groups.others))
    smallest = min(len(items), len(rest))
    single = _members_of((), len(groups.members)), _members_of((), len(groups.others))
    ends: list[tuple[float, float]] = []
    if smallest > 1:
        ends.append(_percentiles(items, rest, again, seed))
    if smallest < FEW_CLUSTERS:
        ends.append(_percentiles(*single, again, seed))
    return min(low for low, _ in ends), max(high for _, high in ends)


def _members_of(clusters: Sequence[Hashable], size: int) -> list[_Index]:
    """Indices of the items of each cluster."""
    if not clusters:
        return [np.array([i]) for i in range(size)]
    assert len(clusters) == size, (len(clusters), size)
    found: dict[Hashable, list[int]] = {}
    for i, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(i)
    return [np.array(items) for items in found.values()]


def _percentiles(
    first: Sequence[_Index], second: Sequence[_Index], again: _Statistic, seed: int
) -> tuple[float, float]:
    values = [again(a, b) for a, b in _draws(first, second, seed)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _draws(first: Sequence[_Index], second: Sequence[_Index], seed: int) -> Iterator[tuple[_Index, _Index]]:
    random = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        yield (
            np.concatenate([first[i] for i in random.integers(0, len(first), len(first))]),
            np.concatenate([second[i] for i in random.integers(0, len(second), len(second))]),
        )
