"""SIU: Single Image Unlearning (Li et al., NeurIPS 2024, arXiv 2405.12523).

    L = alpha * CE(answer) + beta * DMK,   DMK = sum_t K_S(t) sum_v K_V(v) p_ref(v) [log p_ref(v) - log p(v)]

Fine-tuning by descent on four kinds of rows made from one picture: T1 a substitute for the name, T2 a denial
that ties fabricated looks to the name, T3 facts of the concept by text, T4 facts of others by text. The dual
mask keeps the KL to the original model from restoring what the rows change: K_S drops the substitute (T1) and
the whole denial (T2), K_V drops the tokens of the concept's name.

``paper``: sums over tokens, both masks on all rows, mean over the rows of a step (the paper leaves the batch
open). As printed, the KL has no sum over the vocabulary; without one K_V would mean nothing, so it is there.

``released_code``: CE and KL weigh 1 and 1; CE is the mean over the batch's answer tokens; the KL is the
released masked cross-entropy over (kept positions x V), so V times smaller than a mean per token; K_S acts
one position late. On rows with a picture the released code measures its KL on the system prompt and the
first image patches, never on answer tokens: here those rows add 0 to the KL and their kept answer positions
to its normaliser. Not reproduced, as a table of answer tokens does not hold it: the KL on system, question,
image and padding positions (and their share of the normaliser), the prediction that follows the last answer
token, and occurrences of the masked phrase outside its answer span.

``corrected`` (default): CE and KL are means over answer tokens, then over rows, so alpha and beta mean what
they say at any answer length. K_V acts on the rows named by ``vocabulary_roles``: T1 and T2, which show the
picture. On text-only rows the name is knowledge to keep, and its pieces also spell other names.

Anchors (rows about pictures that do not show the concept) are an addition to the paper: the same CE + KL
without masks, as a mean of their own, scaled by ``anchor_weight``.

Defaults: alpha .9, beta .75 from section 6.1 of the paper; 1 and 1 from the released trainer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.methods.parts import (
    ANCHOR_ROLES,
    CONCEPT_ROLES,
    TARGET,
    Loss,
    Method,
    Term,
    answer_tokens,
    knob,
    one,
)
from unsee.methods.schedules import Side
from unsee.objectives import Reduction, Variant, answer_nll, dual_masked_kl, misaligned_keep
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class SIU:
    """Knobs of SIU."""

    variant: Variant = knob(
        "corrected", help="whose formulas: paper, released_code or corrected", source="corrected is ours"
    )
    alpha: float | None = knob(
        None, help="weight of the cross-entropy; none = .9, or 1 in released_code", source="paper 6.1, code"
    )
    beta: float | None = knob(
        None, help="weight of the masked KL; none = .75, or 1 in released_code", source="paper 6.1, code"
    )
    anchor_weight: float = knob(
        1.0, help="weight of the rows about other pictures; 0 = leave them out", source="ours"
    )
    renormalise: bool = knob(
        False,
        help="restrict both sides of the KL to the other tokens: the name is ignored, not suppressed",
        source="off in paper and code",
    )
    mass_threshold: float | None = knob(
        None,
        help="also mask positions where the reference gives the name more than this probability",
        source="appendix B of the paper gives no number; .5 is a fair try",
    )
    token_mask: bool = knob(
        True, help="K_S: the substitute and the denial take no part in the KL", source="paper 4.2, table 2"
    )
    vocabulary_mask: bool = knob(
        True, help="K_V: tokens of the name take no part in the KL", source="paper 4.2, table 2"
    )
    vocabulary_roles: tuple[str, ...] = knob(
        ("T1", "T2"),
        help="rows on which the vocabulary mask acts (corrected; the others: all rows)",
        source="ours; paper and code: all rows",
    )


def dual_masked_loss(table: TokenTable, reference: TokenTable, knobs: SIU) -> Tensor:
    """The masked KL of each row: (R,)."""
    keep = table.keep if knobs.token_mask else torch.ones_like(table.keep)
    banned = table.banned_mask() & knobs.vocabulary_mask
    if knobs.variant == "corrected":
        masked = [row.role in knobs.vocabulary_roles for row in table.rows]
        banned = banned & torch.tensor(masked, device=banned.device)[:, None]
    if knobs.variant == "released_code":
        shown = torch.tensor([row.picture is not None for row in table.rows], device=keep.device)
        keep = misaligned_keep(keep, table.row) & ~shown[table.row]
    return dual_masked_kl(
        table.logits,
        reference.logits,
        keep,
        banned,
        table.row,
        variant=knobs.variant,
        renormalise=knobs.renormalise,
        mass_threshold=knobs.mass_threshold,
    )


def released_count(row: Row) -> float:
    """Kept answer positions of a row as the released code counts them: the mask is one position late."""
    return 1.0 + sum(row.keep[:-1])


def siu(knobs: SIU) -> Method:
    """SIU with these knobs."""
    released = knobs.variant == "released_code"
    alpha = knobs.alpha if knobs.alpha is not None else 1.0 if released else 0.9
    beta = knobs.beta if knobs.beta is not None else 1.0 if released else 0.75

    def cross_entropy(table: TokenTable, reference: TokenTable | None) -> Tensor:
        reduction: Reduction = "mean" if knobs.variant == "corrected" else "sum"
        return answer_nll(table.logits, table.labels, table.row, len(table.rows), reduction=reduction)

    def divergence(table: TokenTable, reference: TokenTable | None) -> Tensor:
        assert reference is not None, "SIU needs the reference"
        return dual_masked_loss(table, reference, knobs)

    def pair(prefix: str, roles: tuple[str, ...], weight: float) -> tuple[Term, ...]:
        ce: Loss = cross_entropy
        side: Side = "retain" if prefix else "forget"
        kept = released_count if knobs.token_mask else answer_tokens
        counts = (answer_tokens, kept) if released else (one, one)
        return (
            Term(f"{prefix}ce", frozenset(roles), weight * alpha, ce, None, counts[0], side),
            Term(f"{prefix}dmk", frozenset(roles), weight * beta, divergence, TARGET, counts[1], side),
        )

    anchors = pair("anchor_", ANCHOR_ROLES, knobs.anchor_weight) if knobs.anchor_weight else ()
    return Method(
        name="siu",
        title="Single Image Unlearning",
        paper="arXiv 2405.12523",
        loss_line="alpha * CE(T1..T4) + beta * dual-masked KL(reference || model)(T1..T4) + anchors",
        knobs=knobs,
        terms=pair("", CONCEPT_ROLES, 1.0) + anchors,
        reduction={
            "corrected": "mean over a row's (kept) answer tokens, then over rows",
            "paper": "sum over a row's (kept) answer tokens, mean over rows",
            "released_code": "CE: mean over the step's answer tokens; KL: over kept positions x V",
        }[knobs.variant],
    )


METHODS = {"siu": (SIU, siu)}
