"""Statistics of the target by weight, for methods that locate before they change.

Gradients are read one parameter at a time, while the backward pass runs, and freed at once, so a second
gradient copy of the model is never held. What is held are float32 sums of the parameters asked for; callers
go through a large model in :func:`chunks`. Squares are formed in float32: in float16 the square of a gradient
below 1.7e-4 is zero, and a ratio of such squares is not a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from unsee.methods.context import Context
from unsee.models.attach import target_modules
from unsee.models.load import VLM
from unsee.nouns import Example, UserError
from unsee.objectives import answer_nll
from unsee.packs.families import evaluating
from unsee.packs.tokens import TokenTable

RowLoss = Callable[[TokenTable], Tensor]
Take = Callable[[str, Tensor], None]

CHUNK_BYTES = 2**32  # of float32 sums held at a time
HALF_BITS = 2**16


def answer_loss(table: TokenTable) -> Tensor:
    """Mean negative log-likelihood of each row's answer: (R,)."""
    return answer_nll(table.logits, table.labels, table.row, len(table.rows))


def is_visual(vlm: VLM, name: str) -> bool:
    """Whether a weight lies in front of the picture's features: in the vision tower or the projector."""
    return vlm.roles.role_of(name).startswith(("vision", "projector"))


def scope_weights(context: Context) -> list[str]:
    """Names of what may be selected: all weights of the scope, or with LoRA the matrices it would adapt."""
    vlm, scope = context.vlm, context.scope
    if not scope.full:
        return [f"{path}.weight" for path in target_modules(vlm, scope)]
    names = [name for name, _ in vlm.model.named_parameters()]
    return [name for name in names if scope.holds(vlm.roles.role_of(name), name)]


def shown_rows(context: Context, *roles: str) -> list[Example]:
    """The rows with these roles that have a picture."""
    return [example for example in context.of(*roles) if example.picture is not None]


def need_pictures(method: str, rows: Sequence[Example]) -> Sequence[Example]:
    """The forget rows of a method that compares pictures.

    Raises:
        UserError: There are none.
    """
    if not rows:
        raise UserError(
            f"{method} looks at what the concept's picture does inside the model.",
            got="no forget row with a picture",
            expected="at least one",
            remedy="give the picture with --image, or choose another method",
        )
    return rows


# --- gradients ---------------------------------------------------------------------------------------------


def mean_gradient(
    context: Context, examples: Sequence[Example], names: Sequence[str], loss: RowLoss = answer_loss
) -> dict[str, Tensor]:
    """Gradient of the mean loss over the rows, by parameter name: float32, zero where none arrives."""
    sums = _zeros(context.vlm, names)

    def add(name: str, gradient: Tensor) -> None:
        sums[name] += gradient.float()

    with _gradients(context, names, add) as plain:
        for batch in plain.batches(examples):
            (loss(plain.table(batch)).sum() / len(examples)).backward()  # type: ignore[no-untyped-call]
    return sums


def fisher(
    context: Context,
    examples: Sequence[Example],
    names: Sequence[str],
    *,
    rows: int = 1,
    loss: RowLoss = answer_loss,
) -> dict[str, Tensor]:
    """Mean squared gradient, by parameter name: float32, zero where no gradient arrives.

    Args:
        context: The target and its rows.
        examples: Rows to average over.
        names: Parameters.
        rows: Rows whose mean loss is differentiated before squaring; 1 is the empirical Fisher diagonal.
        loss: Loss of each row.
    """
    sums = _zeros(context.vlm, names)
    groups = [examples[start : start + rows] for start in range(0, len(examples), rows)]

    def add(name: str, gradient: Tensor) -> None:
        sums[name] += gradient.float().square() / len(groups)

    with _gradients(context, names, add) as plain:
        for group in groups:
            total = sum(loss(plain.table(batch)).sum() for batch in plain.batches(group))
            assert isinstance(total, Tensor)
            (total / len(group)).backward()  # type: ignore[no-untyped-call]
    return sums


