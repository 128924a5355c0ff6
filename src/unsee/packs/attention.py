"""Which token sees which, in the form that the attention kernel of a pass wants.

- ``sdpa`` and ``eager`` take a dense mask of (T, T) per pack.
- ``flex`` (FlexAttention, arXiv 2412.05496) takes the rule itself and skips blocks in which nobody sees
  anybody. It is taken on CUDA where the family has it, and anywhere when asked for. Decoding steps, and
  passes whose activations are computed again in the backward pass, stay with ``sdpa``.
- Models whose layers make their own masks are told which positions are padding, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.packs.families import FULL, SLIDING, dense_mask, kernel_of_config, layout_of

if TYPE_CHECKING:
    from unsee.packs.pack import Batch

FLEX = "flex_attention"
LEAST_HEAD = 16  # torch 2.13, torch/_inductor/kernel/flex: narrower heads are not implemented on CUDA
Rule = Callable[..., Tensor]  # (pack, head, query, key) indices -> bool, broadcast


class Sight(NamedTuple):
    """Which token sees which, by four numbers per token. B packs of T tokens.

    A pack is a tree that is walked depth first: k is q or one of its ancestors exactly when
    ``enter[k] <= enter[q] < leave[k]``.

    Attributes:
        enter: (B, T) place of the token in the walk.
        leave: (B, T) first place behind its descendants.
        depth: (B, T) place of the token in its own row, counted from 0; -1 at padding.
        block: (B, T) stretch of tokens that see each other in both directions; -1 = none.
    """

    enter: Tensor
    leave: Tensor
    depth: Tensor
    block: Tensor


def rule(sight: Sight, window: int | None = None) -> Rule:
    """The mask as a function of indices, as FlexAttention wants it; ``window``: how far back tokens see."""

    def sees(pack: Any, head: Any, query: Any, key: Any) -> Tensor:
        place = sight.enter[pack, query]
        seen = (sight.enter[pack, key] <= place) & (place < sight.leave[pack, key])
        if window is not None:
            seen = seen & (sight.depth[pack, query] - sight.depth[pack, key] < window)
        block = sight.block[pack, query]
        return seen | ((block == sight.block[pack, key]) & (block >= 0))

    return sees


def dense(sight: Sight, window: int | None = None) -> Tensor:
    """(B, T, T) bool: True where the token of the line sees the token of the column."""
    packs, length = sight.enter.shape
    places = torch.arange(length, device=sight.enter.device)
    pack = torch.arange(packs, device=sight.enter.device)[:, None, None]
    return rule(sight, window)(pack, 0, places[None, :, None], places[None, None, :])


def kernel_of(vlm: VLM) -> tuple[str, str]:
    """Attention kernel of the next pass over packs, and why not another one that was wanted."""
    found = kernel_of_config(vlm)
    wanted = vlm.attention == "flex" or (vlm.attention == "auto" and vlm.device.type == "cuda")
    if found == "eager" or not wanted:
        return found, ""
    reason = _not_flex(vlm)
    return (found, f"flex not used: {reason}") if reason else ("flex", "")


def _not_flex(vlm: VLM) -> str:
    """Why FlexAttention cannot be used; empty when it can."""
    decoder = vlm.base.get_submodule(vlm.roles.decoder)
    if layout_of(vlm).cross:
        return "text looks at pictures through layers of their own"
    if not all(getattr(module, "_supports_flex_attn", False) for module in (vlm.base, decoder)):
        return "the family does not have it"
    if vlm.model.training and getattr(decoder.config, "attention_dropout", 0.0):
        return "attention has dropout"
    if torch.is_grad_enabled() and _recomputes(vlm.base):
        return "activations are computed again"
    if torch.is_grad_enabled() and vlm.device.type == "cpu":
        return "it has no backward pass on the CPU"
    return _not_compiled(decoder.config) if vlm.device.type == "cuda" else ""


def _not_compiled(text: Any) -> str:
    """Why its kernel cannot be compiled for this decoder on CUDA; empty when it can."""
    if find_spec("triton") is None:
        return "triton is not installed"
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return f"heads of {width} numbers are too narrow" if width < LEAST_HEAD else ""


def _recomputes(model: nn.Module) -> bool:
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def choices(vlm: VLM) -> dict[str, str]:
    """What the cost receipt says about how rows of this model run: layout and attention, and why."""
    layout = layout_of(vlm)
    form = "packs" if layout.form == "pack" else f"{LAYOUTS[layout.form]}: {layout.reason}"
    if layout.form != "rows" and vlm.hook is not None and (vlm.hook.alone or layout.own):
        form = f"one row per text: the hook {vlm.hook.name} reads each row alone"
    if layout.inferred:
        form += " (found by trying: the family is not known)"
    kernel, reason = kernel_of(vlm)
    mask = "the model's own mask" if layout.own else "block mask" if kernel == "flex" else "dense mask"
    return {"layout": form, "attention": f"{kernel}, {mask}" + (f" ({reason})" if reason else "")}


LAYOUTS = {
    "prompt": "packs of texts with the same prompt",
    "prefix": "answers on a shared key-value prefix, training one row per text",
    "rows": "one row per text",
}


@contextmanager
def attending(vlm: VLM, batch: Batch, *, flex: bool = True) -> Iterator[Any]:
    """Inside, the language model runs with the kernel chosen for the batch; gives its ``attention_mask``.

    Args:
        vlm: The model.
        batch: What goes through it.
        flex: Whether FlexAttention may be chosen.
    """
    if layout_of(vlm).own:
        yield (batch.sight.depth >= 0).long()
    elif flex and kernel_of(vlm)[0] == "flex":
        mask = _by_layer(vlm, batch.sight.depth, lambda window: block_mask(batch.sight, window))
        with _flexing(vlm):
            yield mask
    else:
        yield _by_layer(
            vlm,
            batch.sight.depth,
            lambda window: dense_mask(
                vlm, batch.attention_mask if window is None else dense(batch.sight, window)[:, None]
            ),
        )


def step_mask(
    vlm: VLM,
    visible: Tensor,  # (B, K, L) bool, which of the L tokens so far each new token may see
    depth: Tensor,  # (B, K) place of the new tokens in their rows
    keys: Tensor,  # (B, L) place of the tokens so far in theirs
) -> Any:
    """The ``attention_mask`` of a decoding step."""
    near = depth[:, :, None] - keys[:, None, :]

    def mask(window: int | None) -> Tensor:
        return dense_mask(vlm, (visible if window is None else visible & (near < window))[:, None])

    return _by_layer(vlm, depth, mask)


def block_mask(sight: Sight, window: int | None = None) -> Any:
    """The mask of FlexAttention: which blocks of queries see which blocks of keys, and the rule inside."""
    from torch.nn.attention.flex_attention import create_block_mask

    packs, length = sight.enter.shape
    device = str(sight.enter.device)
    return create_block_mask(rule(sight, window), packs, None, length, length, device=device)


def _by_layer(vlm: VLM, depth: Tensor, make: Callable[[int | None], Any]) -> Any:
    """One mask for all layers, or one for each kind of layer where a sliding window makes a difference."""
    window = layout_of(vlm).window
    if window is None or int(depth.max()) < window:
        return make(None)
    text = vlm.base.config.get_text_config(decoder=True)
    if FULL in (getattr(text, "layer_types", None) or ()):
        return {FULL: make(None), SLIDING: make(window)}
    return make(window)


@contextmanager
def _flexing(vlm: VLM) -> Iterator[None]:
    """Inside, the language decoder attends with FlexAttention; the vision tower keeps its kernel."""
    decoder = vlm.base.get_submodule(vlm.roles.decoder)
    configs = {id(m.config): m.config for m in decoder.modules() if hasattr(m, "config")}
    before = {key: config._attn_implementation for key, config in configs.items()}
    for config in configs.values():
        config._attn_implementation = FLEX
    try:
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation = before[key]
