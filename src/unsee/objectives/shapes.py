"""Losses on the shape of the logits alone: how spread out a next-token distribution is."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def entropy(
    logits: Tensor,  # (N, V)
) -> Tensor:
    """Entropy of each next-token distribution in nats, float32: (N,), between 0 and log V."""
    log_q = torch.log_softmax(logits.float(), dim=-1)
    return -(log_q.exp() * log_q).sum(-1)


def confidence(
    logits: Tensor,  # (N, V)
) -> Tensor:
    """KL(student || uniform) = log V - entropy, float32: (N,), 0 when nothing is preferred."""
    return math.log(logits.shape[-1]) - entropy(logits)


def margin(
    logits: Tensor,  # (N, V)
) -> Tensor:
    """Squared distance of the largest logit from the mean logit, float32: (N,) (PDU, arXiv 2506.05314).

    0 only when all logits are equal. The gradient reaches the largest logit and, weakly, all the others.
    """
    logits = logits.float()
    return (logits.max(-1).values - logits.mean(-1)) ** 2