def chunks(vlm: VLM, names: Sequence[str], max_bytes: int = CHUNK_BYTES) -> Iterator[list[str]]:
    """The names in order, cut so that float32 sums of each part fit into ``max_bytes``."""
    parameters = dict(vlm.model.named_parameters())
    part: list[str] = []
    size = 0
    for name in names:
        bytes_ = 4 * parameters[name].numel()
        if part and size + bytes_ > max_bytes:
            yield part
            part, size = [], 0
        part.append(name)
        size += bytes_
    if part:
        yield part


def _zeros(vlm: VLM, names: Sequence[str]) -> dict[str, Tensor]:
    parameters = dict(vlm.model.named_parameters())
    return {name: torch.zeros_like(parameters[name], dtype=torch.float32) for name in names}


@contextmanager
def _gradients(context: Context, names: Sequence[str], take: Take) -> Iterator[Context]:
    """Inside, a backward pass hands the gradient of each named parameter to ``take`` and frees it.

    The context handed out encodes pictures anew when a named weight lies in front of their features.
    """
    model = context.vlm.model
    parameters = dict(model.named_parameters())
    asked = {name: parameter.requires_grad for name, parameter in parameters.items()}
    visual = any(is_visual(context.vlm, name) for name in names)

    def hand_over(name: str) -> Callable[[Tensor], None]:
        def run(parameter: Tensor) -> None:
            assert parameter.grad is not None, name
            take(name, parameter.grad)
            parameter.grad = None

        return run

    wanted = set(names)
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in wanted)
    handles = [parameters[name].register_post_accumulate_grad_hook(hand_over(name)) for name in names]
    try:
        with evaluating(model), torch.enable_grad():
            yield replace(context, features=None) if visual else context
    finally:
        for handle in handles:
            handle.remove()
        for name, parameter in parameters.items():
            parameter.requires_grad_(asked[name])


# --- selection ---------------------------------------------------------------------------------------------


def kth_largest(scores: Iterable[Tensor], k: int) -> float:
    """The k-th largest value of all tensors together, exact, without joining or sorting them.

    Non-negative float32 numbers are ordered as their bit patterns: two histograms of 65,536 bins, over the
    upper and then the lower half of the bits, find the value.

    Args:
        scores: Non-negative finite float32 tensors, gone through twice.
        k: Counted from 1.
    """
    found = list(scores)
    assert 1 <= k <= sum(t.numel() for t in found), k
    patterns = [t.detach().reshape(-1).contiguous().view(torch.int32) for t in found]
    upper = sum(torch.bincount(p >> 16, minlength=HALF_BITS).cpu() for p in patterns)
    assert isinstance(upper, Tensor)
    high, k = _bin_of(upper, k)
    lower = sum(
        torch.bincount(p[p >> 16 == high] & (HALF_BITS - 1), minlength=HALF_BITS).cpu() for p in patterns
    )
    assert isinstance(lower, Tensor)
    low, _ = _bin_of(lower, k)
    return float(torch.tensor(high * HALF_BITS + low, dtype=torch.int32).view(torch.float32))


def _bin_of(counts: Tensor, k: int) -> tuple[int, int]:
    """The bin that holds the k-th largest, and its place in that bin."""
    above = counts.flip(0).cumsum(0).flip(0)  # entries in this bin or a higher one
    found = int((above >= k).nonzero()[-1])
    return found, k - int(above[found] - counts[found])


def share_between(method: str, share: float) -> float:
    """The value of a knob ``share``.

    Raises:
        UserError: It is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise UserError(
            f"The value of {method}'s knob share is not accepted.",
            got=share,
            expected="a number above 0, at most 1",
            remedy=f"see: unsee list methods {method}",
        )
    return share


def top_share(scores: Mapping[str, float], share: float) -> tuple[str, ...]:
    """Names with the largest scores, at least one; equal scores in the order given."""
    count = max(1, round(share * len(scores)))
    best = sorted(scores, key=lambda name: -scores[name])[:count]
    return tuple(name for name in scores if name in set(best))
