"""What packs need to know about a model family, asked of the model itself.

A pack runs several texts in one sequence with a block mask and restarted positions. This is exact for
decoders whose attention is causal apart from stretches that are shared as a whole, and whose attention
kernel honours a dense mask. Where the picture sees the question, nothing can be shared, and each row keeps
a sequence of its own. Anything else is refused here instead of being computed wrongly; families that nobody
has looked at are tried out first (``packs.probe``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
        form: ``pack``: texts about a picture share its tokens. ``rows``: each row has its own sequence.
        reason: Why not ``pack``; empty otherwise.
        two_way: What sees itself in both directions: each picture, or the whole prompt; "" for nothing.
        window: Longest row for which sliding windows of the decoder make no difference; None = any.
        cross: Text looks at pictures through layers of their own, so that rows with and without a picture
            never run together.
        inferred: Whether this was found by trying, for a family that is not known.
    """

    form: Literal["pack", "rows"] = "pack"
    reason: str = ""
    two_way: Literal["", "images", "prompt"] = ""
    window: int | None = None
    cross: bool = False
    inferred: bool = False


PREFIX = Layout("rows", "picture and question see each other, so nothing can be shared", two_way="prompt")
IMAGES = Layout(two_way="images")
CROSS = Layout(cross=True)
# By ``model_type``; every entry is tested against one row per question.
KNOWN: dict[str, Layout] = {
    **dict.fromkeys(("llava", "llava_next", "llava_onevision", "internvl", "mistral3"), Layout()),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl"), Layout()),
    **dict.fromkeys(("idefics2", "idefics3", "smolvlm"), Layout()),
    "gemma3": IMAGES,
    "paligemma": PREFIX,
    "mllama": CROSS,
}
_found: WeakKeyDictionary[nn.Module, Layout] = WeakKeyDictionary()


def layout_of(vlm: VLM) -> Layout:
    """How rows of this model may stand together; tried out once where its family is not known.

    Raises:
        UserError: A layer that is neither full nor windowed causal attention, an attention kernel that
            ignores dense masks, or a family that is not known and computes something else.
    """
    text = vlm.base.config.get_text_config(decoder=True)
    window = _window(text)
    kernel = _kernel(vlm)
    if kernel not in DENSE_MASK_KERNELS:
        raise UserError(
            "this attention kernel cannot use the mask of packed sequences",
            got=kernel,
            expected=" or ".join(sorted(DENSE_MASK_KERNELS)),
            remedy='load the model with attn_implementation="sdpa"',
        )
    known = KNOWN.get(vlm.base.config.model_type) or _found.get(vlm.base)
    if known is None:
        from unsee.packs.probe import find_layout  # it runs packs, which ask here

        known = _found[vlm.base] = find_layout(vlm, _found)
    return known if window is None else _with_window(known, window)


def choices(vlm: VLM) -> dict[str, str]:
    """What the cost receipt says about how rows of this model run: layout and attention, and why."""
    layout = layout_of(vlm)
    form = "packs" if layout.form == "pack" else f"one row per text: {layout.reason}"
    if layout.form == "pack" and vlm.hook is not None and vlm.hook.alone:
        form = f"one row per text: the hook {vlm.hook.name} reads each row alone"
    if layout.inferred:
        form += " (found by trying: the family is not known)"
    return {"layout": form, "attention": f"{_kernel(vlm)}, dense mask"}


def _kernel(vlm: VLM) -> str:
    text = vlm.base.config.get_text_config(decoder=True)
    return str(getattr(text, "_attn_implementation", "sdpa"))


def check_packable(vlm: VLM) -> None:
    """Refuse models that can be run neither in packs nor in rows of their own; see :func:`layout_of`."""
    layout_of(vlm)


def check_window(layout: Layout, tokens: int) -> None:
    """Refuse a row that a sliding window would cut.

    Raises:
        UserError: The row is longer than the window.
    """
    if layout.window is not None and tokens > layout.window:
        raise UserError(
            "a conversation is longer than the sliding window of the model's attention",
            got=f"{tokens} tokens",
            expected=f"at most {layout.window} tokens, picture and answer included",
            remedy="shorten the text or the answers (evaluation.max_new_tokens)",
        )


def _with_window(layout: Layout, window: int) -> Layout:
    return Layout(layout.form, layout.reason, layout.two_way, window, layout.cross, layout.inferred)


def _window(text: Any) -> int | None:
    """Rows up to this length see everything before them in every layer; None = of any length."""
    layers = set(getattr(text, "layer_types", None) or ())
    window = getattr(text, "sliding_window", None)
    odd = layers - {FULL, SLIDING}
    if odd or (SLIDING in layers and not window):
        raise UserError(
            "the decoder has layers that are not full causal attention",
            got=", ".join(sorted(layers)),
            expected="full attention, or sliding windows of a known size",
            remedy="choose a model of a supported family, see: unsee list models",
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
    if _kernel(vlm) != "eager":
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
