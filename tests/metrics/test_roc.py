"""AUC and TPR at a false positive rate against pair counting and threshold search in plain loops."""

from __future__ import annotations

import random

import numpy as np
import pytest

from unsee.metrics import roc
from unsee.metrics.roc import Groups, auc, auc_gap, auc_score, tpr_at_fpr, tpr_score
from unsee.metrics.stats import rule_of_three

RESAMPLES = 200


def slow_auc(members: list[float], others: list[float]) -> float:
    wins = sum(1.0 if m > o else 0.5 if m == o else 0.0 for m in members for o in others)
    return wins / (len(members) * len(others))


def slow_tpr(members: list[float], others: list[float], fpr: float) -> float:
    """The best true positive rate over all thresholds whose false positive rate is small enough."""
    best = 0.0
    for threshold in [*members, *others, -1e9]:
        if sum(o > threshold for o in others) <= fpr * len(others):
            best = max(best, sum(m > threshold for m in members) / len(members))
    return best


def drawn(seed: int, n: int, shift: float = 0.0) -> list[float]:
    chance = random.Random(seed)
    return [round(chance.gauss(shift, 1), 1) for _ in range(n)]  # rounded: ties


@pytest.mark.parametrize("seed", range(4))
def test_against_loops(seed: int) -> None:
    members, others = drawn(seed, 40, 0.8), drawn(seed + 100, 60)
    assert auc(members, others) == pytest.approx(slow_auc(members, others))
    for fpr in (0.05, 0.1, 0.5):
        assert tpr_at_fpr(members, others, fpr) == pytest.approx(slow_tpr(members, others, fpr))


def test_by_hand() -> None:
    assert auc([3.0, 1.0], [2.0, 0.0]) == 0.75
    assert auc([1.0], [1.0]) == 0.5
    assert auc([], [1.0]) is None
    others = [float(i) for i in range(20)]  # one of twenty may be exceeded: threshold 18
    assert tpr_at_fpr([18.0, 18.5, 19.5, 0.0], others, 0.05) == 0.5
    assert tpr_at_fpr([100.0], others, 0.01) is None  # one in a hundred cannot be seen among twenty
    assert tpr_at_fpr([], others, 0.05) is None


def test_intervals_hold_the_value_and_widen_with_clusters() -> None:
    members, others = drawn(1, 60, 0.7), drawn(2, 60)
    score = auc_score(Groups(members, others))
    assert score is not None
    assert score.value == pytest.approx(slow_auc(members, others))
    assert 0.05 < score.high - score.low < 0.3
    assert score.low < score.value < score.high
    # Every number five times over says no more: clustered by its source the interval stays, else it shrinks.
    five, four = [m for m in members for _ in range(5)], [o for o in others for _ in range(5)]
    keys = [i // 5 for i in range(300)]
    honest, naive = auc_score(Groups(five, four, keys, keys)), auc_score(Groups(five, four))
    assert honest is not None
    assert naive is not None
    assert honest.high - honest.low == pytest.approx(score.high - score.low, rel=0.15)
    assert naive.high - naive.low < 0.6 * (honest.high - honest.low)
    assert auc_score(Groups(five, four, keys, keys)) == honest  # same seed, same figure


def test_perfect_separation_is_not_certainty() -> None:
    score = auc_score(Groups([2.0] * 20, [1.0] * 20))
    assert score is not None
    assert (score.value, score.high) == (1.0, 1.0)
    assert score.low == pytest.approx(1 - rule_of_three(20))
    assert auc_score(Groups([], [1.0])) is None


def test_one_identity_falls_back_to_items() -> None:
    members, others = drawn(5, 30, 0.5), drawn(6, 30)
    one = auc_score(Groups(members, others, ["a"] * 30, ["b"] * 30))
    single = auc_score(Groups(members, others))
    assert one == single


def test_tpr_interval() -> None:
    members, others = drawn(3, 50, 1.5), drawn(4, 100)
    score = tpr_score(Groups(members, others), 0.05)
    assert score is not None
    assert score.value == pytest.approx(slow_tpr(members, others, 0.05))
    assert score.low < score.value < score.high
    assert tpr_score(Groups(members, others[:50]), 0.01) is None


def test_gap_pairs_the_models() -> None:
    members, others = drawn(7, 40, 0.6), drawn(8, 40)
    groups = Groups(members, others)
    same = auc_gap(groups, groups)
    assert same is not None
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    less = auc_gap(Groups([m - 1.2 for m in members], others), groups)
    assert less is not None
    expected = slow_auc([m - 1.2 for m in members], others) - slow_auc(members, others)
    assert less.value == pytest.approx(expected)
    assert less.high < 0


def slow_interval(groups: Groups, fpr: float | None, seed: int) -> tuple[float, float]:
    """Whole clusters drawn one resampling after the other, and the figure of the items that came out."""
    chance = np.random.default_rng(seed)
    sides = [(groups.members, groups.member_clusters), (groups.others, groups.other_clusters)]
    homes = [
        [[x for x, k in zip(*side, strict=True) if k == key] for key in dict.fromkeys(side[1])]
        for side in sides
    ]
    values = []
    for _ in range(RESAMPLES):
        picked = [chance.integers(0, len(home), len(home)) for home in homes]
        a, b = ([x for i in p for x in home[i]] for p, home in zip(picked, homes, strict=True))
        if fpr is None:
            values.append(slow_auc(a, b))
            continue
        allowed = int(len(b) * int(len(groups.others) * fpr) / len(groups.others))
        threshold = sorted(b, reverse=True)[min(len(b) - 1, allowed)]
        values.append(sum(x > threshold for x in a) / len(a))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("fpr", [None, 0.1])
def test_intervals_against_a_loop_over_resamplings(
    fpr: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roc, "RESAMPLES", RESAMPLES)
    keys = [i // 2 for i in range(24)]  # twelve clusters: enough to be resampled alone
    groups = Groups(drawn(9, 24, 0.6), drawn(10, 24), keys, keys)
    score = auc_score(groups, seed=3) if fpr is None else tpr_score(groups, fpr, seed=3)
    assert score is not None
    assert (score.low, score.high) == pytest.approx(slow_interval(groups, fpr, 3))
