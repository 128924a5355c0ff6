"""Paired tests, Holm and distances of samples against values worked by hand."""

from __future__ import annotations

import itertools

import pytest

from unsee.metrics.comparison import holm, retrain_floor, sample_distance, sign_flip

CLUSTERS = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "x": "x"}


def test_sign_flip_tries_every_pattern_over_identities() -> None:
    first = {"a1": 1.0, "a2": 1.0, "b1": 1.0, "b2": 0.0, "c1": 1.0, "x": 1.0}
    second = {"a1": 0.0, "a2": 0.0, "b1": 0.0, "b2": 0.0, "c1": 0.0}
    found = sign_flip(first, second, CLUSTERS)
    assert found is not None
    sums = (2.0, 1.0, 1.0)
    patterns = [
        abs(sum(s * g for s, g in zip(p, sums, strict=True))) for p in itertools.product((-1, 1), repeat=3)
    ]
    assert found.p == sum(value >= 4 for value in patterns) / 8 == 0.25
    assert found == (0.8, 0.25, 5, 3)


def test_equal_models_do_not_differ() -> None:
    same = {"a1": 1.0, "b1": 0.0}
    found = sign_flip(same, same, CLUSTERS)
    assert found is not None
    assert (found.difference, found.p) == (0.0, 1.0)
    assert sign_flip({"a1": 1.0}, {"b1": 1.0}, CLUSTERS) is None


def test_many_identities_are_sampled_and_seeded() -> None:
    ids = [str(i) for i in range(40)]
    clusters = {i: i for i in ids}
    ones, zeros = dict.fromkeys(ids, 1.0), dict.fromkeys(ids, 0.0)
    found = sign_flip(ones, zeros, clusters, seed=3)
    assert found is not None
    assert found.p == pytest.approx(1 / 10_001)
    half = {i: float(int(i) % 2) for i in ids}
    other = {i: float(int(i) % 2 == 0) for i in ids}
    balanced = sign_flip(half, other, clusters, seed=3)
    assert balanced is not None
    assert balanced.p == 1.0
    assert balanced == sign_flip(half, other, clusters, seed=3)


def test_one_identity_can_never_be_significant() -> None:
    found = sign_flip({"a1": 1.0, "a2": 1.0}, {"a1": 0.0, "a2": 0.0}, CLUSTERS)
    assert found is not None
    assert found.p == 1.0


def test_holm() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_sample_distance() -> None:
    found = sample_distance([0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0])
    assert found is not None
    assert (found.ks, found.wasserstein, found.n) == (0.5, 0.5, (4, 4))
    assert 0 < found.p <= 1
    assert sample_distance([], [1.0]) is None


def test_retrain_floor_compares_every_two_golds_on_common_questions() -> None:
    golds = [{"a": 0.0, "b": 1.0, "z": 9.0}, {"a": 0.0, "b": 1.0}, {"a": 1.0, "b": 2.0}]
    assert [d.wasserstein for d in retrain_floor(golds)] == [0.0, 1.0, 1.0]
    assert [d.n for d in retrain_floor(golds)] == [(2, 2)] * 3
    assert retrain_floor([]) == []
