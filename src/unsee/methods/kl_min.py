"""GA+KL: gradient ascent that stays close to the reference elsewhere (KL minimising, TOFU, arXiv 2401.06121).

    L = - CE(original) + weight * KL(reference || model)(retain)

A baseline of SIU (arXiv 2405.12523, section 6) and of most benchmarks. Differences from the baselines
released with SIU: there the picture is never passed to the model and factual questions are climbed as well;
here the rows are naming and yes/no questions about the picture, with the picture, and the KL is a mean per
answer token, not over prompt and padding.

``paper`` and ``corrected`` (default) agree on answer tokens: mean over a row's tokens, then over rows.

``released_code`` (MLLMU-Bench, arXiv 2410.22108, and MMUnlearner): the KL is taken at *every* position,
template, question and picture included, and divided by the batch only (``batchmean`` of a tensor with three
axes), so it is a *sum* over positions and its weight grows with the length of the row; the retain rows'
cross-entropy is added to it; all forget steps come before all retain steps (MMUnlearner: alternating).
Cross-entropies are means over every token of the step's rows but their first ones (see ``released_code`` of
``ga``). Not reproduced: the KL at positions of padding, which depend on the other rows of the batch. The
vocabulary head must be frozen.

The loss has no lower bound: see ``bound`` of ``ga``. Default: weight 1 (TOFU).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import EVERYWHERE_MEAN, ROW_MEAN, ascent_term, bound_knob
from unsee.methods.grad_diff import released_retain_terms, retain_terms
from unsee.methods.parts import RETAIN_ROLES, Method, Term, Variant, knob
from unsee.methods.schedules import JOINT, Sequential
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class GAKL:
    """Knobs of GA+KL."""

    variant: Variant = knob(
        "corrected",
        help="released_code: KL summed over all positions, plus retain cross-entropy, both with prompt and "
        "picture, sequential; the others: means over answer tokens",
        source="TOFU, arXiv 2401.06121; MLLMU-Bench code",
    )
    weight: float = knob(1.0, help="weight of the KL on the retain rows", source="TOFU, arXiv 2401.06121")
    bound: float | None = bound_knob()


def released_kl_loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
    """KL(reference || model), summed over every position of each row: (R,)."""
    return table.everywhere["kl"]


def released_terms(weight: float) -> tuple[Term, ...]:
    """What keeps the retain rows in the release."""
    roles = frozenset(RETAIN_ROLES)
    kl = Term("retain_kl", roles, weight, released_kl_loss, side="retain", everywhere="kl")
    return (kl, *released_retain_terms(1.0))


def ga_kl(knobs: GAKL) -> Method:
    """Gradient ascent with a KL to the reference on the retain rows."""
    released = knobs.variant == "released_code"
    return Method(
        name="ga_kl",
        title="Gradient ascent + KL",
        paper="arXiv 2401.06121, baseline of arXiv 2405.12523",
        loss_line="- CE(original) + weight * KL(reference || model)(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            ascent_term(released),
            *(released_terms(knobs.weight) if released else retain_terms(knobs.weight, "kl")),
        ),
        reduction=(
            f"KL: sum over all positions of a row, mean over rows; CE: {EVERYWHERE_MEAN}"
            if released
            else ROW_MEAN
        ),
        cost="one reference forward, one forward and one backward per retain row",
        schedule=Sequential() if released else JOINT,
        stop_above=knobs.bound,
    )


METHODS = {"ga_kl": (GAKL, ga_kl)}
