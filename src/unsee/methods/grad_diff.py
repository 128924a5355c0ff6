"""GradDiff: ascent on the forget rows against descent on the retain rows (TOFU, arXiv 2401.06121).

    L = - CE(original) + weight * CE(retain)

Gradient difference (Liu et al., 2022). ``paper`` and ``corrected`` (default) agree: both terms in every step,
each a mean over a row's answer tokens, then over rows.

``released_code`` (MLLMU-Bench, arXiv 2410.22108): no joint loss, but all forget steps and then all retain
steps; each is a mean over every token of the step's rows but their first ones, template, question and image
placeholders included (see ``released_code`` of ``ga``).

``schedule`` wins over the variant. ``alternate`` takes ``every`` retain steps after each forget step
(MMUnlearner, arXiv 2502.11051, has as many as the retain set is larger).

Defaults: weight 1 (TOFU). The ascent has no lower bound: see ``bound`` of ``ga``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from unsee.methods.ascent import (
    EVERYWHERE_MEAN,
    ROW_MEAN,
    above_zero,
    ascent_term,
    bound_knob,
    everywhere_term,
    likelihood_term,
)
from unsee.methods.parts import RETAIN_ROLES, TARGET, Method, Term, knob
from unsee.methods.schedules import JOINT, Alternate, Schedule, Sequential
from unsee.objectives import Variant, forward_kl, mean_by_row
from unsee.packs.tokens import TokenTable

Retain = Literal["nll", "kl"]
Order = Literal["joint", "alternate", "sequential"]


@dataclass(frozen=True)
class GradDiff:
    """Knobs of GradDiff."""

    variant: Variant = knob(
        "corrected",
        help="released_code: sequential, mean over all tokens of the step, prompt and picture included; the "
        "others: joint, row means over answer tokens",
        source="TOFU, arXiv 2401.06121; MLLMU-Bench code",
    )
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="TOFU")
    schedule: Order | None = knob(
        None, help="order of forget and retain steps; none = as the variant has it", source="as the variant"
    )
    every: int = knob(1, help="retain steps after each forget step, with schedule alternate", source="ours")
    bound: float | None = bound_knob()


def retain_kl_loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
    """KL(reference || model), averaged over each row's answer tokens: (R,)."""
    assert teacher is not None, "the KL needs the reference"
    return mean_by_row(forward_kl(table.logits, teacher.logits), table.row, len(table.rows))


def retain_terms(weight: float, kind: Retain = "nll", *, per_token: bool = False) -> tuple[Term, ...]:
    """What keeps the retain rows: their cross-entropy, or the KL to the target; nothing at weight 0."""
    if not weight:
        return ()
    if kind == "nll":
        return (likelihood_term("retain_ce", RETAIN_ROLES, weight, per_token=per_token, side="retain"),)
    return (Term("retain_kl", frozenset(RETAIN_ROLES), weight, retain_kl_loss, TARGET, side="retain"),)


def released_retain_terms(weight: float) -> tuple[Term, ...]:
    """Cross-entropy of the retain rows as MLLMU-Bench releases it; nothing at weight 0."""
    return (everywhere_term("retain_ce", RETAIN_ROLES, weight, side="retain"),) if weight else ()


def order(knobs: GradDiff) -> Schedule:
    """The schedule that the knobs ask for."""
    chosen = knobs.schedule or ("sequential" if knobs.variant == "released_code" else "joint")
    if chosen == "alternate":
        return Alternate(int(above_zero("grad_diff", "every", knobs.every)))
    return Sequential() if chosen == "sequential" else JOINT


def grad_diff(knobs: GradDiff) -> Method:
    """Gradient difference."""
    released = knobs.variant == "released_code"
    return Method(
        name="grad_diff",
        title="Gradient difference",
        paper="arXiv 2401.06121",
        loss_line="- CE(original) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            ascent_term(released),
            *(released_retain_terms(knobs.weight) if released else retain_terms(knobs.weight)),
        ),
        reduction=EVERYWHERE_MEAN if released else ROW_MEAN,
        cost="one forward and backward per retain row",
        schedule=order(knobs),
        stop_above=knobs.bound,
    )


METHODS = {"grad_diff": (GradDiff, grad_diff)}
