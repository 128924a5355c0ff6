"""Edited teachers, and the distances by which a student is drawn to one.

A teacher is a distribution given by logits. Most distillation methods differ only in the edit: the target
with the label's logit lowered (UNDIAL), the student itself without the label (CE-U), the uniform distribution
(maximum entropy), or the target untouched (KL minimising, SCRUB).

Teachers come out frozen; every function works in float32 and gives one value per answer token, in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unsee.objectives.divergences import forward_kl, weighted_gap


def lowered(
    logits: Tensor,  # (N, V) of the target
    labels: Tensor,  # (N,) int64
    beta: float,
) -> Tensor:
    """The target with the label's logit lowered by ``beta``: (N, V) float32 (UNDIAL, arXiv 2402.10052).

    The label's odds against any other token fall by the factor exp(-beta); the others keep their proportions.
    """
    step = torch.full_like(labels, -1, dtype=torch.float32)[:, None] * beta
    return logits.detach().float().scatter_add(1, labels[:, None], step)


def without_label(
    logits: Tensor,  # (N, V) of the student
    labels: Tensor,  # (N,) int64
) -> Tensor:
    """The student itself, frozen, with the label excluded: (N, V) float32 (CE-U, arXiv 2503.01224)."""
    return logits.detach().float().scatter(1, labels[:, None], -torch.inf)


def uniform(
    logits: Tensor,  # (N, V)
) -> Tensor:
    """The uniform distribution: (N, V) zeros, float32."""
    return torch.zeros_like(logits, dtype=torch.float32)


def distil(
    student: Tensor,  # (N, V) logits
    teacher: Tensor,  # (N, V) logits
) -> Tensor:
    """Cross-entropy of the student under the teacher, - sum over v of p_v log q_v: (N,).

    Tokens that the teacher excludes (logit minus infinity) add nothing.
    """
    p = torch.softmax(teacher.detach().float(), dim=-1)
    log_q = torch.log_softmax(student.float(), dim=-1)
    return -torch.where(p > 0, p * log_q, p.new_zeros(())).sum(-1)


def warm_kl(
    student: Tensor,  # (N, V) logits
    teacher: Tensor,  # (N, V) logits
    temperature: float = 1.0,
) -> Tensor:
    """T^2 KL(teacher || student), both at temperature T: (N,), zero or more.

    T^2 keeps the size of the gradient about the same at every temperature (Hinton et al., arXiv 1503.02531).
    """
    return temperature**2 * forward_kl(student.float() / temperature, teacher.float() / temperature)


def reverse_kl(
    student: Tensor,  # (N, V) logits
    teacher: Tensor,  # (N, V) logits
) -> Tensor:
    """KL(student || teacher): (N,), zero or more.

    Its gradient dwells on what the student says, that of ``warm_kl`` on what the teacher says. A token that
    the teacher excludes and the student does not makes it infinite.
    """
    log_q = torch.log_softmax(student.float(), dim=-1)
    log_p = torch.log_softmax(teacher.detach().float(), dim=-1)
    return weighted_gap(log_q, log_p)
