"""Statistics of the target by neuron: running sums over positions, and which layers hold the neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unsee.methods.context import Context
from unsee.methods.statistics import is_visual
from unsee.models.load import VLM
from unsee.models.scopes import part_holds
from unsee.nouns import Example, UserError
from unsee.packs.families import evaluating
from unsee.packs.pack import Batch

Note = Callable[[str, Tensor], None]
Positions = Literal["answer", "all"]
Site = Literal["input", "output"]


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
        self.absolute += z.abs().sum(0).cpu().double()
        self.total += z.sum(0).cpu().double()
        self.square += z.square().sum(0).cpu().double()
        self.active += (z.abs() > threshold).sum(0).cpu().double()

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
    vlm = context.vlm
    visual = {path for path in paths if is_visual(vlm, path)}
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
def _watching(modules: Mapping[str, nn.Module], site: Site, note: Note) -> Iterator[None]:
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
