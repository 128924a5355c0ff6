"""SCRUB: be a bad student of the target on the forget rows, a good one elsewhere (arXiv 2302.09880).

    forget steps:  L = - beta * T^2 KL_T(target || model)(forget)
    retain steps:  L = alpha * T^2 KL_T(target || model)(retain) + gamma * CE(retain)

KL_T is the KL of both distributions at temperature T. Steps take turns, and forget steps end after the share
``until`` of the run: the rest repairs what they broke. The forget term has no lower bound, and no gradient
while the model is still the target: the first forget step does nothing, the retain steps' cross-entropy sets
the ascent off. ``paper`` and ``corrected`` (default) agree: means over a row's answer tokens, then over
rows.

``released_code`` (``scrub`` of CLEAR, arXiv 2410.18057, the form released for vision-language models): one
joint loss, - beta * KL_f + KL_r + CE_r, at temperature 1. Its KL is called with its arguments exchanged:
KL(model || target), not what the paper maximises, and is a mean over *every* position of the step's rows,
template, question and picture included; the cross-entropy is a mean over the step's answer tokens. Not
reproduced: positions of padding, which depend on the other rows of the batch. The vocabulary head must be
frozen.

Defaults: alpha .5, gamma 1, temperature 2 (the authors' small-scale runs); until half, between their
3 of 10 and 2 of 3 epochs; no ``bound``, as a stop would leave out the repair.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import ROW_MEAN, above_zero, bound_knob
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import (
    FORGET_ROLES,
    RETAIN_ROLES,
    TARGET,
    Method,
    Term,
    Variant,
    all_tokens,
    knob,
    one,
)
from unsee.methods.schedules import JOINT, Alternate, Side
from unsee.nouns import UserError
from unsee.objectives import warm_kl
from unsee.packs.tokens import TokenTable

RELEASED_MEAN = "KL: mean over all positions of the step's rows; CE: mean over the step's answer tokens"
CODE = "small-scale runs of the authors' code"


@dataclass(frozen=True)
class SCRUB:
    """Knobs of SCRUB."""

    variant: Variant = knob(
        "corrected",
        help="released_code: CLEAR's joint form with the reversed KL; the others: turns, as the paper",
        source="arXiv 2302.09880; CLEAR code",
    )
    alpha: float = knob(0.5, help="weight of the KL on the retain rows; 1 in released_code", source=CODE)
    beta: float = knob(1.0, help="weight of the KL on the forget rows", source=CODE)
    gamma: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source=CODE)
    temperature: float = knob(2.0, help="temperature of both KLs; 1 in released_code", source=CODE)
    every: int = knob(
        1, help="retain steps after each forget step", source="ours; the code takes epochs in turn"
    )
    until: float = knob(
        0.5,
        help="share of the forget steps that are taken",
        source="between the authors' 3 of 10 epochs (small scale) and 2 of 3 (large scale)",
    )
    bound: float | None = bound_knob(None, "paper: until ends the ascent, and repair follows")


def warm_loss(table: TokenTable, teacher: TokenTable | None, temperature: float, sign: float) -> Tensor:
    """T^2 KL_T(target || model) with a sign, averaged over each row's answer tokens: (R,)."""
    assert teacher is not None, "SCRUB needs the target"
    return sign * table.mean_by_row(warm_kl(table.logits, teacher.logits, temperature))


def scrub_terms(knobs: SCRUB) -> tuple[Term, ...]:
    """The two KLs and the retain rows' cross-entropy."""
    released = knobs.variant == "released_code"

    def kl(name: str, roles: tuple[str, ...], weight: float, sign: float, side: Side) -> Term:
        def warm(table: TokenTable, teacher: TokenTable | None) -> Tensor:
            return warm_loss(table, teacher, knobs.temperature, sign)

        def everywhere(table: TokenTable, teacher: TokenTable | None) -> Tensor:
            return sign * table.everywhere["reverse_kl"]

        rows = frozenset(roles)
        if released:
            return Term(name, rows, weight, everywhere, None, all_tokens, side, everywhere="reverse_kl")
        return Term(name, rows, weight, warm, TARGET, one, side)

    return (
        kl("forget_kl", FORGET_ROLES, knobs.beta, -1.0, "forget"),
        kl("retain_kl", RETAIN_ROLES, 1.0 if released else knobs.alpha, 1.0, "retain"),
        *retain_terms(knobs.gamma, per_token=released),
    )


def scrub(knobs: SCRUB) -> Method:
    """SCRUB with these knobs."""
    above_zero("scrub", "temperature", knobs.temperature)
    above_zero("scrub", "every", knobs.every)
    if not 0 < knobs.until <= 1:
        raise UserError(
            "The value of scrub's knob until is not accepted.",
            got=knobs.until,
            expected="a share above 0 and at most 1",
            remedy="1 takes every forget step",
        )
    released = knobs.variant == "released_code"
    return Method(
        name="scrub",
        title="SCRUB",
        paper="arXiv 2302.09880",
        loss_line="- beta * KL_T(target || model)(original), then alpha * KL_T + gamma * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=scrub_terms(knobs),
        reduction=RELEASED_MEAN if released else ROW_MEAN,
        cost="one reference forward per row, one forward and backward per retain row",
        schedule=JOINT if released else Alternate(knobs.every, knobs.until),
        stop_above=knobs.bound,
    )


METHODS = {"scrub": (SCRUB, scrub)}
