"""Whether activations are computed again in the backward pass: only where they would not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from unsee.models.load import VLM
from unsee.packs.cost import Cost
from unsee.packs.rows import Row
from unsee.training.memory import activations
from unsee.training.settings import TrainSettings

# The share of the free memory that activations may take; logits and gradients need the rest.
SHARE = 0.7
GIB = 2**30


def checkpoints_activations(vlm: VLM, settings: TrainSettings, rows: Sequence[Row], cost: Cost) -> bool:
    """Whether activations are computed again; the receipt notes it and why. See :func:`choose`."""
    chosen = choose(vlm, settings, rows)
    cost.notes["checkpointing"] = f"{'on' if chosen.on else 'off'}: {chosen.reason}"
    return chosen.on


class Choice(NamedTuple):
    """Whether to compute activations again, and why."""

    on: bool
    reason: str


def choose(vlm: VLM, settings: TrainSettings, rows: Sequence[Row]) -> Choice:
    """What the settings say; without a word of theirs, what the memory of the GPU allows.

    Args:
        vlm: The model with its adapter attached.
        settings: Of the training.
        rows: The rows that are trained on.
    """
    if settings.checkpointing is not None:
        return Choice(settings.checkpointing, "as set")
    if vlm.device.type != "cuda":
        return Choice(False, "only where memory is that of a GPU")
    return by_memory(vlm, settings, rows, torch.cuda.mem_get_info(vlm.device)[0])


def by_memory(vlm: VLM, settings: TrainSettings, rows: Sequence[Row], free: int) -> Choice:
    """The choice where ``free`` bytes are left; nothing random moves on."""
    tokens = min(settings.forward_tokens, sum(len(row.ids) for row in rows))
    devices = [vlm.device] if vlm.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        kept = activations(vlm, tokens)
    said = f"{kept / GIB:.2f} GiB of activations, {free / GIB:.2f} GiB free"
    return Choice(kept > SHARE * free, said)


def switch_checkpointing(vlm: VLM, *, on: bool) -> None:
    """Activation checkpointing under its present name, or under the one that older transformers know."""
    new = hasattr(vlm.base, "activation_checkpointing_enable")
    name = "activation_checkpointing" if new else "gradient_checkpointing"
    if on:
        getattr(vlm.base, f"{name}_enable")(**{f"{name}_kwargs": {"use_reentrant": False}})
    else:
        getattr(vlm.base, f"{name}_disable")()
