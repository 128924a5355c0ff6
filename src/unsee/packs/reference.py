"""The reference inside a loss: what the model said before it was changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch
from unsee.packs.tokens import TokenTable, forward


@dataclass(frozen=True)
class AdapterOff:
    """The reference is the same model with its adapter off: no second copy, bit-identical to the target.

    After full fine-tuning "adapter off" puts the original weights in place (see ``VLM.adapter_off``).

    Attributes:
        cost: Counters to add to.
        features: Cached vision features.
        layers: Hidden states that the table shall hold (see ``packs.tokens.forward``).
    """

    cost: Cost | None = None
    features: FeatureStore | None = None
    layers: tuple[int, ...] = ()

    def __call__(self, vlm: VLM, batch: Batch) -> TokenTable:
        """The target's token table, without gradient.

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
            return forward(
                vlm, batch, cost=self.cost, features=self.features, layers=self.layers, reference=True
            )
