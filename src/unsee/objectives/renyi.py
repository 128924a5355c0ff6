"""Renyi entropy of next-token distributions, what MaxRenyi-K% reads (arXiv 2411.02902)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

BLOCK = 256  # positions whose log-probabilities are held at a time
ORDERS = (0.5, 1.0, 2.0, math.inf)
"""The orders of arXiv 2411.02902."""


@torch.no_grad()
def renyi_entropies(
    logits: Tensor,  # (N, V)
    orders: Sequence[float] = ORDERS,
    *,
    block: int = BLOCK,
) -> dict[float, Tensor]:
    """Renyi entropies of each distribution in nats, float32, by order: (N,), between 0 and log V.

    ``log(sum p^order) / (1 - order)``; its limits are Shannon's entropy at order 1 and ``-log max p`` at
    infinity. No label is needed, so positions of a picture have one as well.

    Args:
        logits: Any float dtype; log-probabilities are logits as well.
        orders: Above 0.
        block: Positions that are looked at together.
    """
    assert all(order > 0 for order in orders), orders
    parts: dict[float, list[Tensor]] = {order: [] for order in orders}
    for start in range(0, max(1, len(logits)), block) if orders else ():
        log_p = torch.log_softmax(logits[start : start + block].float(), dim=-1)
        for order, values in parts.items():
            values.append(_of_log_p(log_p, order))
    return {order: torch.cat(values) for order, values in parts.items()}


def _of_log_p(
    log_p: Tensor,  # (N, V)
    order: float,
) -> Tensor:
    if order == 1:
        p = log_p.exp()
        return -torch.where(p > 0, p * log_p, 0.0).sum(-1)
    if math.isinf(order):
        return -log_p.amax(-1)
    return (order * log_p).logsumexp(-1) / (1 - order)
