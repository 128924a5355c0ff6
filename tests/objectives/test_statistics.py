"""Figures per position against python loops over the whole vocabulary."""

from __future__ import annotations

import math

import pytest
import torch

from unsee.objectives import statistics


def by_hand(line: list[float], label: int) -> tuple[float, float, bool, float, float]:
    total = math.fsum(math.exp(x) for x in line)
    log_p = [x - math.log(total) for x in line]
    mean = math.fsum(math.exp(x) * x for x in log_p)
    variance = math.fsum(math.exp(x) * (x - mean) ** 2 for x in log_p)
    return log_p[label], max(log_p), log_p[label] >= max(log_p), mean, variance


@pytest.mark.parametrize("block", [1, 3, 100])
def test_figures_equal_loops(block: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn((7, 11), generator=generator)
    labels = torch.tensor([0, 3, 10, 5, 5, 1, int(logits[6].argmax())])
    found = statistics(logits, labels, block=block)
    for n in range(7):
        logp, top, best, mean, variance = by_hand(logits[n].tolist(), int(labels[n]))
        assert found.logp[n].item() == pytest.approx(logp, abs=1e-5)
        assert found.top[n].item() == pytest.approx(top, abs=1e-5)
        assert bool(found.best[n]) == best
        assert found.mean[n].item() == pytest.approx(mean, abs=1e-5)
        assert found.variance[n].item() == pytest.approx(variance, rel=1e-4)
    assert found.best.sum() >= 1


def test_two_tokens_by_hand() -> None:
    found = statistics(torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([0]))
    low, high = math.log(0.25), math.log(0.75)
    mean = 0.25 * low + 0.75 * high
    assert found.logp.item() == pytest.approx(low)
    assert found.mean.item() == pytest.approx(mean)
    assert found.variance.item() == pytest.approx(0.25 * (low - mean) ** 2 + 0.75 * (high - mean) ** 2)


def test_excluded_tokens_take_no_part() -> None:
    logits = torch.tensor([[0.0, 0.0, -torch.inf]])
    found = statistics(logits, torch.tensor([1]))
    assert found.mean.item() == pytest.approx(-math.log(2))
    assert found.variance.item() == pytest.approx(0.0, abs=1e-12)
    assert bool(found.best)  # two tokens are equally likely: none is likelier


def test_half_precision_is_computed_in_full() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    exact, rounded = (statistics(x, torch.tensor([1])) for x in (logits, logits.bfloat16()))
    assert rounded.mean.dtype == torch.float32
    torch.testing.assert_close(rounded.variance, exact.variance)
