"""What membership and memorisation figures read of each position: a few numbers instead of V logits."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Positions at a time: the log-probabilities of a block are held once, as float32.
BLOCK = 256


class Statistics(NamedTuple):
    """Figures of N positions, all (N,), float32 on the logits' device.

    Attributes:
        logp: Log-probability of the label (nats).
        top: Log-probability of the likeliest token; its negative is the Renyi entropy of order infinity.
        best: bool, True where no token is likelier than the label.
        mean: Mean of log p under the distribution itself; its negative is the entropy.
        variance: Variance of log p under the distribution itself (Min-K%++, arXiv 2404.02936).
    """

    logp: Tensor
    top: Tensor
    best: Tensor
    mean: Tensor
    variance: Tensor


@torch.no_grad()
def statistics(
    logits: Tensor,  # (N, V) any float dtype
    labels: Tensor,  # (N,) int64
    *,
    block: int = BLOCK,
) -> Statistics:
    """All figures of each position from one look at its logits; memory is that of ``block`` positions.

    A token that is excluded (logit minus infinity) takes no part in mean and variance.
    """
    starts = range(0, max(1, len(labels)), block)
    parts = [_of_block(logits[i : i + block], labels[i : i + block]) for i in starts]
    return Statistics(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _of_block(logits: Tensor, labels: Tensor) -> Statistics:
    log_p = torch.log_softmax(logits.float(), dim=-1)
    p = log_p.exp()
    finite = log_p.masked_fill(p == 0, 0.0)
    mean = (p * finite).sum(-1)
    # Of the distances from the mean: the difference of two squares would lose a small variance to rounding.
    variance = (p * (finite - mean[:, None]).square()).sum(-1)
    logp, top = log_p.gather(-1, labels[:, None])[:, 0], log_p.amax(-1)
    return Statistics(logp, top, logp >= top, mean, variance)
