import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.tiny import picture
from unsee.metrics.stats import (
    balanced_interval,
    clusters_of,
    mean_interval,
    normalised,
    paired_difference,
    rule_of_three,
    wilson,
)
from unsee.nouns import Question, Score


def some(score: Score | None) -> Score:
    assert score is not None
    assert score.low <= score.value <= score.high
    return score


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 10), (7, 20), (20, 20)])
def test_wilson_is_scipys(hits: int, n: int) -> None:
    theirs = scipy_stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_rule_of_three_by_hand() -> None:
    assert rule_of_three(50) == pytest.approx(0.0582, abs=1e-4)  # near 3 / 50
    assert (1 - rule_of_three(7)) ** 7 == pytest.approx(0.05)


def test_no_values_is_absent_not_zero() -> None:
    assert mean_interval([], better="higher") is None
    assert paired_difference({}, {}, better="higher") is None
    assert balanced_interval([], [], better="lower") is None


def test_all_equal_values_keep_a_width() -> None:
    none = some(mean_interval([0.0] * 50, better="lower"))
    assert (none.value, none.low, none.n) == (0.0, 0.0, 50)
    assert none.high == pytest.approx(0.0582, abs=1e-4)
    full = some(mean_interval([1.0] * 50, list(range(50)), better="higher"))
    assert (full.low, full.high) == (pytest.approx(1 - 0.0582, abs=1e-4), 1.0)


def test_one_cluster_falls_back_to_wilson() -> None:
    score = some(mean_interval([1, 0, 0, 1, 1], better="higher"))
    assert (score.low, score.high) == pytest.approx(wilson(0.6, 5))


def test_unbounded_values_use_students_t() -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    score = some(mean_interval(values, better="lower", bounds=None))
    half = scipy_stats.sem(values) * scipy_stats.t.ppf(0.975, 3)
    assert (score.low, score.high) == pytest.approx((4 - half, 4 + half))
    single = some(mean_interval([3.0], better="lower", bounds=None))
    assert (single.low, single.high) == (3.0, 3.0)


def test_bootstrap_resamples_clusters() -> None:
    """Twenty identities with ten equal values each are twenty observations, not two hundred."""
    rng = np.random.default_rng(1)
    truth = rng.random(20) < 0.5
    values = np.repeat(truth.astype(float), 10).tolist()
    who = np.repeat(np.arange(20), 10).tolist()
    clustered = some(mean_interval(values, who, better="higher"))
    naive = some(mean_interval(values, list(range(200)), better="higher"))
    ratio = (clustered.high - clustered.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(math.sqrt(10), rel=0.15)
    error = truth.std() / math.sqrt(20)
    assert clustered.high - clustered.low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_few_clusters_are_not_narrower_than_wilson() -> None:
    score = some(mean_interval([1, 0, 1, 0], ["a", "a", "b", "b"], better="higher"))
    low, high = wilson(0.5, 4)
    assert score.low <= low
    assert score.high >= high


def test_coverage_of_the_cluster_bootstrap() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(100):
        p = rng.beta(2, 2, size=25)
        values = (rng.random((25, 4)) < p[:, None]).astype(float).ravel().tolist()
        score = some(mean_interval(values, np.repeat(np.arange(25), 4).tolist(), better="higher", seed=seed))
        inside += score.low <= 0.5 <= score.high
    assert 86 <= inside <= 100


def test_same_seed_same_interval() -> None:
    values, who = [0, 1, 0.5, 0.25] * 5, list(range(20))
    assert mean_interval(values, who, better="higher") == mean_interval(values, who, better="higher")


def test_never_nan() -> None:
    with pytest.raises(AssertionError):
        mean_interval([float("nan")], better="higher")
    with pytest.raises(AssertionError):
        mean_interval([2.0], better="higher")


@pytest.mark.parametrize("constant", ["yes", "no"])
def test_constant_answers_score_half_when_balanced(constant: str) -> None:
    keys = ["yes"] * 30 + ["no"] * 10
    score = some(balanced_interval([float(k == constant) for k in keys], keys, better="lower"))
    assert score.value == 0.5
    assert score.n == 40
    assert balanced_interval([1.0, 1.0], ["no", "no"], better="lower") is None


def test_paired_difference_by_hand() -> None:
    first, second = {"a": 1.0, "b": 1.0, "c": 0.0, "x": 0.0}, {"a": 0.0, "b": 1.0, "c": 0.0, "y": 1.0}
    score = some(paired_difference(first, second, better="higher"))
    assert (score.value, score.n) == (pytest.approx(1 / 3), 3)
    equal = some(paired_difference(first, first, better="higher"))
    assert equal.value == 0
    assert -1 <= equal.low < 0 < equal.high <= 1


def test_pairing_is_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(3)
    base = rng.random(40)
    first = {str(i): float(v) for i, v in enumerate(base)}
    second = {str(i): float(v) * 0.9 for i, v in enumerate(base)}
    who = {i: i for i in first}
    paired = some(paired_difference(first, second, who, better="higher"))
    alone = some(mean_interval(list(first.values()), list(first), better="higher"))
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)


def test_normalised_between_target_and_gold() -> None:
    assert normalised(0.5, target=1.0, gold=0.0) == 0.5
    assert normalised(1.0, target=1.0, gold=0.0) == 0.0
    assert normalised(0.0, target=1.0, gold=0.5) == 2.0
    assert normalised(0.5, target=0.96, gold=0.95) is None


def test_one_identity_is_resampled_by_its_pictures() -> None:
    jane = [
        Question(str(i), "?", "name", shown, identity="jane") for i, shown in enumerate((picture(0), None))
    ]
    ann = Question("a", "?", "name", picture(1), identity="ann")
    assert clusters_of([*jane, ann]) == ["jane", "jane", "ann"]
    assert clusters_of(jane) == [picture(0).hash, ""]
    assert clusters_of([]) == []
