"""Divergences between the reference's and the student's next-token distributions."""

from __future__ import annotations

import torch
from torch import Tensor


def forward_kl(
    student: Tensor,  # (N, V) logits
    reference: Tensor,  # (N, V) logits, frozen
) -> Tensor:
    """KL(reference || student) in nats, summed over the vocabulary: (N,), float32, zero or more.

    The frozen reference is the teacher, as in SIU (arXiv 2405.12523) and in the KL-minimising baseline of
    TOFU (arXiv 2401.06121). Tokens that the reference excludes (logit minus infinity) add nothing.
    """
    log_q = torch.log_softmax(student.float(), dim=-1)
    log_p = torch.log_softmax(reference.detach().float(), dim=-1)
    return weighted_gap(log_p, log_q)


def weighted_gap(
    log_p: Tensor,  # (N, V) log-probabilities of the reference
    log_q: Tensor,  # (N, V) log-probabilities of the student
) -> Tensor:
    """Sum over the vocabulary of p (log p - log q), where 0 log 0 is 0: (N,)."""
    p = log_p.exp()
    return torch.where(p > 0, p * (log_p - log_q), p.new_zeros(())).sum(-1)
