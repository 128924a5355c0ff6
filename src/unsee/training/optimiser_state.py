"""The state of an optimiser as named tensors, for checkpoints in safetensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

PREFIX = "optimiser"


def state_tensors(optim: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimiser keeps of each weight, as ``optimiser/NUMBER/WHAT``."""
    state = optim.state_dict()["state"]
    return {f"{PREFIX}/{i}/{what}": value for i, kept in state.items() for what, value in kept.items()}


def load_state_tensors(optim: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Gives an optimiser of the same weights what :func:`state_tensors` told; other tensors are ignored."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{PREFIX}/"):
            _, number, what = key.split("/")
            state.setdefault(int(number), {})[what] = value
    optim.load_state_dict({"state": state, "param_groups": optim.state_dict()["param_groups"]})
