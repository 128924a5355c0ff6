"""The adapter that the training comparisons train."""

from __future__ import annotations

import torch

from unsee.models.adapters import attach
from unsee.models.load import VLM
from unsee.models.scopes import Scope


def with_adapter(vlm: VLM, *, seed: int = 1) -> VLM:
    """The model with a LoRA adapter on the decoder whose both factors are random.

    A fresh adapter changes nothing and half of its gradient is zero; the comparison should see all of it, and
    a student that differs from the reference.
    """
    adapted = attach(vlm, Scope(("language",)), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.02)
    adapted.model.train()
    return adapted
