"""PO: preference optimisation by fine-tuning on refusals.

    L = CE(refusal) + weight * CE(retain)

The name is that of SIU's baseline (arXiv 2405.12523, section 6); the loss is TOFU's "IDK" (arXiv 2401.06121):
plain descent on "I do not know" answers to questions about the picture, and on the answers of other rows.
Differences from the file released with SIU: no retain row is paired with the concept's picture, and the
concept's facts by text stay facts (the released file denies some).

``paper`` and ``corrected`` (default) agree: mean over a row's answer tokens, then over rows.
``released_code`` (CLEAR, arXiv 2410.18057): the refusals are drawn and then not used, the batch holds the
forget answers themselves, so the model is fine-tuned on what it shall forget; mean over the step's answer
tokens. Here for comparison, not for use.

Default: weight 1 (TOFU).
"""

from __future__ import annotations

from dataclasses import dataclass

from unsee.methods.ascent import ROW_MEAN, TOKEN_MEAN, likelihood_term
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, knob
from unsee.objectives import Variant


@dataclass(frozen=True)
class PO:
    """Knobs of PO."""

    variant: Variant = knob(
        "corrected",
        help="released_code: CLEAR, which trains on the forget answers instead of refusals",
        source="TOFU, arXiv 2401.06121; CLEAR code",
    )
    weight: float = knob(
        1.0, help="weight of the cross-entropy on the retain rows; 0 = leave them out", source="TOFU"
    )


def po(knobs: PO) -> Method:
    """Fine-tuning on refusals."""
    released = knobs.variant == "released_code"
    roles = FORGET_ROLES if released else ("refusal",)
    return Method(
        name="po",
        title="Fine-tuning on refusals (PO)",
        paper="arXiv 2401.06121, baseline of arXiv 2405.12523",
        loss_line="CE(refusal) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            likelihood_term("refusal_ce", roles, per_token=released),
            *retain_terms(knobs.weight, per_token=released),
        ),
        reduction=TOKEN_MEAN if released else ROW_MEAN,
        cost="one forward and backward per refusal and retain row, none per forget row",
        needs={} if released else {"refusal": "it is what the model shall say instead"},
    )


METHODS = {"po": (PO, po)}
