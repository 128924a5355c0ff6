"""KVW: knowledge vector weakening (arXiv 2601.21794).

    K_D[l, j] = mean of |input j of down_proj in layer l| over the positions that predict the answers of D
    down_proj_l[:, j] *= max(1, K_forget[l, j] / K_retain[l, j]) ** -gamma

No training. K_retain is measured once; K_forget anew for each batch of forget rows, on the model as the
batches before have left it. Layers 1 to 25 of 28 are touched in the paper, here the same share of any depth.
Batch size and number of passes are not known to us: one row at a time, one pass. The optional rescaling of
norms is left out.

Defaults: gamma .02 (paper), for forget sets of thousands of rows. On a handful it changes little: raise
``gamma`` or ``passes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.methods.activations import activation_moments, mlp_layers
from unsee.methods.ascent import above_zero
from unsee.methods.context import Context
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES, Method, knob
from unsee.nouns import Example, UserError

FIRST_LAYER, END_SHARE = 1, 26 / 28
TINY = 1e-8


@dataclass(frozen=True)
class KVW:
    """Knobs of KVW."""

    gamma: float = knob(0.02, help="exponent of the weakening", source="paper")
    batch: int = knob(1, help="forget rows between two weakenings", source="ours")
    passes: int = knob(1, help="passes over the forget rows", source="ours")


def touched_layers(count: int) -> range:
    """The layers to weaken of a decoder with this many."""
    first = min(FIRST_LAYER, count - 1)
    return range(first, max(first + 1, round(END_SHARE * count)))


def coefficients(context: Context, examples: Sequence[Example], paths: Sequence[str]) -> dict[str, Tensor]:
    """K of each neuron by path of the closing layer, (F,) float64."""
    moments = activation_moments(context, examples, paths)
    return {path: found.mean_absolute for path, found in moments.items()}


def factors(forget: Tensor, retain: Tensor, gamma: float) -> Tensor:
    """By what each neuron's vector is multiplied: (F,), at most 1."""
    return (forget / retain.clamp(min=TINY)).clamp(min=1.0) ** -gamma


@torch.no_grad()
def weaken(context: Context, knobs: KVW) -> Mapping[str, Any]:
    """Weakens the vectors batch by batch and says by how much."""
    retain = context.of(*RETAIN_ROLES)
    if not retain:
        raise UserError(
            "KVW compares with rows to keep, and there are none.",
            got="no retain rows",
            expected="rows of T3, T4, anchors or retain",
            remedy="give pictures that do not show the concept with --retain, or choose another method",
        )
    layers = list(mlp_layers(context.vlm, ("language.mlp",)).values())
    paths = [layers[i][-1] for i in touched_layers(len(layers))]
    kept = coefficients(context, retain, paths)
    forget = context.of(*FORGET_ROLES)
    product = {path: torch.ones_like(kept[path]) for path in paths}
    for start in [*range(0, len(forget), knobs.batch)] * knobs.passes:
        found = coefficients(context, forget[start : start + knobs.batch], paths)
        for path in paths:
            product[path] *= factors(found[path], kept[path], knobs.gamma)
            weight = context.vlm.base.get_submodule(path).weight
            # From the start each time: in bfloat16 a factor this close to 1 would be rounded away.
            start_weight = context.vlm.originals[f"{path}.weight"]
            weight.copy_(start_weight.float() * product[path].float().to(weight.device))
    everything = torch.cat(list(product.values()))
    return {
        "layers": [context.vlm.roles.role_of(path) for path in paths],
        "neurons_weakened": int((everything < 1).sum()),
        "least_factor": float(everything.min()),
    }


def kvw(knobs: KVW) -> Method:
    """Knowledge vector weakening."""
    for name in ("gamma", "batch", "passes"):
        above_zero("kvw", name, getattr(knobs, name))
    return Method(
        name="kvw",
        title="Knowledge vector weakening (KVW)",
        paper="arXiv 2601.21794",
        loss_line="no loss: down_proj[:, j] *= max(1, K_original / K_retain)^-gamma",
        knobs=knobs,
        terms=(),
        reduction="mean over the positions that predict answer tokens",
        cost="no training; a forward per forget row and pass, once a forward per retain row",
        looks_at=(*FORGET_ROLES, *RETAIN_ROLES),
        edit=lambda context: weaken(context, knobs),
        edit_scope=("language.mlp",),
    )


METHODS = {"kvw": (KVW, kvw)}
