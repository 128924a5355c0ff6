"""LLMU: ascent, random answers and a KL on the rest (arXiv 2310.10683).

    L = - forget_weight * CE(original) + mismatch_weight * CE(mismatch)
        + weight * KL(reference || model)(retain)

The mismatch rows are the forget prompts with the answers of random other rows: the model gets something else
to say. The released code has the cross-entropy between the two distributions for the KL: the same gradient,
another constant.

The released code is to stop when the forget loss passes 100, but compares the negated loss with 100, so it
never does; and its random-answer loss starts in the question, as the number of fields of the encoded prompt
is taken for its length. Here the bound works and the loss covers the answers only. CLEAR (arXiv 2410.18057)
releases two versions: for image classifiers, with weights .02, .01 and 1; for vision-language models, with
weights 1, KL(model || reference), and a random batch that holds the forget answers, so that the first two
terms cancel.

Defaults: weights .5, 1, 1 and bound 100 from the authors' code. Five random answers per prompt there; here as
many as there are mismatch rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from unsee.methods.ascent import bound_knob, likelihood_term
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, knob


@dataclass(frozen=True)
class LLMU:
    """Knobs of LLMU."""

    forget_weight: float = knob(
        0.5, help="weight of the ascent", source="released code; CLEAR's image classifiers: .02"
    )
    mismatch_weight: float = knob(
        1.0, help="weight of the random answers; 0 = leave them out", source="released code; CLEAR: .01"
    )
    weight: float = knob(1.0, help="weight of the KL on the retain rows", source="released code; CLEAR: 1")
    bound: float | None = bound_knob(100.0, "released code")


def llmu(knobs: LLMU) -> Method:
    """Ascent with random answers."""
    random = likelihood_term("mismatch_ce", ("mismatch",), knobs.mismatch_weight)
    wanted = bool(knobs.mismatch_weight)
    return Method(
        name="llmu",
        title="Ascent, random answers and KL (LLMU)",
        paper="arXiv 2310.10683",
        loss_line="- forget_weight * CE(original) + mismatch_weight * CE(mismatch) "
        "+ weight * KL(reference || model)(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            likelihood_term("ascent", FORGET_ROLES, knobs.forget_weight, climb=True),
            *([random] * wanted),
            *retain_terms(knobs.weight, "kl"),
        ),
        cost="one forward and backward per mismatch and retain row; one reference forward per retain row",
        stop_above=knobs.bound,
        needs={"mismatch": "LLMU teaches the forget prompts answers of other rows"} if wanted else {},
    )


METHODS = {"llmu": (LLMU, llmu)}
