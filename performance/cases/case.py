"""What a comparison is made of, and the check that both sides did the same work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.cost import Cost

# Largest relative difference in float32: the two layouts add up the same numbers in another order.
TOLERANCE = 1e-5


class Unequal(AssertionError):
    """The two sides of a comparison did not do the same work, so their times mean nothing."""


@dataclass(frozen=True)
class Step:
    """The outcome of a training step: its loss and the gradient of every trained weight."""

    loss: float
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class Replies:
    """The outcome of answering: the tokens of each reply."""

    tokens: tuple[tuple[int, ...], ...]


Outcome = Step | Replies


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: T1, E1 ...
        title: What is compared, in one line.
        peer_title: The layout it is compared with.
        vlm: The model both sides run on.
        ours: Does the work on picture number n, and adds to the receipt.
        peer: Does the same work on the same picture in the other layout.
        labelled_rows: Positions whose logits the work needs; None where it depends on the replies.
    """

    name: str
    title: str
    peer_title: str
    vlm: VLM
    ours: Callable[[int, Cost], Outcome]
    peer: Callable[[int], Outcome]
    labelled_rows: int | None = None


def step_of(vlm: VLM, loss: Tensor) -> Step:
    """The loss with its gradients, from one backward pass."""
    trained = {name: weight for name, weight in vlm.model.named_parameters() if weight.requires_grad}
    gradients = torch.autograd.grad(loss, list(trained.values()))
    return Step(loss.item(), dict(zip(trained, gradients, strict=True)))


def check_equal(ours: Outcome, peer: Outcome) -> dict[str, float]:
    """Figures that show both outcomes to be the same.

    Raises:
        Unequal: They are not, or they are so uniform that equality would show nothing.
    """
    if isinstance(ours, Step) and isinstance(peer, Step):
        return _same_step(ours, peer)
    assert isinstance(ours, Replies), type(ours)
    assert isinstance(peer, Replies), type(peer)
    return _same_replies(ours, peer)


def _same_step(ours: Step, peer: Step) -> dict[str, float]:
    if ours.gradients.keys() != peer.gradients.keys():
        raise Unequal(f"gradients of {sorted(ours.gradients.keys() ^ peer.gradients.keys())[:3]}")
    left, right = (torch.cat([g.flatten() for _, g in sorted(s.gradients.items())]) for s in (ours, peer))
    norm = float(right.norm())
    if not norm > 0:
        raise Unequal("the gradient is zero")
    figures = {
        "loss_difference": abs(ours.loss - peer.loss) / abs(peer.loss),
        "gradient_difference": float((left - right).norm()) / norm,
    }
    for name, value in figures.items():
        if not value <= TOLERANCE:
            raise Unequal(f"{name} is {value:.2g}, more than {TOLERANCE:g}")
    return figures


def _same_replies(ours: Replies, peer: Replies) -> dict[str, float]:
    different = sum(a != b for a, b in zip(ours.tokens, peer.tokens, strict=True))
    distinct = len(set(peer.tokens))
    if different:
        raise Unequal(f"{different} of {len(peer.tokens)} replies differ")
    if distinct <= len(peer.tokens) // 2:
        raise Unequal(f"only {distinct} distinct replies to {len(peer.tokens)} questions")
    return {"different_replies": different, "distinct_replies": distinct}
