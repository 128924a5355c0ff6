"""Likelihood figures of one text against numbers worked by hand."""

from __future__ import annotations

import math
import zlib

import pytest

from unsee.metrics.likelihood import (
    exact_memorisation,
    extraction_strength,
    min_k,
    min_k_plus_plus,
    probability,
    truth_ratio,
    zlib_ratio,
)


def test_probability_per_token() -> None:
    assert probability([math.log(0.5), math.log(0.125)]) == pytest.approx(0.25)
    assert probability([]) is None


def test_truth_ratio() -> None:
    right = [math.log(0.5)] * 3
    wrong = [[math.log(0.25)], [math.log(1.0), math.log(1.0)]]
    # Geometric mean of 0.25 and 1 is 0.5.
    assert truth_ratio(right, wrong) == pytest.approx(1.0)
    assert truth_ratio(right, [[math.log(0.05)]]) == pytest.approx(0.1)
    assert truth_ratio(right, []) is None
    assert truth_ratio([], wrong) is None
    assert truth_ratio(right, [[], [-1.0]]) is None
    assert truth_ratio([-700.0], [[-0.0]]) == pytest.approx(math.exp(700.0))


def test_zlib_ratio() -> None:
    text = "A woman in Paris. " * 4
    assert zlib_ratio([-1.0, -3.0], text) == pytest.approx(-2.0 / len(zlib.compress(text.encode())))
    assert zlib_ratio([], text) is None


def test_min_k_rounds_down_to_at_least_one() -> None:
    assert min_k([-1.0, -2.0, -3.0, -4.0], 0.4) == -4.0  # 1.6 tokens
    assert min_k([-1.0, -2.0], 0.1) == -2.0


def test_min_k_plus_plus() -> None:
    logprobs, means, variances = [-4.0, -1.0, -2.0], [-2.0, -1.0, -1.0], [4.0, 1.0, 0.25]
    # In standard deviations: -1, 0, -2.
    assert min_k_plus_plus(logprobs, means, variances, 0.4) == pytest.approx(-2.0)
    assert min_k_plus_plus(logprobs, means, variances, 0.7) == pytest.approx(-1.5)
    assert min_k_plus_plus([-3.0], [0.0], [0.0]) == 0.0  # a certain position says nothing
    assert min_k_plus_plus([], [], []) is None


def test_memorisation() -> None:
    assert exact_memorisation([True, False, True, True]) == 0.75
    assert extraction_strength([True, False, True, True]) == 0.5
    assert extraction_strength([True, True]) == 1.0
    assert extraction_strength([True, True, False]) == 0.0
    assert exact_memorisation([]) is None
    assert extraction_strength([]) is None


@pytest.mark.parametrize("best", [[True, False, False, True], [False, True, True, True, True], [True]])
def test_extraction_strength_is_the_shortest_beginning(best: list[bool]) -> None:
    n = len(best)
    shortest = next(k for k in range(n + 1) if all(best[k:]))
    assert extraction_strength(best) == pytest.approx(1 - shortest / n)
