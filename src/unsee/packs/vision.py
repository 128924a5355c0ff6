"""Pictures as model inputs: pixels for the stock path, features for the shared one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.cost import Cost

# Families whose forward takes ``mm_encoder_outputs`` with one tensor of language-ready features per picture.
FEATURE_FAMILIES = frozenset(
    {"llava", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "idefics2", "idefics3", "smolvlm"}
)
Inputs = dict[str, Tensor]


def takes_features(vlm: VLM) -> bool:
    """Whether pictures can be encoded apart from the forward pass; other families encode inside it."""
    return vlm.base.config.model_type in FEATURE_FAMILIES


def pixel_inputs(vlm: VLM, pictures: Sequence[Picture]) -> Inputs:
    """Inputs of several pictures in order, joined along the first axis, on the model's device.

    Trailing axes that differ (the number of tiles of Idefics3) are padded with zeros, which is what the
    families' own processors do and their models undo.
    """
    singles = [vlm.chat.vision_inputs(picture) for picture in pictures]
    return {key: _join([single[key] for single in singles]).to(vlm.device) for key in singles[0]}


def _join(tensors: Sequence[Tensor]) -> Tensor:
    shape = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    padded = []
    for tensor in tensors:
        if list(tensor.shape[1:]) != shape:
            blank = tensor.new_zeros((tensor.shape[0], *shape))
            blank[tuple(slice(size) for size in tensor.shape)] = tensor
            tensor = blank
        padded.append(tensor)
    return torch.cat(padded)


def encode_pictures(vlm: VLM, pictures: Sequence[Picture], *, cost: Cost | None = None) -> list[Tensor]:
    """Language-ready features of each picture, one call of the family's own ``get_image_features``.

    Returns:
        One (I, D) tensor per picture, I its image tokens in the order of its placeholders.
    """
    assert takes_features(vlm), vlm.base.config.model_type
    inputs = pixel_inputs(vlm, pictures)
    features = vlm.base.model.get_image_features(**inputs, return_dict=True).pooler_output
    assert len(features) == len(pictures), (len(features), len(pictures))
    if cost is not None:
        cost.images_encoded += len(pictures)
    return list(features)


def feature_inputs(features: Sequence[Tensor]) -> Mapping[str, object]:
    """The forward argument that stands for the pixels, from :func:`encode_pictures`."""
    return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=list(features))}}
