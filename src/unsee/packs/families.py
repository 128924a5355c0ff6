"""What packs need to know about a model family, asked of the model itself.

A pack runs several texts in one sequence with a block mask and restarted positions. This is exact for
decoders whose every layer is plain causal attention and whose attention kernel honours a dense mask.
Anything else is refused here instead of being computed wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.nouns import UserError

# Families whose image tokens attend to each other in both directions, so that a causal block mask is wrong.
BIDIRECTIONAL_IMAGES = frozenset({"paligemma", "gemma3", "gemma3n"})
DENSE_MASK_KERNELS = frozenset({"sdpa", "eager"})


def check_packable(vlm: VLM) -> None:
    """Refuse models for which a packed sequence would not equal separate ones.

    Raises:
        UserError: Two-way attention between image tokens, a layer that is not full causal attention
            (sliding window, linear), or an attention kernel that ignores dense masks.
    """
    config = vlm.base.config
    text = config.get_text_config(decoder=True)
    if config.model_type in BIDIRECTIONAL_IMAGES:
        raise _refusal("image tokens of this family see each other in both directions", config.model_type)
    layers = set(getattr(text, "layer_types", None) or ["full_attention"])
    if layers != {"full_attention"}:
        raise _refusal("the decoder has layers that are not full causal attention", sorted(layers))
    kernel = getattr(text, "_attn_implementation", "sdpa")
    if kernel not in DENSE_MASK_KERNELS:
        raise UserError(
            "this attention kernel cannot use the mask of packed sequences",
            got=kernel,
            expected=" or ".join(sorted(DENSE_MASK_KERNELS)),
            remedy='load the model with attn_implementation="sdpa"',
        )


def _refusal(what: str, got: object) -> UserError:
    return UserError(
        what,
        got=got,
        expected="a causal decoder such as LLaVA, Qwen2-VL, Qwen2.5-VL, Idefics3 or SmolVLM",
        remedy="choose a model of a supported family",
    )


def has_rope_grid(vlm: VLM) -> bool:
    """Whether positions are three-dimensional (mRoPE, Qwen2-VL, arXiv 2409.12191)."""
    return hasattr(vlm.base.model, "get_rope_index")


def dense_mask(
    vlm: VLM,
    mask: Tensor,  # (B, 1, Q, K) bool, True = may attend
) -> Tensor:
    """The mask as the attention kernel of ``vlm`` wants it: bool for sdpa, additive for eager."""
    config = vlm.base.config.get_text_config(decoder=True)
    if getattr(config, "_attn_implementation", "sdpa") != "eager":
        return mask
    dtype = vlm.dtype
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside the block; every module gets its own training flag back afterwards."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
