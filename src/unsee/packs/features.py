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


class FeatureStore:
    """Features of pictures after vision tower and projector, for as long as no weight changes.

    Families whose forward does not take ready features leave the store unused (``usable`` is False) and
    encode inside the forward pass.
    """

    def __init__(self, vlm: VLM) -> None:
        self.usable = takes_features(vlm)
        self._kept: dict[tuple[str, ...], Tensor] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def features(self, vlm: VLM, pictures: Sequence[Picture], *, cost: Cost | None = None) -> list[Tensor]:
        """One (I, D) tensor per picture, without gradient; unknown pictures are encoded together."""
        weights = self.weights_key(vlm)
        new = {p.hash: p for p in pictures if (p.hash, *weights) not in self._kept}
        if new:
            with torch.no_grad(), evaluating(vlm.base):
                encoded = encode_pictures(vlm, list(new.values()), cost=cost)
            for key, value in zip(new, encoded, strict=True):
                # A copy of its own: a view would keep the features of the whole call alive.
                self._kept[key, *weights] = value.detach().clone()
        return [self._kept[p.hash, *weights] for p in pictures]

    def drop(self, picture: Picture) -> None:
        """Free the features of a picture that is not needed again."""
        for key in [key for key in self._kept if key[0] == picture.hash]:
            del self._kept[key]

    def weights_key(self, vlm: VLM) -> tuple[str, ...]:
        """What entries depend on besides the picture; nothing here, since no weight may change."""
        return ()


class FeatureCache(FeatureStore):
    """Features of pictures while the rest of the model trains: vision tower and projector must be frozen.

    Entries are keyed by picture, weights of tower and projector, and dtype: changed weights miss.

    Args:
        vlm: The model whose vision part is frozen.

    Raises:
        UserError: The tower or the projector trains, or carries an adapter: cached features would be stale.
    """

    def __init__(self, vlm: VLM) -> None:
        super().__init__(vlm)
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._tower = ""
        self.weights_key(vlm)

    def weights_key(self, vlm: VLM) -> tuple[str, ...]:
        """Hash of the vision weights and dtype.

        Raises:
            UserError: As for the class.
        """
        parts = _vision_parts(vlm)
        for module in parts:
            _check_frozen(module)
        weights = [weight for module in parts for weight in module.parameters()]
        # Hashing every weight each time would be slow: only when one was replaced or written to.
        stamp = tuple((weight.data_ptr(), weight._version) for weight in weights)
        if stamp != self._stamp:
            digest = hashlib.sha256()
            for weight in weights:
                digest.update(weight.detach().contiguous().cpu().view(-1).view(torch.uint8).numpy().tobytes())
            self._stamp, self._tower = stamp, digest.hexdigest()
        return self._tower, str(vlm.dtype)


def _check_frozen(module: nn.Module) -> None:
    for name, weight in module.named_parameters():
        if weight.requires_grad or "lora_" in name:
            raise UserError(
                "vision features cannot be cached: the vision part changes",
                got=name,
                expected="a frozen vision tower and projector without adapter",
                remedy="leave the feature cache off, or take vision and projector out of the scope",
            )


def _vision_parts(vlm: VLM) -> list[nn.Module]:
    base: Any = vlm.base
    return [base.get_submodule(path) for path in (vlm.roles.vision, *vlm.roles.projector)]
