"""What an adapter or a training has changed, weight by weight."""

from __future__ import annotations

import torch
from torch import Tensor

from unsee.models.attach import ADAPTER
from unsee.models.load import VLM


@torch.no_grad()
def weight_changes(vlm: VLM) -> dict[str, Tensor]:
    """The change of each weight, by its name in the plain model: float32 on the CPU, shapes of the weights.

    Args:
        vlm: A model with a LoRA adapter or fully trained weights.
    """
    if vlm.originals:
        now = dict(vlm.model.named_parameters())
        return {name: (now[name] - old).float().cpu() for name, old in vlm.originals.items()}
    return {
        f"{path}.weight": module.get_delta_weight(ADAPTER).float().cpu()
        for path, module in vlm.base.named_modules()
        if hasattr(module, "lora_A") and ADAPTER in module.lora_A
    }
