"""Gradient masks: only the chosen entries of the weights move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback

from unsee.methods.parts import Gate
from unsee.methods.schedules import Turn
from unsee.models.load import VLM

BOTH = frozenset({"forget", "retain"})


def on_device(gate: Gate, vlm: VLM) -> Gate:
    """The same gate with its masks beside the weights.

    Raises:
        AssertionError: A mask that belongs to no trained weight would do nothing.
    """
    trained = {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
    lost = sorted(gate.masks.keys() - trained.keys())
    assert not lost, f"masks of weights that are not trained: {lost[:3]}"
    return replace(gate, masks={name: mask.to(trained[name].device) for name, mask in gate.masks.items()})


def mask_gradients(model: nn.Module, gate: Gate, turn: Turn) -> None:
    """Set the gradient of closed entries to zero, when the acting side is gated."""
    acting = {side for side in BOTH if getattr(turn, side) is not None}
    if not acting & gate.sides:
        return
    assert acting <= gate.sides, "a gate on one side needs a schedule that gives each side its own steps"
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and name in gate.masks:
            parameter.grad.mul_(gate.masks[name])


class HoldMasked(TrainerCallback):  # type: ignore[misc]
    """Puts entries that are closed on both sides back after every step: weight decay must not move them."""

    def __init__(self, vlm: VLM, gate: Gate) -> None:
        self.vlm, self.gate = vlm, gate

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Restores the original values of closed entries."""
        if not self.gate.sides >= BOTH or not self.vlm.originals:
            return
        with torch.no_grad():
            for name, parameter in self.vlm.model.named_parameters():
                if name in self.gate.masks:
                    parameter.copy_(torch.where(self.gate.masks[name], parameter, self.vlm.originals[name]))
