"""UNDIAL: distil the target with the label lowered into the model (Dong et al., arXiv 2402.10052).

    L = mean over tokens of CE( softmax(z_target - beta * 1[label]) , model ) + weight * CE(retain)

The model is drawn to a fixed distribution that keeps the target's other preferences, so the loss is bounded
and does not run away as ascent does. The cross-entropy's least value is the teacher's entropy, not 0.

The paper has no retain term; ``weight`` 0 is its loss. One well-known implementation averages over prompt
and padding too, where its padding label lowers the last token of the vocabulary: not reproduced here, as a
table of answer tokens holds neither.

Defaults: beta 10, the paper's choice among 3, 10 and 30; weight 0, the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import above_zero
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, TARGET, Method, Term, knob
from unsee.objectives import distil, lowered
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class UNDIAL:
    """Knobs of UNDIAL."""

    beta: float = knob(10.0, help="by how much the label's logit is lowered", source="arXiv 2402.10052")
    weight: float = knob(
        0.0,
        help="weight of the cross-entropy on the retain rows; 0 = leave them out",
        source="0 in the paper",
    )


def undial_loss(table: TokenTable, teacher: TokenTable | None, beta: float) -> Tensor:
    """Cross-entropy under the lowered target, averaged over each row's answer tokens: (R,)."""
    assert teacher is not None, "UNDIAL needs the target"
    return table.mean_by_row(distil(table.logits, lowered(teacher.logits, table.labels, beta)))


def undial(knobs: UNDIAL) -> Method:
    """UNDIAL with these knobs."""
    beta = above_zero("undial", "beta", knobs.beta)
    return Method(
        name="undial",
        title="Self-distillation on adjusted logits (UNDIAL)",
        paper="arXiv 2402.10052",
        loss_line="CE(softmax(z_target - beta * 1[label]), model)(original) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("undial", frozenset(FORGET_ROLES), 1.0, lambda s, t: undial_loss(s, t, beta), TARGET),
            *retain_terms(knobs.weight),
        ),
        cost="one reference forward per forget row",
    )


METHODS = {"undial": (UNDIAL, undial)}
