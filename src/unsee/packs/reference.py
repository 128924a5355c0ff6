"""The reference inside a loss: what the model said before it was changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.packs.families import evaluating


@contextmanager
def as_target(vlm: VLM) -> Iterator[None]:
    """Inside, the model is the target, without gradient and dropout: its adapter is off, no second copy.

    Its logits are bit-identical to those of the target. After full fine-tuning "adapter off" puts the
    original weights in place (see ``VLM.adapter_off``).

    Raises:
        UserError: The model has no adapter, so that there is nothing to switch off.
    """
    if vlm.scope is None and vlm.model is vlm.base:
        raise UserError(
            "the reference cannot be had by switching the adapter off: there is no adapter",
            got=type(vlm.model).__name__,
            expected="a model with a LoRA adapter or a full-training scope",
            remedy="attach an adapter first (models.adapters.attach)",
        )
    with torch.no_grad(), vlm.adapter_off(), evaluating(vlm.model):
        yield
