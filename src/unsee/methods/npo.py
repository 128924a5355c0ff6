"""NPO: negative preference optimisation (arXiv 2404.05868).

    L = -(2 / beta) log sigma(-beta [log p(y) - log p_ref(y)])(original) + weight * CE or KL(retain)

Ascent that brakes itself: its gradient is that of plain ascent times 2 p^beta / (p^beta + p_ref^beta), which
goes to 0 as the answer becomes less likely than under the reference. log p(y) is the sum over the answer.

``paper`` and ``corrected`` (default) agree: one ratio per row, summed over the answer, reference = target.
``reduction`` mean divides the log-ratio by the answer's length (no paper does): beta then means the same at
any length.

``released_code`` (MLLMU-Bench, arXiv 2410.22108): the reference is a model fine-tuned on the retain set, the
gold model of this project, so a second training comes first; the ratio is one scalar, the difference of the
two models' mean token losses over the batch; beta .4, no retain term. A batch is what goes through the model
together: a step of one forward pass gives the released scalar exactly, a step cut into several gives the
token-weighted mean of their scalars. The labels are the input, so template, question and image placeholders
count like the answer.

``released_code_clear`` (CLEAR, arXiv 2410.18057): the ratio is taken for every token of the vocabulary and
averaged over it, the answer is never looked at; beta 1, no retain term. Descent on it raises the likelihood
of a memorised answer: here for comparison, not for use. The release averages over prompt and padding as well.

Defaults: beta .1, weight 1, from the authors' configuration for TOFU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from unsee.methods.ascent import (
    EVERYWHERE_MEAN,
    ROW_MEAN,
    ROW_SUM,
    TOKEN_MEAN,
    above_zero,
    bound_knob,
)
from unsee.methods.grad_diff import Retain, retain_terms
from unsee.methods.parts import (
    FORGET_ROLES,
    GOLD,
    TARGET,
    Method,
    Term,
    answer_tokens,
    knob,
    next_tokens,
)
from unsee.objectives import (
    Reduction,
    batch_preference_loss,
    clear_npo,
    mean_by_row,
    preference_loss,
    sum_by_row,
)
from unsee.packs.everywhere import NLL
from unsee.packs.tokens import TokenTable

NPOVariant = Literal["paper", "released_code", "released_code_clear", "corrected"]
REDUCTIONS = {"released_code": EVERYWHERE_MEAN, "released_code_clear": TOKEN_MEAN}
BETAS = {"paper": 0.1, "corrected": 0.1, "released_code": 0.4, "released_code_clear": 1.0}


@dataclass(frozen=True)
class NPO:
    """Knobs of NPO."""

    variant: NPOVariant = knob(
        "corrected",
        help="released_code: MLLMU-Bench; released_code_clear: CLEAR, known to raise what it shall lower",
        source="paper",
    )
    beta: float | None = knob(
        None,
        help="how soon the ascent brakes; none = .1, .4 in released_code, 1 in released_code_clear",
        source="authors' TOFU configuration; MLLMU-Bench and CLEAR code",
    )
    weight: float | None = knob(
        None, help="weight of the retain term; none = 1, or 0 in the released codes", source="paper, code"
    )
    retain: Retain = knob("nll", help="retain term: cross-entropy or KL to the target", source="paper")
    reference: Literal["target", "gold"] | None = knob(
        None,
        help="whom the ratio compares with; none = target, or gold in released_code",
        source="paper, code",
    )
    reduction: Reduction = knob(
        "sum", help="log-ratio of an answer: sum or mean over its tokens (paper, corrected)", source="paper"
    )
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


def npo_loss(table: TokenTable, reference: TokenTable, beta: float, reduction: Reduction) -> Tensor:
    """NPO of each row: (R,)."""
    gap = table.logp - reference.logp.detach()
    by_row = sum_by_row if reduction == "sum" else mean_by_row
    return preference_loss(by_row(gap, table.row, len(table.rows)), beta)


def forget_term(knobs: NPO, beta: float) -> Term:
    """The forget term of a variant."""
    source = knobs.reference or ("gold" if knobs.variant == "released_code" else "target")
    roles, teacher = frozenset(FORGET_ROLES), GOLD if source == "gold" else TARGET

    def by_row(table: TokenTable, reference: TokenTable | None) -> Tensor:
        assert reference is not None, "NPO needs the reference"
        return npo_loss(table, reference, beta, knobs.reduction)

    def by_batch(table: TokenTable, reference: TokenTable | None) -> Tensor:
        assert reference is not None, "NPO needs the reference"
        tokens = table.logits.new_tensor([next_tokens(row) for row in table.rows])
        return batch_preference_loss(-table.everywhere[NLL], -reference.everywhere[NLL], tokens, beta)

    def by_vocabulary(table: TokenTable, reference: TokenTable | None) -> Tensor:
        assert reference is not None, "NPO needs the reference"
        return clear_npo(table.logits, reference.logits, table.row, len(table.rows), beta)

    if knobs.variant == "released_code":
        return Term("npo", roles, 1.0, by_batch, teacher, next_tokens, whole=True, everywhere=NLL)
    if knobs.variant == "released_code_clear":
        return Term("npo", roles, 1.0, by_vocabulary, teacher, answer_tokens)
    return Term("npo", roles, 1.0, by_row, teacher)


def npo(knobs: NPO) -> Method:
    """Negative preference optimisation."""
    released = knobs.variant.startswith("released")
    beta = above_zero("npo", "beta", BETAS[knobs.variant] if knobs.beta is None else knobs.beta)
    weight = knobs.weight if knobs.weight is not None else 0.0 if released else 1.0
    term = forget_term(knobs, beta)
    return Method(
        name="npo",
        title="Negative preference optimisation (NPO)",
        paper="arXiv 2404.05868",
        loss_line="-(2/beta) log sigma(-beta log p/p_ref)(original) + weight * CE or KL(T3, T4, anchors)",
        knobs=knobs,
        terms=(term, *retain_terms(weight, knobs.retain, per_token=released)),
        reduction=REDUCTIONS.get(knobs.variant, ROW_SUM if knobs.reduction == "sum" else ROW_MEAN),
        cost="one reference forward per forget row; one forward and backward per retain row",
        copies=int(term.teacher == GOLD),
        stop_above=knobs.bound,
    )


METHODS = {"npo": (NPO, npo)}
