"""What a comparison is made of, and the check that both sides did the same work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.cost import Cost

# Largest difference in float32: the two layouts add up the same numbers in another order. Half precision
# rounds each of them, so there the differences are reported and nothing is refused.
TOLERANCE = 1e-5


class Unequal(AssertionError):
    """The two sides of a comparison did not do the same work, so their times mean nothing."""


@dataclass(frozen=True)
class Step:
    """The outcome of a training step: its loss and the gradient of every trained weight, or sums of them."""

    loss: float
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class Replies:
    """The outcome of answering: the tokens of each reply."""

    tokens: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Figures:
    """The outcome of scoring: figures of each question, such as the log-probability of each option.

    Attributes:
        values: One line per question.
        choice: Whether the largest figure of a line decides, so that it must be the same one on both sides.
    """

    values: tuple[tuple[float, ...], ...]
    choice: bool = True


Outcome = Step | Replies | Figures


def _nothing(number: int) -> None:
    """Most comparisons begin from nothing."""


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
        copies: Bytes of a second model that the peer holds beside the first.
        before: What an earlier step left behind for picture number n; neither counted nor timed.
    """

    name: str
    title: str
    peer_title: str
    vlm: VLM
    ours: Callable[[int, Cost], Outcome]
    peer: Callable[[int], Outcome]
    labelled_rows: int | None = None
    copies: int = 0
    before: Callable[[int], object] = _nothing

    def check_equal(self, ours: Outcome, peer: Outcome) -> dict[str, float]:
        """Figures that show both outcomes to be the same.

        Raises:
            Unequal: They are not, or they are so uniform that equality would show nothing.
        """
        return check_equal(ours, peer, strict=self.vlm.dtype == torch.float32)


def step_of(vlm: VLM, loss: Tensor) -> Step:
    """The loss with its gradients, from one backward pass."""
    trained = {name: weight for name, weight in vlm.model.named_parameters() if weight.requires_grad}
    gradients = torch.autograd.grad(loss, list(trained.values()))
    return Step(loss.item(), dict(zip(trained, gradients, strict=True)))


def check_equal(ours: Outcome, peer: Outcome, *, strict: bool = True) -> dict[str, float]:
    """Figures that show both outcomes to be the same; without ``strict`` differences are reported only.

    Raises:
        Unequal: They are not, or they are so uniform that equality would show nothing.
    """
    assert type(ours) is type(peer), (type(ours), type(peer))
    if isinstance(ours, Step) and isinstance(peer, Step):
        figures = _step_differences(ours, peer)
    elif isinstance(ours, Figures) and isinstance(peer, Figures):
        figures = _figure_differences(ours, peer)
    else:
        assert isinstance(ours, Replies), type(ours)
        assert isinstance(peer, Replies), type(peer)
        figures = _reply_differences(ours, peer)
    for name, value in figures.items():
        limit = TOLERANCE if name.endswith("_difference") else 0
        if strict and name.endswith(("_difference", "different")) and not value <= limit:
            raise Unequal(f"{name} is {value:.2g}, more than {limit:g}")
    return figures


def _step_differences(ours: Step, peer: Step) -> dict[str, float]:
    if ours.gradients.keys() != peer.gradients.keys():
        raise Unequal(f"gradients of {sorted(ours.gradients.keys() ^ peer.gradients.keys())[:3]}")
    left, right = (
        torch.cat([g.flatten().float() for _, g in sorted(s.gradients.items())]) for s in (ours, peer)
    )
    norm = float(right.norm())
    if not norm > 0:
        raise Unequal("the gradient is zero")
    return {
        "loss_difference": abs(ours.loss - peer.loss) / abs(peer.loss),
        "gradient_difference": float((left - right).norm()) / norm,
    }


def _reply_differences(ours: Replies, peer: Replies) -> dict[str, float]:
    distinct = len(set(peer.tokens))
    if distinct <= len(peer.tokens) // 2:
        raise Unequal(f"only {distinct} distinct replies to {len(peer.tokens)} questions")
    different = sum(a != b for a, b in zip(ours.tokens, peer.tokens, strict=True))
    return {"replies": len(peer.tokens), "replies_different": different, "replies_distinct": distinct}


def _figure_differences(ours: Figures, peer: Figures) -> dict[str, float]:
    """Differences are relative to the spread of the peer's figures, column by column for other figures."""
    left, right = (torch.tensor(side.values, dtype=torch.float64) for side in (ours, peer))
    if left.shape != right.shape:
        raise Unequal(f"{tuple(left.shape)} figures instead of {tuple(right.shape)}")
    if len(set(peer.values)) <= len(peer.values) // 2:
        raise Unequal(f"only {len(set(peer.values))} distinct lines for {len(peer.values)} questions")
    scale = right.abs().amax() if ours.choice else right.abs().amax(0).clamp(min=TOLERANCE)
    found = {"figure_difference": float(((left - right).abs() / scale).max())}
    if ours.choice:
        wrong = sum(_best(a) != _best(b) for a, b in zip(ours.values, peer.values, strict=True))
        found |= {"choices": len(peer.values), "choices_different": wrong}
    return found


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i])
