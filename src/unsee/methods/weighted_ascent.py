"""WGA and SatImp: ascent with a weight for each token, one weight function apart.

    wga:     L = sum_t sg(p_t^beta) log p_t + weight * CE(retain)
    satimp:  L = forget_weight * sum_t sg(p_t^beta1 (1 - p_t)^beta2) log p_t + weight * CE(retain)

WGA (arXiv 2502.19301) climbs what is still known and lets go of what is forgotten: the weight falls with the
token's probability, so the ascent brakes itself. SatImp (arXiv 2505.11953) also spares tokens that are
certain, such as grammar. sg: the weight is a constant.

``paper``: sum over a row's tokens, mean over rows. ``released_code`` (open-unlearning, where the authors'
implementations are): mean over the step's answer tokens; its configuration of SatImp has the two coefficients
swapped, .1 on the forget side and 1 on the retain side, against 1 and .1 in the paper. Both releases copy
a reference model and never use it; here there is none. ``corrected`` (default): mean over a row's tokens,
then over rows, with the paper's coefficients, so that long answers weigh no more than short ones.

Defaults: WGA beta 1, weight 1; SatImp beta1 5, beta2 1, from the released configurations.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import ROW_MEAN, ROW_SUM, TOKEN_MEAN, bound_knob
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Loss, Method, Term, answer_tokens, knob, one
from unsee.objectives import Reduction, Variant, probability_weight, weighted_logp
from unsee.packs.tokens import TokenTable

REDUCTIONS = {"corrected": ROW_MEAN, "paper": ROW_SUM, "released_code": TOKEN_MEAN}


@dataclass(frozen=True)
class WGA:
    """Knobs of WGA."""

    variant: Variant = knob(
        "corrected",
        help="paper: sum over a row's tokens; released_code: mean over the step's tokens; corrected: mean "
        "over a row's tokens",
        source="corrected is ours",
    )
    beta: float = knob(1.0, help="power of the token's probability; 0 = plain ascent", source="released code")
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="released code")
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


@dataclass(frozen=True)
class SatImp:
    """Knobs of SatImp."""

    variant: Variant = knob(
        "corrected",
        help="paper: sum over a row's tokens; released_code: mean over the step's tokens, coefficients "
        "swapped; corrected: mean over a row's tokens",
        source="corrected is ours",
    )
    beta1: float = knob(5.0, help="power of the token's probability p", source="released code")
    beta2: float = knob(1.0, help="power of 1 - p", source="released code")
    forget_weight: float | None = knob(
        None, help="weight of the ascent; none = 1, or .1 in released_code", source="paper, code"
    )
    weight: float | None = knob(
        None,
        help="weight of the cross-entropy on the retain rows; none = .1, or 1 in released_code",
        source="paper, code",
    )
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


def weighted_ascent(table: TokenTable, beta: float, doubt: float, reduction: Reduction) -> Tensor:
    """Weighted log-probability of each row's answer: (R,)."""
    weight = probability_weight(table.logp, beta, doubt)
    return weighted_logp(table.logp, weight, table.row, len(table.rows), reduction=reduction)


def ascent_term(variant: Variant, beta: float, doubt: float, coefficient: float) -> Term:
    """The ascent of a variant."""
    reduction: Reduction = "mean" if variant == "corrected" else "sum"

    def climb(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        return weighted_ascent(table, beta, doubt, reduction)

    loss: Loss = climb
    count = answer_tokens if variant == "released_code" else one
    return Term("ascent", frozenset(FORGET_ROLES), coefficient, loss, count=count)


def wga(knobs: WGA) -> Method:
    """Weighted gradient ascent."""
    released = knobs.variant == "released_code"
    return Method(
        name="wga",
        title="Weighted gradient ascent (WGA)",
        paper="arXiv 2502.19301",
        loss_line="sum of p^beta log p (original) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            ascent_term(knobs.variant, knobs.beta, 0.0, 1.0),
            *retain_terms(knobs.weight, per_token=released),
        ),
        reduction=REDUCTIONS[knobs.variant],
        cost="one forward and backward per retain row",
        stop_above=knobs.bound,
    )


def satimp(knobs: SatImp) -> Method:
    """Ascent weighted by saturation and importance."""
    released = knobs.variant == "released_code"
    forget, retain = (0.1, 1.0) if released else (1.0, 0.1)
    forget = forget if knobs.forget_weight is None else knobs.forget_weight
    retain = retain if knobs.weight is None else knobs.weight
    return Method(
        name="satimp",
        title="Ascent weighted by saturation and importance (SatImp)",
        paper="arXiv 2505.11953",
        loss_line="forget_weight * sum of p^beta1 (1 - p)^beta2 log p (original) "
        "+ weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            ascent_term(knobs.variant, knobs.beta1, knobs.beta2, forget),
            *retain_terms(retain, per_token=released),
        ),
        reduction=REDUCTIONS[knobs.variant],
        cost="one forward and backward per retain row",
        stop_above=knobs.bound,
    )


METHODS = {"wga": (WGA, wga), "satimp": (SatImp, satimp)}
