"""The dual-masked KL divergence of Single Image Unlearning (SIU, arXiv 2405.12523, section 4.2).

Two masks act on KL(reference || student):

* the token mask ``K_S`` drops the positions whose target contradicts the reference (the substitute name);
* the vocabulary mask ``K_V`` drops the concept's name tokens from the sum over the vocabulary.

Per position, with C the banned ids, p the reference and q the student:

    k = sum over v not in C of p_v (log p_v - log q_v)

This can be negative: with mass p_C = sum of p over C, its minimum is (1 - p_C) log(1 - p_C), reached where
the student gives C nothing and scales the rest up to p_v / (1 - p_C). So the mask does not merely ignore the
name: at student = reference the value is 0, but its gradient pushes the name's logits down by (1 - p_C) p_c.
With ``renormalise`` both sides are restricted to the other tokens first, and the name gets no gradient.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unsee.objectives.divergences import weighted_gap
from unsee.objectives.likelihood import mean_by_row, sum_by_row

Variant = Literal["paper", "released_code", "corrected"]

RELEASED_EPSILON = 1e-12


def masked_kl(
    student: Tensor,  # (N, V) logits
    reference: Tensor,  # (N, V) logits, frozen
    banned: Tensor,  # (N, V) bool, True where K_V = 0
    *,
    renormalise: bool = False,
) -> Tensor:
    """Vocabulary-masked KL(reference || student) of each position, in nats, float32: (N,)."""
    reference = reference.detach().float()
    student = student.float()
    if renormalise:
        reference = reference.masked_fill(banned, -torch.inf)
        student = student.masked_fill(banned, -torch.inf)
    log_p = torch.log_softmax(reference, dim=-1).masked_fill(banned, -torch.inf)
    log_q = torch.log_softmax(student, dim=-1).masked_fill(banned, 0.0)
    return weighted_gap(log_p, log_q)


def released_kl(
    student: Tensor,  # (N, V) logits
    reference: Tensor,  # (N, V) logits, frozen
    banned: Tensor,  # (N, V) bool
) -> Tensor:
    """The authors' released form of one position: (N,), float32.

    A masked cross-entropy, -sum over v of (p_v K_v) log(q_v K_v + 1e-12): the gradient is that of
    :func:`masked_kl` (up to the 1e-12), the value lacks the reference's own entropy.
    """
    allowed = (~banned).float()
    p = torch.softmax(reference.detach().float(), dim=-1) * allowed
    q = torch.softmax(student.float(), dim=-1) * allowed
    return -(p * torch.log(q + RELEASED_EPSILON)).sum(-1)


def concept_mass(
    reference: Tensor,  # (N, V) logits
    banned: Tensor,  # (N, V) bool
) -> Tensor:
    """Probability that the reference gives to the banned ids at each position: (N,), float32."""
    p = torch.softmax(reference.detach().float(), dim=-1)
    return torch.where(banned, p, p.new_zeros(())).sum(-1)


def misaligned_keep(
    keep: Tensor,  # (N,) bool, K_S of the predicted token
    row: Tensor,  # (N,) int64
) -> Tensor:
    """K_S as the released code applies it, one position late: (N,) bool.

    The released trainer marks the phrase in ``input_ids`` and uses the mark on the logits of the same index,
    which predict the following token. Of each row's answer, the prediction of token i is therefore governed
    by the mark of token i - 1, and the first prediction is never masked. Tokens of a row stand in order.
    """
    late = torch.ones_like(keep)
    late[1:] = keep[:-1] | (row[1:] != row[:-1])
    return late


def dual_masked_kl(
    student: Tensor,  # (N, V) logits
    reference: Tensor,  # (N, V) logits, frozen
    keep: Tensor,  # (N,) bool, True where K_S = 1
    banned: Tensor,  # (R, V) bool, True where K_V = 0 on that row
    row: Tensor,  # (N,) int64
    *,
    variant: Variant = "corrected",
    renormalise: bool = False,
    mass_threshold: float | None = None,
) -> Tensor:
    """The dual-masked KL of each row: (R,), float32. A row with every token masked gives exactly 0.

    Args:
        student: Logits of the model being trained at the positions that predict the answer tokens.
        reference: Logits of the frozen reference at the same positions.
        keep: Token mask.
        banned: Vocabulary mask of each row.
        row: Row of each token.
        variant: ``corrected`` averages over the row's kept tokens. ``paper`` sums over them.
            ``released_code`` sums :func:`released_kl` over them and divides by V; the caller completes the
            released mean by dividing the batch's total by the batch's number of kept positions.
        renormalise: Restrict both distributions to the tokens outside the vocabulary mask (no variant of the
            authors does).
        mass_threshold: Also mask positions where the reference gives the banned ids more than this
            probability (the second reading of "specified tokens", appendix B of the paper). None: off.
    """
    rows, vocabulary = banned.shape
    if mass_threshold is not None:
        keep = keep & (concept_mass(reference, banned[row]) <= mass_threshold)
    student, reference, row = student[keep], reference[keep], row[keep]
    if variant == "released_code":
        return sum_by_row(released_kl(student, reference, banned[row]), row, rows) / vocabulary
    values = masked_kl(student, reference, banned[row], renormalise=renormalise)
    return mean_by_row(values, row, rows) if variant == "corrected" else sum_by_row(values, row, rows)
