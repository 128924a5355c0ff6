"""GA: gradient ascent on what the model says about the picture.

    L = - CE(original)

Gradient ascent (Jang et al., arXiv 2210.01504; TOFU, arXiv 2401.06121) raises the loss of the original
answers; a baseline of SIU (arXiv 2405.12523, section 6). Differences from the baselines released with SIU:
there the picture is never passed to the model and factual questions are climbed as well; here the rows are
naming and yes/no questions about the picture, with the picture.

``paper`` and ``corrected`` (default) agree: mean over a row's answer tokens, then over rows.
``released_code`` (MLLMU-Bench, arXiv 2410.22108) masks padding alone: it climbs the mean over every token
that the rows of the step hold but their first ones, so template and question as well, and the picture, where
the token to be predicted is the image placeholder. LLaVA-1.5 has 576 of these, far more than question and
answer have tokens. (With older processors, which put one placeholder for a picture, the released code leaves
it out.) The rows are those of the chat template; the release writes its own, without an end of turn.

The loss has no lower bound. Written stopping rule: training ends when the mean loss of the forget answers is
above ``bound``; the default, 10 nats per token, is what guessing among e^10 (22,000) tokens costs, so beyond
it nothing is left to forget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from unsee.methods.parts import FORGET_ROLES, Method, Term, answer_tokens, knob, next_tokens, one
from unsee.methods.schedules import Side
from unsee.nouns import UserError
from unsee.objectives import Reduction, Variant, answer_nll
from unsee.packs.everywhere import NLL
from unsee.packs.tokens import TokenTable

BOUND = 10.0
ROW_MEAN = "mean over a row's answer tokens, then over the term's rows"
ROW_SUM = "sum over a row's answer tokens, then mean over the term's rows"
TOKEN_MEAN = "mean over the step's answer tokens"
EVERYWHERE_MEAN = "mean over all tokens of the step's rows but their first, prompt and picture included"


def bound_knob(
    default: float | None = BOUND, source: str = "ours: guessing among 22,000 tokens costs as much"
) -> Any:
    """The knob ``bound`` of a method that climbs."""
    told = "stop when the mean loss of the forget answers, in nats per token, is above this; none = never"
    return knob(default, help=told, source=source)


def above_zero(method: str, name: str, value: float) -> float:
    """The value of a knob that must be positive.

    Raises:
        UserError: It is zero or negative.
    """
    if value <= 0:
        raise UserError(
            f"The value of {method}'s knob {name} is not accepted.",
            got=value,
            expected="a number above 0",
            remedy=f"see: unsee list methods {method}",
        )
    return value


@dataclass(frozen=True)
class GA:
    """Knobs of gradient ascent."""

    variant: Variant = knob(
        "corrected",
        help="released_code: mean over all tokens of the step, prompt and picture included; the others: over "
        "rows of means over answer tokens",
        source="TOFU, arXiv 2401.06121; MLLMU-Bench code",
    )
    bound: float | None = bound_knob()


def likelihood_term(
    name: str,
    roles: tuple[str, ...],
    weight: float = 1.0,
    *,
    climb: bool = False,
    per_token: bool = False,
    side: Side = "forget",
) -> Term:
    """A term that lowers the cross-entropy of answers, or with ``climb`` raises it.

    Args:
        name: Name of the term.
        roles: Its rows.
        weight: Its weight.
        climb: The loss is the log-probability, not its negative.
        per_token: Mean over the step's answer tokens, as most released code has it; else a mean over each
            row's tokens, then over rows.
        side: Forget or retain.
    """
    reduction: Reduction = "sum" if per_token else "mean"
    sign = -1.0 if climb else 1.0

    def loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        nll = answer_nll(table.logits, table.labels, table.row, len(table.rows), reduction=reduction)
        return sign * nll

    return Term(name, frozenset(roles), weight, loss, None, answer_tokens if per_token else one, side)


def everywhere_term(
    name: str, roles: tuple[str, ...], weight: float = 1.0, *, climb: bool = False, side: Side = "forget"
) -> Term:
    """:func:`likelihood_term` over every token of the step's rows but the first of each, as a mean over them.

    This is the loss of a model that is given its input as labels, padding masked (MLLMU-Bench as released).
    """
    sign = -1.0 if climb else 1.0

    def loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        return sign * table.everywhere[NLL]

    return Term(name, frozenset(roles), weight, loss, None, next_tokens, side, everywhere=NLL)


def ascent_term(released: bool) -> Term:
    """Ascent on the forget rows: on their answers, or on all of them as MLLMU-Bench releases it."""
    term = everywhere_term if released else likelihood_term
    return term("ascent", FORGET_ROLES, climb=True)


def ga(knobs: GA) -> Method:
    """Gradient ascent."""
    released = knobs.variant == "released_code"
    return Method(
        name="ga",
        title="Gradient ascent",
        paper="arXiv 2401.06121, baseline of arXiv 2405.12523",
        loss_line="- CE(original)",
        knobs=knobs,
        terms=(ascent_term(released),),
        reduction=EVERYWHERE_MEAN if released else ROW_MEAN,
        stop_above=knobs.bound,
    )


METHODS = {"ga": (GA, ga)}
