"""What packs need to know about a model family, asked of the model itself.

A pack runs several texts in one sequence with a block mask and restarted positions. This is exact for
decoders whose attention is causal, with or without a sliding window, apart from stretches that are shared as
a whole, and whose attention kernel honours a dense mask. The ladder below it:

- ``prompt``: picture and question see each other, so packs hold texts with the same prompt only.
- ``prefix``: some layer makes its own mask or carries a state from token to token. Each text is a sequence of
  its own; answers are scored and decoded from one kept pass over what texts about a picture begin with.
- ``rows``: nothing is shared.

Which one a family needs is known, or tried out (``packs.probe``). What fits nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.nouns import UserError

DENSE_MASK_KERNELS = frozenset({"sdpa", "eager"})
FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class Layout:
    """How rows of one model may stand together.

    Attributes:
        form: ``pack``: texts about a picture share its tokens. ``prompt``: texts with the same prompt do.
            ``prefix``: answers share what was kept of its tokens. ``rows``: each row is computed alone.
        reason: Why not ``pack``; empty otherwise.
        two_way: What sees itself in both directions: each picture, or the whole prompt; "" for nothing.
        window: How many tokens layers with a sliding window see, the token itself included; None = all.
        cross: Text looks at pictures through layers of their own, so that rows with and without a picture
            never run together.
        inferred: Whether this was found by trying, for a family that is not known.
    """

    form: Literal["pack", "prompt", "prefix", "rows"] = "pack"
    reason: str = ""
    two_way: Literal["", "images", "prompt"] = ""
    window: int | None = None
    cross: bool = False
    inferred: bool = False

    @property
    def own(self) -> bool:
        """Whether the model makes its own masks, for one row per sequence."""
        return self.form in ("prefix", "rows")


PROMPT = Layout("prompt", "picture and question see each other", two_way="prompt")
PREFIX = Layout("prefix", "layers carry a state from token to token")
ROWS = Layout("rows", "nothing that could be shared gives the logits of the model's own rows")
IMAGES = Layout(two_way="images")
CROSS = Layout(cross=True)
# By ``model_type``; every entry is tested against one row per question.
KNOWN: dict[str, Layout] = {
    **dict.fromkeys(("llava", "llava_next", "llava_onevision", "internvl", "mistral3"), Layout()),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl"), Layout()),
    **dict.fromkeys(("idefics2", "idefics3", "smolvlm"), Layout()),
    "gemma3": IMAGES,
    "paligemma": PROMPT,
    "mllama": CROSS,
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe"), PREFIX),
}
_found: WeakKeyDictionary[nn.Module, Layout] = WeakKeyDictionary()


def layout_of(vlm: VLM) -> Layout:
    """How rows of this model may stand together; tried out once where its family is not known.

    Raises:
        UserError: An attention kernel that ignores dense masks, or a family that is not known and computes
            something else.
    """
    text = vlm.base.config.get_text_config(decoder=True)
    known = _found.get(vlm.base) or KNOWN.get(vlm.base.config.model_type)
    # A family may come with another decoder than the one it was tested with.
    if known is None or (_own_kinds(text) and not known.own):
        from unsee.packs.probe import find_layout  # it runs packs, which ask here

        known = _found[vlm.base] = find_layout(vlm, _found, own=bool(_own_kinds(text)))
    if known.own:
        return known
    kernel = kernel_of_config(vlm)
    if kernel not in DENSE_MASK_KERNELS:
        raise UserError(
            "this attention kernel cannot use the mask of packed sequences",
            got=kernel,
            expected=" or ".join(sorted(DENSE_MASK_KERNELS)),
            remedy='load the model with attn_implementation="sdpa"',
        )
    window = _window(text)
    return known if window is None else replace(known, window=window)


def kernel_of_config(vlm: VLM) -> str:
    """The attention kernel that the language decoder was loaded with."""
    text = vlm.base.config.get_text_config(decoder=True)
    return str(getattr(text, "_attn_implementation", "sdpa"))


def check_packable(vlm: VLM) -> None:
    """Refuse models that can be run neither in packs nor in rows of their own; see :func:`layout_of`."""
    layout_of(vlm)


def _own_kinds(text: Any) -> set[str]:
    """Kinds of layers that cannot be told which token sees which: state-space, convolution, chunks."""
    return set(getattr(text, "layer_types", None) or ()) - {FULL, SLIDING}


def _window(text: Any) -> int | None:
    """How many tokens some layer sees, the token itself included; None = every layer sees all of them."""
    layers = set(getattr(text, "layer_types", None) or ())
    window = getattr(text, "sliding_window", None)
    if SLIDING in layers and not window:
        raise UserError(
            "the decoder has sliding windows of an unknown size",
            got=", ".join(sorted(layers)),
            expected="full attention, or sliding windows of a known size",
            remedy="set sliding_window in the model's config.json",
        )
    if (layers and SLIDING not in layers) or getattr(text, "use_sliding_window", True) is False:
        return None
    return int(window) if window else None


def has_rope_grid(vlm: VLM) -> bool:
    """Whether positions are three-dimensional (mRoPE, Qwen2-VL, arXiv 2409.12191)."""
    return hasattr(vlm.base.model, "get_rope_index")


def dense_mask(
    vlm: VLM,
    mask: Tensor,  # (B, 1, Q, K) bool, True = may attend
) -> Tensor:
    """The mask as the attention kernel of ``vlm`` wants it: bool for sdpa, additive for eager."""
    if kernel_of_config(vlm) != "eager":
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
