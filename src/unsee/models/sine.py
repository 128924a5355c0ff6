"""Weights W + sin(D): a change that no entry can carry beyond one (SineProject, arXiv 2511.18444).

W stays as it is and D alone is trained, in float32 whatever the type of W. D starts near zero, so that the
model starts as the base. Setting D to zero gives back the base exactly, which is how such a change is
switched off; written into the weights it is an ordinary edit.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

ANGLE = ".parametrizations.weight.0.angle"
SPREAD = 1e-4  # standard deviation of D at the start


class Sine(nn.Module):
    """The parametrisation of one weight."""

    def __init__(self, angle: Tensor) -> None:
        super().__init__()
        self.angle = nn.Parameter(angle)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight that the layer uses, in the type of W."""
        return (weight.float() + torch.sin(self.angle)).to(weight.dtype)


def add_sine(layer: nn.Linear, generator: torch.Generator) -> Tensor:
    """Puts a sine on a layer's weight, starting at random near zero, and returns D, (out, in) float32."""
    start = torch.randn(layer.weight.shape, generator=generator) * SPREAD
    layer.weight.requires_grad_(False)
    sine = Sine(start.to(layer.weight.device))
    parametrize.register_parametrization(layer, "weight", sine)
    return sine.angle


def sine_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers with a sine on their weight, by path."""
    for path, module in list(model.named_modules()):
        if parametrize.is_parametrized(module, "weight"):
            yield path, module


def take_sines_out(model: nn.Module, *, keep_change: bool) -> None:
    """Plain layers again, with W + sin(D) or with W as their weight."""
    for _, layer in sine_layers(model):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=keep_change)


def weight_under(name: str) -> str:
    """The weight that a D changes, by parameter names; any other name stays what it is."""
    return f"{name.removesuffix(ANGLE)}.weight" if name.endswith(ANGLE) else name
