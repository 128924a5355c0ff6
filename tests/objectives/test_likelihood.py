"""Likelihoods per token and per row, by hand and by loops."""

import math

import pytest
import torch

from tests.objectives import slow
from unsee.objectives import answer_nll, mean_by_row, sum_by_row, token_logp


def test_token_logp_by_hand():
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).log()
    found = token_logp(logits, torch.tensor([0, 2]))
    torch.testing.assert_close(found, torch.tensor([math.log(0.5), math.log(0.8)]))


def test_sum_and_mean_by_row():
    values = torch.tensor([1.0, 2.0, 3.0, 10.0])
    row = torch.tensor([0, 0, 0, 2])
    assert sum_by_row(values, row, 3).tolist() == [6, 0, 10]
    assert mean_by_row(values, row, 3).tolist() == [2, 0, 10]
    keep = torch.tensor([True, False, True, False])
    assert mean_by_row(values, row, 3, keep=keep).tolist() == [2, 0, 0]


def test_dropped_nan_does_no_harm():
    values = torch.tensor([1.0, torch.nan], requires_grad=True)
    mean = mean_by_row(values, torch.tensor([0, 0]), 1, keep=torch.tensor([True, False]))
    mean.sum().backward()
    assert mean.tolist() == [1]
    assert values.grad.tolist() == [1, 0]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_answer_nll_agrees_with_loops(reduction):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 11, generator=generator) * 3
    labels, row = torch.tensor([3, 0, 10, 5, 5]), torch.tensor([0, 0, 1, 1, 1])
    per_token = [slow.nll(x.double().tolist(), y) for x, y in zip(logits, labels.tolist(), strict=True)]
    expected = torch.tensor([sum(per_token[:2]), sum(per_token[2:])])
    if reduction == "mean":
        expected = expected / torch.tensor([2, 3])
    torch.testing.assert_close(answer_nll(logits, labels, row, 2, reduction=reduction), expected)
