"""Weights W + sin(D): a change that no entry can carry beyond one (SineProject, arXiv 2511.18444).

W stays as it is and D alone is trained, in float32 whatever the type of W. D starts near zero, so that the
model starts as the base. Setting D to zero gives back the base exactly, which is how such a change is
switched off; written into the weights it is an ordinary edit.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.nouns import UserError

ANGLE = ".sine_angle"
SPREAD = 1e-4  # standard deviation of D at the start


class SineLinear(nn.Linear):
    """A linear layer with a sine on its weight. ``weight`` is W, ``sine_angle`` is D, (out, in) float32."""

    sine_angle: nn.Parameter

    def changed_weight(self) -> Tensor:
        """W + sin(D) in the type of W: what the layer uses."""
        return (self.weight.float() + torch.sin(self.sine_angle)).to(self.weight.dtype)

    def forward(self, input: Tensor) -> Tensor:
        """As any linear layer, with the changed weight."""
        return functional.linear(input, self.changed_weight(), self.bias)


def add_sine(layer: nn.Module, generator: torch.Generator) -> Tensor:
    """Puts a sine on a linear layer, in place, and returns its D, random near zero.

    Raises:
        UserError: The layer is of another kind, such as a quantised one.
    """
    if type(layer) is not nn.Linear:
        raise UserError(
            "a sine needs a plain linear layer",
            got=type(layer).__name__,
            expected="Linear",
            remedy="load the model without quantisation",
        )
    start = torch.randn(layer.weight.shape, generator=generator) * SPREAD
    layer.weight.requires_grad_(False)
    layer.sine_angle = nn.Parameter(start.to(layer.weight.device))
    layer.__class__ = SineLinear
    return layer.sine_angle


def sine_layers(model: nn.Module) -> Iterator[tuple[str, SineLinear]]:
    """Layers with a sine on their weight, by path."""
    for path, module in list(model.named_modules()):
        if isinstance(module, SineLinear):
            yield path, module


@torch.no_grad()
def take_sines_out(model: nn.Module, *, keep_change: bool) -> None:
    """Plain layers again, with W + sin(D) or with W as their weight."""
    for _, layer in sine_layers(model):
        if keep_change:
            layer.weight.copy_(layer.changed_weight())
        del layer.sine_angle
        layer.__class__ = nn.Linear  # type: ignore[assignment]


def weight_under(name: str) -> str:
    """The weight that a D changes, by parameter names; any other name stays what it is."""
    return f"{name.removesuffix(ANGLE)}.weight" if name.endswith(ANGLE) else name
