"""Statistics of the target by weight and by neuron, for methods that locate before they change.

Gradients are read one parameter at a time, while the backward pass runs, and freed at once, so a second
gradient copy of the model is never held. What is held are float32 sums of the parameters asked for; callers
go through a large model in :func:`chunks`. Squares are formed in float32: in float16 the square of a gradient
below 2.4e-4 is subnormal or zero, and a ratio of such squares is noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unsee.methods.context import Context
from unsee.models.load import VLM
from unsee.models.scopes import part_holds
from unsee.nouns import Example, UserError
from unsee.objectives import answer_nll
from unsee.packs.families import evaluating
from unsee.packs.pack import Batch
from unsee.packs.tokens import TokenTable

RowLoss = Callable[[TokenTable], Tensor]
Take = Callable[[str, Tensor], None]
Positions = Literal["answer", "all"]
Site = Literal["input", "output"]

CHUNK_BYTES = 2**32  # of float32 sums held at a time
HALF_BITS = 2**16


def answer_loss(table: TokenTable) -> Tensor:
    """Mean negative log-likelihood of each row's answer: (R,)."""
    return answer_nll(table.logits, table.labels, table.row, len(table.rows))


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
    model, roles = context.vlm.model, context.vlm.roles
    parameters = dict(model.named_parameters())
    asked = {name: parameter.requires_grad for name, parameter in parameters.items()}
    visual = any(roles.role_of(name).startswith(("vision", "projector")) for name in names)

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


def top_share(scores: Mapping[str, float], share: float) -> tuple[str, ...]:
    """Names with the largest scores, at least one; equal scores in the order given."""
    count = max(1, round(share * len(scores)))
    best = sorted(scores, key=lambda name: -scores[name])[:count]
    return tuple(name for name in scores if name in set(best))


# --- activations -------------------------------------------------------------------------------------------


@dataclass
class Moments:
    """Running sums over positions of the values of F neurons.

    Attributes:
        count: Positions seen.
        absolute: (F,) sum of |z|, float64 on the CPU, as the others.
        total: (F,) sum of z.
        square: (F,) sum of z squared.
        active: (F,) positions with |z| above the threshold.
    """

    count: int
    absolute: Tensor
    total: Tensor
    square: Tensor
    active: Tensor

    @classmethod
    def empty(cls, neurons: int) -> Moments:
        """Nothing seen yet."""
        return cls(0, *(torch.zeros(neurons, dtype=torch.float64) for _ in range(4)))

    def add(
        self,
        values: Tensor,  # (n, F)
        threshold: float,
    ) -> None:
        """Adds positions."""
        z = values.detach().float()
        self.count += len(z)
        self.absolute += z.abs().sum(0).double().cpu()
        self.total += z.sum(0).double().cpu()
        self.square += z.square().sum(0).double().cpu()
        self.active += (z.abs() > threshold).sum(0).double().cpu()

    @property
    def mean_absolute(self) -> Tensor:
        """(F,) mean of |z|; 0 when nothing was seen."""
        return self.absolute / max(self.count, 1)

    @property
    def frequency(self) -> Tensor:
        """(F,) share of positions with |z| above the threshold."""
        return self.active / max(self.count, 1)

    @property
    def mean_square(self) -> Tensor:
        """(F,) mean of z squared."""
        return self.square / max(self.count, 1)

    @property
    def variance(self) -> Tensor:
        """(F,) variance of z over positions."""
        return (self.mean_square - (self.total / max(self.count, 1)).square()).clamp(min=0)


def mlp_layers(vlm: VLM, parts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Paths of the linear layers of each MLP in these parts, by role such as ``language.mlp[3]``.

    The last path is the layer that closes the MLP: its inputs are the neurons (``down_proj``, ``fc2``), its
    outputs go to the residual stream. The others feed the neurons.

    Raises:
        UserError: An MLP is not made of linear layers that open to neurons and close again.
    """
    found: dict[str, list[str]] = {}
    for path, module in vlm.base.named_modules():
        role = vlm.roles.role_of(path) if isinstance(module, nn.Linear) else ""
        if ".mlp[" in role and any(part_holds(part, role) for part in parts):
            found.setdefault(role, []).append(path)
    for role, paths in found.items():
        *opening, closing = (vlm.base.get_submodule(path) for path in paths)
        neurons, width = closing.in_features, closing.out_features
        if not opening or any((m.in_features, m.out_features) != (width, neurons) for m in opening):
            raise _refusal(role, ", ".join(paths))
    if not found:
        raise _refusal(" and ".join(parts), "none")
    return {role: tuple(paths) for role, paths in found.items()}


def _refusal(role: str, got: str) -> UserError:
    return UserError(
        "the neurons of an MLP cannot be told",
        got=f"linear layers of {role}: {got}",
        expected="layers from the residual stream to the neurons and one back",
        remedy="choose a method that trains, or another part of the model",
    )


def activation_moments(
    context: Context,
    examples: Sequence[Example],
    paths: Sequence[str],
    *,
    site: Site = "input",
    positions: Positions = "answer",
    threshold: float = 0.0,
) -> dict[str, Moments]:
    """Moments of what goes into or comes out of linear layers, by path.

    Args:
        context: The target and its rows.
        examples: Rows, each counted in full: what rows share counts once for each of them.
        paths: Linear layers, of the decoder or the vision tower.
        site: The layer's input or its output.
        positions: Of the decoder, ``answer`` takes the positions that predict answer tokens and ``all`` the
            whole row. Of the vision tower all positions count.
        threshold: |z| above which a neuron counts as active.
    """
    vlm, roles = context.vlm, context.vlm.roles
    visual = {path for path in paths if roles.role_of(path).startswith("vision")}
    modules = {path: vlm.base.get_submodule(path) for path in paths}
    moments = {
        path: Moments.empty(m.in_features if site == "input" else m.out_features)
        for path, m in modules.items()
    }
    plain = replace(context, features=None) if visual else context
    now: list[Batch] = []

    def note(path: str, value: Tensor) -> None:
        values = value.reshape(-1, value.shape[-1])
        if path not in visual and positions == "answer":
            values = values[now[-1].where]
        moments[path].add(values, threshold)

    alone = bool(visual) or positions == "all"
    with _watching(modules, site, note), evaluating(vlm.model), torch.no_grad():
        for batch in plain.batches(examples, one_by_one=alone):
            now[:] = [batch]
            plain.table(batch)
    return moments


@contextmanager
def _watching(modules: Mapping[str, nn.Module], site: Site, note: Take) -> Iterator[None]:
    """Inside, every forward pass notes the inputs or outputs of these modules."""

    def hear(path: str) -> Callable[..., None]:
        def run(module: nn.Module, inputs: tuple[Tensor, ...], output: Any = None) -> None:
            note(path, inputs[0] if site == "input" else output)

        return run

    handles = [
        module.register_forward_pre_hook(hear(path))
        if site == "input"
        else module.register_forward_hook(hear(path))
        for path, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
