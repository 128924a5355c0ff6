"""Blocks of positions give value and gradient of the whole, without tensors of its size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unsee.objectives.chunked import chunked_kl

N, D, V = 11, 6, 40


def inputs() -> tuple[Tensor, Tensor, torch.nn.Linear, torch.nn.Linear]:
    torch.manual_seed(0)
    hidden = torch.randn(N, D, requires_grad=True)
    return hidden, torch.randn(N, D), torch.nn.Linear(D, V), torch.nn.Linear(D, V)


def gradients(loss: Tensor, hidden: Tensor, head: torch.nn.Linear) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [hidden, head.weight, head.bias]))


@pytest.mark.parametrize("block", [1, 4, 11, 100])
def test_kl(block: int) -> None:
    hidden, reference, head, frozen = inputs()
    weights = torch.linspace(0.5, 2, N)
    log_q, log_p = torch.log_softmax(head(hidden), -1), torch.log_softmax(frozen(reference), -1).detach()
    expected = (log_p.exp() * (log_p - log_q)).sum(-1)
    found = chunked_kl(hidden, reference, head, frozen, block=block)
    torch.testing.assert_close(found, expected)
    whole = gradients((weights * expected).sum(), hidden, head)
    for a, b in zip(gradients((weights * found).sum(), hidden, head), whole, strict=True):
        torch.testing.assert_close(a, b)
    assert frozen.weight.grad is None


def test_no_more_than_a_block_goes_through_the_head() -> None:
    hidden, reference, head, frozen = inputs()
    seen: list[int] = []

    def counted(states: Tensor) -> Tensor:
        seen.append(len(states))
        return head(states)

    chunked_kl(hidden, reference, counted, frozen, block=4).sum().backward()
    assert max(seen) == 4
    assert sum(seen) == 2 * N  # once forward, once again for the gradient
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        chunked_kl(hidden, reference, counted, frozen, block=4).sum()
    assert all(size < N * V for size in kept)
    assert not any(size == 4 * V for size in kept)


def test_without_gradient_nothing_is_computed_twice() -> None:
    hidden, reference, head, frozen = inputs()
    seen: list[int] = []

    def counted(states: Tensor) -> Tensor:
        seen.append(len(states))
        return head(states)

    with torch.no_grad():
        assert not chunked_kl(hidden, reference, counted, frozen, block=4).requires_grad
    assert seen == [4, 4, 3]


def test_no_position() -> None:
    _, _, head, frozen = inputs()
    empty = torch.zeros(0, D)
    assert chunked_kl(empty, empty, head, frozen).shape == (0,)
