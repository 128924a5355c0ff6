"""Blocks of positions give value and gradient of the whole, without tensors of its size."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from unsee.objectives.chunked import Head, chunked_kl, chunked_logp

N, D, V = 11, 6, 40


def inputs() -> tuple[Tensor, Tensor, torch.nn.Linear, torch.nn.Linear]:
    torch.manual_seed(0)
    hidden = torch.randn(N, D, requires_grad=True)
    return hidden, torch.randn(N, D), torch.nn.Linear(D, V), torch.nn.Linear(D, V)


def gradients(loss: Tensor, hidden: Tensor, head: torch.nn.Linear) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [hidden, head.weight, head.bias]))


@pytest.mark.parametrize("block", [1, 2, 3])
def test_logp_by_hand(block: int) -> None:
    """Logits (0, ln 3), (0, 0) and (ln 4, 0): probabilities (1/4, 3/4), (1/2, 1/2) and (4/5, 1/5).

    The gradient of log p of a label is 1 at the label less the probabilities.
    """
    hidden = torch.tensor([[0.0, math.log(3)], [0.0, 0.0], [math.log(4), 0.0]], requires_grad=True)
    found = chunked_logp(hidden, torch.tensor([1, 0, 1]), torch.nn.Identity(), block=block)
    torch.testing.assert_close(found, torch.tensor([3 / 4, 1 / 2, 1 / 5]).log())
    (gradient,) = torch.autograd.grad((torch.tensor([1.0, 2.0, 10.0]) * found).sum(), [hidden])
    torch.testing.assert_close(gradient, torch.tensor([[-1 / 4, 1 / 4], [1.0, -1.0], [-8.0, 8.0]]))


@pytest.mark.parametrize("block", [1, 4, 11, 100])
def test_logp(block: int) -> None:
    hidden, _, head, _ = inputs()
    weights, labels = torch.linspace(0.5, 2, N), torch.randint(V, (N,))
    expected = torch.log_softmax(head(hidden), -1)[range(N), labels]
    found = chunked_logp(hidden, labels, head, block=block)
    torch.testing.assert_close(found, expected)
    whole = gradients((weights * expected).sum(), hidden, head)
    for a, b in zip(gradients((weights * found).sum(), hidden, head), whole, strict=True):
        torch.testing.assert_close(a, b)


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


KINDS = ("logp", "kl")


def run(kind: str, head: Head, hidden: Tensor, reference: Tensor, frozen: torch.nn.Linear) -> Tensor:
    if kind == "kl":
        return chunked_kl(hidden, reference, head, frozen, block=4)
    return chunked_logp(hidden, torch.arange(len(hidden)), head, block=4)


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_than_a_block_goes_through_the_head(kind: str) -> None:
    hidden, reference, head, frozen = inputs()
    seen: list[int] = []

    def counted(states: Tensor) -> Tensor:
        seen.append(len(states))
        return head(states)

    run(kind, counted, hidden, reference, frozen).sum().backward()
    assert max(seen) == 4
    assert sum(seen) == 2 * N  # once forward, once again for the gradient
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        run(kind, counted, hidden, reference, frozen).sum()
    assert all(size < N * V for size in kept)
    assert not any(size == 4 * V for size in kept)


@pytest.mark.parametrize("kind", KINDS)
def test_without_gradient_nothing_is_computed_twice(kind: str) -> None:
    hidden, reference, head, frozen = inputs()
    seen: list[int] = []

    def counted(states: Tensor) -> Tensor:
        seen.append(len(states))
        return head(states)

    with torch.no_grad():
        assert not run(kind, counted, hidden, reference, frozen).requires_grad
    assert seen == [4, 4, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_no_position(kind: str) -> None:
    _, _, head, frozen = inputs()
    empty = torch.zeros(0, D)
    assert run(kind, head, empty, empty, frozen).shape == (0,)
