"""What an adapter or a training has changed, weight by weight."""

from __future__ import annotations

import torch
from torch import Tensor

from unsee.models.attach import ADAPTER, edited_weights
from unsee.models.load import VLM


@torch.no_grad()
def weight_changes(vlm: VLM) -> dict[str, Tensor]:
    """The change of each weight, by its name in the plain model: float32 on the CPU, shapes of the weights.

    Args:
        vlm: A model with a LoRA adapter, weights trained as such, or both.
    """
    plain = dict(vlm.base.named_parameters())
    edits = {
        # Under a sine the weight itself is the old one.
        name: (now - vlm.originals.get(name, plain[name])).float().cpu()
        for name, now in edited_weights(vlm).items()
    }
    adapter = {
        f"{path}.weight": module.get_delta_weight(ADAPTER).float().cpu()
        for path, module in vlm.base.named_modules()
        if hasattr(module, "lora_A") and ADAPTER in module.lora_A
    }
    return edits | adapter
