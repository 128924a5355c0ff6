"""SalUn: unlearning restricted to the weights that matter for the forget rows (arXiv 2310.12508).

    L = CE(mismatch) + weight * CE(retain),   only weights with m = 1 move
    m = 1 where |gradient of CE(original)| is among the top ``share``

The gradient is that of the target, averaged over all forget rows. The authors fine-tune on random labels:
here ``mismatch``, the forget questions with the answers of random other rows. ``loss`` refusal takes "I do
not know" instead, ascent climbs the original answers (the paper combines its mask with all of them).

``ranking`` global ranks all weights of the scope together (the authors' code), tensor ranks within each
tensor (CLEAR, arXiv 2410.18057). Both mask the gradients of both terms, and masked weights never move.

The mask needs training of the weights themselves (``full``). With LoRA (ours) the unit is the linear module:
its score is the mean saliency of its weights, and LoRA is restricted to the top ``share`` of modules.

Defaults: share .5, the paper's threshold is the median; weight 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from unsee.methods.ascent import likelihood_term
from unsee.methods.context import Context
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Gate, Method, Prepared, knob
from unsee.methods.statistics import (
    chunks,
    kth_largest,
    mean_gradient,
    scope_weights,
    share_between,
    top_share,
)


@dataclass(frozen=True)
class SalUn:
    """Knobs of SalUn."""

    loss: Literal["mismatch", "refusal", "ascent"] = knob(
        "mismatch", help="what is learnt instead: random answers, refusals, or ascent", source="paper"
    )
    share: float = knob(
        0.5,
        help="share of the weights (with LoRA: of the linear modules) that may move",
        source="paper: the median is the threshold",
    )
    ranking: Literal["global", "tensor"] = knob(
        "global", help="rank all weights together, or within each tensor", source="authors' code; CLEAR code"
    )
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="paper")


def saliency(context: Context) -> Iterator[tuple[str, Tensor]]:
    """Absolute gradient of the forget rows' mean loss, by weight in the scope: (name, float32)."""
    rows = context.of(*FORGET_ROLES)
    for part in chunks(context.vlm, scope_weights(context)):
        for name, gradient in mean_gradient(context, rows, part).items():
            yield name, gradient.abs()


def weight_masks(scores: Mapping[str, Tensor], knobs: SalUn) -> dict[str, Tensor]:
    """True at the top share of all scores, or of each tensor's; never at a score of zero."""

    def bar(tensors: list[Tensor]) -> float:
        return kth_largest(tensors, max(1, round(knobs.share * sum(t.numel() for t in tensors))))

    level = bar(list(scores.values())) if knobs.ranking == "global" else None
    return {
        name: (score >= (bar([score]) if level is None else level)) & (score > 0)
        for name, score in scores.items()
    }


def locate(context: Context, method: Method, knobs: SalUn) -> Prepared:
    """Chooses the weights, or with LoRA the modules."""
    if context.scope.full:
        masks = weight_masks({name: score.cpu() for name, score in saliency(context)}, knobs)
        chosen = sum(int(mask.sum()) for mask in masks.values())
        notes = {"weights_chosen": chosen, "weights": sum(mask.numel() for mask in masks.values())}
        return Prepared(method, gate=Gate(masks), notes=notes)
    means = {name.removesuffix(".weight"): float(score.mean()) for name, score in saliency(context)}
    modules = top_share(means, knobs.share)
    scope = replace(context.scope, modules=modules)
    return Prepared(method, scope=scope, notes={"modules_chosen": list(modules), "modules": len(means)})


def salun(knobs: SalUn) -> Method:
    """Saliency unlearning."""
    share_between("salun", knobs.share)
    climb = knobs.loss == "ascent"
    roles = FORGET_ROLES if climb else (knobs.loss,)
    method = Method(
        name="salun",
        title="Saliency unlearning (SalUn)",
        paper="arXiv 2310.12508",
        loss_line="CE(mismatch) + weight * CE(T3, T4, anchors), on the top share of |gradient(original)|",
        knobs=knobs,
        terms=(likelihood_term(f"{knobs.loss}_ce", roles, climb=climb), *retain_terms(knobs.weight)),
        cost="once, a forward and backward per forget row; one forward and backward per retain row",
        needs={} if climb else {knobs.loss: "it is what the model shall learn instead"},
        looks_at=FORGET_ROLES,
    )
    return replace(method, prepare=lambda context: locate(context, method, knobs))


METHODS = {"salun": (SalUn, salun)}
