"""Losses on hidden states: how far a state is from where it should be. D is the model's width."""

from __future__ import annotations

import torch
from torch import Tensor

from unsee.objectives.likelihood import Reduction


def state_error(
    states: Tensor,  # (N, D) of the student, any float dtype
    target: Tensor,  # (N, D) or (D,), frozen
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """Squared error of each state, as a mean (or sum) over its D entries, float32: (N,)."""
    error = (states.float() - target.detach().float()) ** 2
    return error.mean(-1) if reduction == "mean" else error.sum(-1)


def random_direction(width: int, seed: int, *, positive: bool = False) -> Tensor:
    """A random unit vector: (width,) float32 on the CPU, the same for the same seed.

    Args:
        width: D.
        seed: Of the vector.
        positive: Draw every entry from [0, 1), as RMU does (WMDP, arXiv 2403.03218): all such vectors point
            into one corner of the space. Else every direction is equally likely.
    """
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand if positive else torch.randn
    vector: Tensor = draw(width, generator=generator)
    return torch.nn.functional.normalize(vector, dim=0)


def scaled_direction(
    direction: Tensor,  # (D,) unit vector
    length: float,
    states: Tensor | None = None,  # (N, D) of the target
) -> Tensor:
    """``length`` times the direction: (D,), or, with states, ``length`` times each state's norm: (N, D).

    The second form adapts the step to the layer (Adaptive RMU, arXiv 2408.06223).
    """
    if states is None:
        return length * direction
    norms: Tensor = torch.linalg.vector_norm(states.detach().float(), dim=-1, keepdim=True)
    return length * norms * direction.to(norms.device)
