"""Pictures as model inputs: pixels for the stock path, features for the shared one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

from unsee.models.expansion import CROSS_MASK
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.cost import Cost

# Families whose forward takes ready features: as a list with one tensor per picture, as one tensor of all,
# with features for several decoder layers (joined along the last axis here), or as states that layers of
# cross-attention look at.
LISTED = frozenset({"llava", "llava_next", "llava_onevision", "mistral3", "qwen2_vl", "qwen2_5_vl"})
LISTED |= {"idefics2", "idefics3", "smolvlm", "qwen3_5", "qwen3_5_moe"}
STACKED = frozenset({"paligemma", "gemma3", "internvl"})
DEEP = frozenset({"qwen3_vl"})
CROSSING = frozenset({"mllama"})
FEATURE_FAMILIES = LISTED | STACKED | DEEP | CROSSING
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
        One (I, D) tensor per picture, I its image tokens in the order of its placeholders; wider where
        features enter several layers.
    """
    assert takes_features(vlm), vlm.base.config.model_type
    inputs = pixel_inputs(vlm, pictures)
    if cost is not None:
        cost.images_encoded += len(pictures)
    kind = vlm.base.config.model_type
    if kind in CROSSING:
        return list(_cross_states(vlm, inputs))
    out = vlm.base.model.get_image_features(**inputs, return_dict=True)
    features = out.pooler_output
    if kind in STACKED:
        tiles = [len(vlm.chat.vision_inputs(picture)["pixel_values"]) for picture in pictures]
        features = [part.flatten(0, 1) for part in features.split(tiles)]
    elif kind in DEEP:
        features = [torch.cat(parts, dim=-1) for parts in zip(features, *out.deepstack_features, strict=True)]
    assert len(features) == len(pictures), (len(features), len(pictures))
    return list(features)


def _cross_states(vlm: VLM, inputs: Inputs) -> Tensor:
    """(N, tiles * patches, D) states that the layers of cross-attention look at."""
    model = vlm.base.model
    pixels = {key: value for key, value in inputs.items() if key != CROSS_MASK}
    states: Tensor = model.multi_modal_projector(model.vision_model(**pixels).last_hidden_state)
    return states.flatten(1, -2)


def feature_inputs(vlm: VLM, features: Sequence[Tensor]) -> Mapping[str, object]:
    """The forward argument that stands for the pixels, from :func:`encode_pictures`."""
    kind = vlm.base.config.model_type
    if kind in CROSSING:
        return {"cross_attention_states": torch.stack(list(features))}
    if kind in DEEP:
        return {"mm_encoder_outputs": {"image": _deep(vlm, features)}}
    pooled = torch.cat(list(features))[None] if kind in STACKED else list(features)
    return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=pooled)}}


def _deep(vlm: VLM, features: Sequence[Tensor]) -> object:
    width = vlm.base.get_input_embeddings().weight.shape[1]
    first, *later = zip(*(torch.split(one, width, dim=-1) for one in features), strict=True)
    return BaseModelOutputWithDeepstackFeatures(
        pooler_output=list(first), deepstack_features=[list(layer) for layer in later]
    )


def looks_across(vlm: VLM) -> bool:
    """Whether text looks at pictures through layers of cross-attention."""
    return vlm.base.config.model_type in CROSSING


def skipped_without_pictures(vlm: VLM) -> frozenset[int]:
    """Decoder layers that only look at pictures, so that a pass without one leaves them out."""
    text = vlm.base.config.get_text_config(decoder=True)
    return frozenset(getattr(text, "cross_attention_layers", None) or ())


def cross_mask(
    vlm: VLM,
    sees: Tensor,  # (B, Q) bool, True where the token sees a picture
    pictures: Sequence[Picture],  # one per pack
) -> Inputs:
    """Which tokens look at which tiles of their pack's picture, for families that look across; else nothing.

    Returns:
        ``cross_attention_mask`` (B, Q, 1, tiles) float32, 1 = looks at it.
    """
    if not looks_across(vlm) or not pictures:
        return {}
    assert len(pictures) == len(sees), (len(pictures), len(sees))
    tiles = torch.cat([vlm.chat.vision_inputs(picture)[CROSS_MASK] for picture in pictures])
    mask = sees[:, :, None, None].float() * tiles.to(sees.device).float()
    return {CROSS_MASK: mask}
