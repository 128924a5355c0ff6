"""Steering: a push along one direction per decoder layer, as strong as the prompt's last state says.

At the output of layer l, for every row of a pass, with h the state of the row's last prompt token there:

    push = strength * (h . gate_l) * direction_l

``reach`` says whose states are pushed. ``after``: the last prompt token's own and those of the answer tokens
that follow it, generated or given. No earlier state changes, so a row in a shared pack or batch is computed
as it is alone. ``before``: every prompt token's and no answer token's; earlier states then depend on the last
token, so each row needs a pack of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unsee.models.hooks import TENSORS, Follow, Hook, Passage, unfit, write_note
from unsee.models.load import VLM

Reach = Literal["after", "before"]
REACHES: tuple[Reach, ...] = ("after", "before")
NOBODY = -1


@dataclass(frozen=True)
class Push:
    """What happens at the output of one decoder layer.

    Attributes:
        gate: (D,) float32: a state's product with it says how much it is pushed.
        direction: (D,) float32: where to.
    """

    gate: Tensor
    direction: Tensor


@dataclass(frozen=True)
class Steering(Hook):
    """A hook that pushes hidden states.

    Attributes:
        pushes: By decoder layer, counted from 0.
        strength: Factor of every push.
        reach: Whose states are pushed.
    """

    pushes: Mapping[int, Push] = field(repr=False)
    strength: float = 1.0
    reach: Reach = "after"

    @property
    def name(self) -> str:
        """What it is called in records."""
        return "steering"

    @property
    def empty(self) -> bool:
        """Whether no layer can ever push."""
        strong = [p for p in self.pushes.values() if bool(p.gate.any()) and bool(p.direction.any())]
        return not strong or not self.strength

    @property
    def alone(self) -> bool:
        """Pushing earlier tokens by a later one's state needs a pack per row."""
        return self.reach == "before"

    def install(self, vlm: VLM) -> VLM:
        """The model, steered.

        Raises:
            UserError: A layer that the model does not have, or states of another width.
        """
        layers = len(vlm.base.get_submodule(vlm.roles.layers))
        width = int(vlm.base.get_input_embeddings().weight.shape[1])
        for layer, push in self.pushes.items():
            if not 0 <= layer < layers:
                raise unfit("the hook steers a decoder layer that the model lacks", layer, f"0..{layers - 1}")
            if push.gate.shape != (width,) or push.direction.shape != (width,):
                raise unfit("the hook steers states of another width", len(push.gate), f"{width}")
        return replace(vlm, hook=self)

    def remove(self, vlm: VLM) -> VLM:
        """The model without it."""
        return replace(vlm, hook=None)

    @contextmanager
    def at_work(self, vlm: VLM, passage: Passage) -> Iterator[Follow]:
        """Inside, the passage and the decoding steps that follow it are steered."""
        steered = _Steered(self, passage)
        blocks = vlm.base.get_submodule(vlm.roles.layers)
        handles = [blocks[layer].register_forward_hook(steered.at(layer)) for layer in self.pushes]
        try:
            yield steered.follow
        finally:
            for handle in handles:
                handle.remove()

    def save(self, folder: Path) -> None:
        """Write gates and directions, and the two settings."""
        tensors = {}
        for layer, push in self.pushes.items():
            tensors[f"{layer}.gate"] = push.gate.contiguous()
            tensors[f"{layer}.direction"] = push.direction.contiguous()
        save_file(tensors, folder / TENSORS, metadata={"format": "pt"})
        write_note(
            folder,
            {
                "kind": "steering",
                "strength": self.strength,
                "reach": self.reach,
                "layers": sorted(self.pushes),
            },
        )


class _Steered:
    """One pass: the pushes of its rows by layer, and which row pushes each of the present tokens."""

    def __init__(self, hook: Steering, passage: Passage) -> None:
        self.hook, self.asked = hook, passage.asked
        self.source = sources(passage, hook.reach)
        self.prefill = True
        self.made: dict[int, Tensor] = {}

    def follow(self, rows: Tensor) -> None:
        """From now on tokens are generated ones, each of the row given."""
        self.prefill = False
        self.source = rows if self.hook.reach == "after" else torch.full_like(rows, NOBODY)

    def at(self, layer: int) -> Callable[[nn.Module, Any, Any], Any]:
        """What to do with the output of a layer: (B, T, D), alone or first of a tuple."""

        def push(module: nn.Module, inputs: Any, output: Any) -> Any:
            states = output[0] if isinstance(output, tuple) else output
            if self.prefill:
                self.made[layer] = self._push(layer, states)
            moved = states + self.made[layer][self.source].to(states.dtype)
            return (moved, *output[1:]) if isinstance(output, tuple) else moved

        return push

    def _push(self, layer: int, states: Tensor) -> Tensor:
        """(R + 1, D) float32: the push of each row, and none for :data:`NOBODY`, the last."""
        found = self.hook.pushes[layer]
        last = states.flatten(0, -2)[self.asked].float()
        much = self.hook.strength * (last * found.gate.to(last.device)).sum(dim=1)
        pushes = much[:, None] * found.direction.to(last.device)
        return torch.cat([pushes, pushes.new_zeros(1, pushes.shape[1])])


def sources(passage: Passage, reach: Reach) -> Tensor:
    """(B, T) int64: the row whose push each token gets, :data:`NOBODY` for none.

    Rows that ask the same share their last prompt token and so their push; any of them will do.
    """
    packs, length, _ = passage.visible.shape
    pack, place = passage.asked // length, passage.asked % length
    reached = passage.visible[pack, :, place] if reach == "after" else passage.visible[pack, place]
    row, token = reached.nonzero(as_tuple=True)
    source = torch.full((packs, length), NOBODY, dtype=torch.long, device=row.device)
    source[pack[row], token] = row
    return source


def read(data: dict[str, Any], folder: Path) -> Steering:
    """The steering that ``save`` wrote."""
    tensors = load_file(str(folder / TENSORS))
    pushes = {
        int(layer): Push(tensors[f"{layer}.gate"], tensors[f"{layer}.direction"]) for layer in data["layers"]
    }
    return Steering(pushes, float(data["strength"]), REACHES[REACHES.index(data["reach"])])
