"""Frozen vision: encode every picture once and never again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.nouns import Picture, UserError
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating
from unsee.packs.vision import encode_pictures, takes_features


class FeatureCache:
    """Features of pictures after vision tower and projector, kept on the model's device.

    Entries are keyed by picture, weights of tower and projector, and dtype: changed weights miss.
    Families whose forward does not take ready features leave the cache unused (``usable`` is False) and
    encode inside the forward pass.

    Args:
        vlm: The model whose vision part is frozen.

    Raises:
        UserError: The tower or the projector trains, or carries an adapter: cached features would be stale.
    """

    def __init__(self, vlm: VLM) -> None:
        self.usable = takes_features(vlm)
        self._kept: dict[tuple[str, str, torch.dtype], Tensor] = {}
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._tower = ""
        self._check_frozen(vlm)

    def __len__(self) -> int:
        return len(self._kept)

    def features(self, vlm: VLM, pictures: Sequence[Picture], *, cost: Cost | None = None) -> list[Tensor]:
        """One (I, D) tensor per picture, without gradient; unknown pictures are encoded together.

        Raises:
            UserError: As for the class.
        """
        self._check_frozen(vlm)
        tower = self._tower_hash(vlm)
        new = {p.hash: p for p in pictures if (p.hash, tower, vlm.dtype) not in self._kept}
        if new:
            with torch.no_grad(), evaluating(vlm.base):
                encoded = encode_pictures(vlm, list(new.values()), cost=cost)
            for key, value in zip(new, encoded, strict=True):
                self._kept[key, tower, vlm.dtype] = value.detach().clone()
        return [self._kept[p.hash, tower, vlm.dtype] for p in pictures]

    def _check_frozen(self, vlm: VLM) -> None:
        for module in _vision_parts(vlm):
            bad = [name for name, weight in module.named_parameters() if weight.requires_grad]
            bad += [name for name, _ in module.named_parameters() if "lora_" in name]
            if bad:
                raise UserError(
                    "vision features cannot be cached: the vision part changes",
                    got=bad[0],
                    expected="a frozen vision tower and projector without adapter",
                    remedy="leave the feature cache off, or take vision and projector out of the scope",
                )

    def _tower_hash(self, vlm: VLM) -> str:
        """Sha256 of the vision weights, computed again only when a weight was replaced or written to."""
        weights = [weight for module in _vision_parts(vlm) for weight in module.parameters()]
        stamp = tuple((weight.data_ptr(), weight._version) for weight in weights)
        if stamp != self._stamp:
            digest = hashlib.sha256()
            for weight in weights:
                digest.update(weight.detach().contiguous().cpu().view(torch.uint8).numpy().tobytes())
            self._stamp, self._tower = stamp, digest.hexdigest()
        return self._tower


def _vision_parts(vlm: VLM) -> list[nn.Module]:
    base: Any = vlm.base
    return [base.get_submodule(path) for path in (vlm.roles.vision, *vlm.roles.projector)]
