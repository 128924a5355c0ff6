"""PO: preference optimisation by fine-tuning on refusals.

    L = CE(refusal) + weight * CE(retain)

The name is that of SIU's baseline (arXiv 2405.12523, section 6); the loss is TOFU's "IDK" (arXiv 2401.06121):
plain descent on "I do not know" answers to questions about the picture, and on the answers of other rows.
Differences from the file released with SIU: no retain row is paired with the concept's picture, and the
concept's facts by text stay facts (the released file denies some). Default: weight 1 (TOFU).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.parts import RETAIN_ROLES, Method, Term, knob
from unsee.objectives import answer_nll
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class PO:
    """Knobs of PO."""

    weight: float = knob(
        1.0, help="weight of the cross-entropy on the retain rows; 0 = leave them out", source="TOFU"
    )


def descent_loss(table: TokenTable, reference: TokenTable | None = None) -> Tensor:
    """Mean negative log-likelihood of each row's answer: (R,)."""
    return answer_nll(table.logits, table.labels, table.row, len(table.rows))


def po(knobs: PO) -> Method:
    """Fine-tuning on refusals."""
    retain = Term("retain_ce", frozenset(RETAIN_ROLES), knobs.weight, descent_loss)
    return Method(
        name="po",
        title="Fine-tuning on refusals (PO)",
        paper="arXiv 2401.06121, baseline of arXiv 2405.12523",
        loss_line="CE(refusal) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("refusal_ce", frozenset({"refusal"}), 1.0, descent_loss),
            *([retain] * bool(knobs.weight)),
        ),
    )


METHODS = {"po": (PO, po)}
