"""MMUnlearner: ascent on the weights that matter more for what must go than for what must stay.

    steps of  - CE(original), where only weights with m = 1 move, taking turns with steps of  CE(retain)
    m = 1 where (F_forget + eps) / (F_preserve + eps) >= threshold,   F = mean squared gradient

arXiv 2502.11051 (built on SFRon, arXiv 2409.19732). What must stay includes the concept's own facts by text:
the picture shall be forgotten, the knowledge kept. Weights of the vision tower and the projector are
compared on preserved rows with a picture, those of the language model on all preserved rows.

``paper``: F as printed, the squared gradient of each row, and one mask entry per weight, which needs training
of the weights themselves. ``corrected`` (default): the same, and a meaning for LoRA, where no weight of the
model is trained: the unit is the linear module, scored by the ratio of the two sums of F over its weights,
and LoRA is restricted to the top ``share`` of modules. Squares are summed in float32.

``released_code``: F is the squared gradient of batch means, which is smaller where rows disagree; only
weights with proj, fc, linear, mlp or qkv in their name are masked, the others take the full ascent. Under
LoRA the mask's names never equal those of the adapter's weights: nothing is masked, and training is GradDiff
with alternating steps. Not reproduced: squares in float16 (most underflow to zero), gradients clipped before
they are masked, errors in forget steps passed over in silence.

Defaults: threshold 1, eps 1e-15, batches of 4 (released code); one retain step per forget step, as both have
as many rows here (the paper: as many as the retain set is larger).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from unsee.methods.ascent import above_zero, bound_knob, likelihood_term
from unsee.methods.context import Context
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES, Gate, Method, Prepared, Variant, knob
from unsee.methods.schedules import Alternate
from unsee.methods.statistics import (
    CHUNK_BYTES,
    chunks,
    fisher,
    is_visual,
    scope_weights,
    share_between,
    top_share,
)
from unsee.nouns import UserError

EPSILON = 1e-15
MASKED_NAMES = ("proj", "fc", "linear", "mlp", "qkv")  # released code


@dataclass(frozen=True)
class MMUnlearner:
    """Knobs of MMUnlearner."""

    variant: Variant = knob(
        "corrected",
        help="released_code: batch gradients, some names only, no mask at all under LoRA",
        source="corrected adds a meaning under LoRA",
    )
    threshold: float = knob(
        1.0, help="least F_forget / F_preserve of a weight that may move", source="paper and code"
    )
    share: float = knob(0.5, help="with LoRA: share of the linear modules that are trained", source="ours")
    every: int = knob(
        1, help="retain steps after each forget step", source="ours; paper: |retain| / |forget|"
    )
    batch: int = knob(4, help="released_code: rows whose mean gradient is squared", source="code")
    bound: float | None = bound_knob()


def fishers(context: Context, rows: int = 1) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, F_forget, F_preserve) of every weight in the scope, float32.

    Args:
        context: The target and its rows.
        rows: Rows whose mean loss is differentiated before squaring.
    """
    forget, preserve = context.of(*FORGET_ROLES), context.of(*RETAIN_ROLES)
    shown = [example for example in preserve if example.picture is not None]
    names = scope_weights(context)
    for visual in (True, False):
        ours = [name for name in names if is_visual(context.vlm, name) == visual]
        kept = shown if visual else preserve
        for part in chunks(context.vlm, ours, CHUNK_BYTES // 2):
            lost = fisher(context, forget, part, rows=rows)
            stays = fisher(context, kept, part, rows=rows)
            for name in part:
                yield name, lost[name], stays[name]


def ratio(forget: Tensor, preserve: Tensor) -> Tensor:
    """F_forget / F_preserve, elementwise; weights without any gradient give 1."""
    return (forget + EPSILON) / (preserve + EPSILON)


def weight_masks(context: Context, knobs: MMUnlearner) -> dict[str, Tensor]:
    """True where a weight may move in forget steps, by parameter name, on the CPU."""
    released = knobs.variant == "released_code"
    return {
        name: (ratio(forget, preserve) >= knobs.threshold).cpu()
        for name, forget, preserve in fishers(context, knobs.batch if released else 1)
        if not released or any(part in name for part in MASKED_NAMES)
    }


def locate(context: Context, method: Method, knobs: MMUnlearner) -> Prepared:
    """Chooses the weights, or with LoRA the modules."""
    if context.scope.full:
        masks = weight_masks(context, knobs)
        chosen = sum(int(mask.sum()) for mask in masks.values())
        _need_some(chosen, knobs)
        notes = {"weights_chosen": chosen, "weights": sum(mask.numel() for mask in masks.values())}
        return Prepared(method, gate=Gate(masks, frozenset({"forget"})), notes=notes)
    if knobs.variant == "released_code":
        return Prepared(method, notes={"mask": "its names match no weight of the adapter: nothing is masked"})
    if knobs.variant == "paper":
        raise UserError(
            "The paper's mask is one of weights, and LoRA trains none of the model's own.",
            got="variant paper with a LoRA scope",
            expected="variant corrected, or training of the weights themselves",
            remedy="use variant corrected, or give --set scope.full=true",
        )
    scores = {
        name.removesuffix(".weight"): float(ratio(forget.sum(), preserve.sum()))
        for name, forget, preserve in fishers(context)
    }
    modules = top_share(scores, knobs.share)
    scope = replace(context.scope, modules=modules)
    return Prepared(method, scope=scope, notes={"modules_chosen": list(modules), "modules": len(scores)})


def _need_some(chosen: int, knobs: MMUnlearner) -> None:
    if not chosen:
        raise UserError(
            "No weight matters more for the forget rows than for the others, so nothing would be forgotten.",
            got=f"0 weights at or above threshold {knobs.threshold:g}",
            expected="at least one",
            remedy="lower the threshold",
        )


def mmunlearner(knobs: MMUnlearner) -> Method:
    """Ascent under a mask of Fisher ratios."""
    share_between("mmunlearner", knobs.share)
    for name in ("every", "batch"):
        above_zero("mmunlearner", name, getattr(knobs, name))
    method = Method(
        name="mmunlearner",
        title="MMUnlearner",
        paper="arXiv 2502.11051",
        loss_line="- CE(original) where F_forget/F_preserve >= threshold; in turn CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(likelihood_term("ascent", FORGET_ROLES, climb=True), *retain_terms(1.0)),
        cost="once, a forward and backward per row; one forward and backward per retain row",
        schedule=Alternate(knobs.every),
        stop_above=knobs.bound,
    )
    return replace(method, prepare=lambda context: locate(context, method, knobs))


METHODS = {"mmunlearner": (MMUnlearner, mmunlearner)}
