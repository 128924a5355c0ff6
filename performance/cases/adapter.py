"""The adapter that the training comparisons train, and the copied reference that peers hold."""

from __future__ import annotations

import copy
from typing import Any

import torch

from unsee.models.adapters import attach
from unsee.models.load import VLM
from unsee.models.scopes import Scope


def with_adapter(vlm: VLM, *, rank: int = 16, seed: int = 1) -> VLM:
    """The model with a LoRA adapter on the decoder whose both factors are random.

    A fresh adapter changes nothing and half of its gradient is zero; the comparison should see all of it, and
    a student that differs from the reference.
    """
    adapted = attach(vlm, Scope(("language",), rank=rank, alpha=2 * rank), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.02)
    adapted.model.train()
    return adapted


def copied(vlm: VLM) -> tuple[Any, int]:
    """A second model as the reference, as peers hold one, and its size in bytes."""
    other = copy.deepcopy(vlm.base).train()
    return other, sum(weight.nbytes for weight in other.parameters())
