"""Likelihood of answers: log-probabilities per token, means and sums per row."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "sum"]


def token_logp(
    logits: Tensor,  # (N, V) any float dtype
    labels: Tensor,  # (N,) int64
) -> Tensor:
    """Log-probability (nats, float32) of each label: (N,)."""
    return torch.log_softmax(logits.float(), dim=-1).gather(-1, labels[:, None]).squeeze(-1)


def sum_by_row(
    values: Tensor,  # (N,)
    row: Tensor,  # (N,) int64, the row of each token, in 0..rows-1
    rows: int,
) -> Tensor:
    """Sum of the values of each row: (R,). A row without tokens gives 0."""
    return values.new_zeros(rows).index_add(0, row, values)


def mean_by_row(
    values: Tensor,  # (N,)
    row: Tensor,  # (N,) int64
    rows: int,
    *,
    keep: Tensor | None = None,  # (N,) bool: tokens that take part
) -> Tensor:
    """Mean over the kept tokens of each row: (R,). A row without kept tokens gives exactly 0.

    Dropped tokens are selected away, not multiplied by zero, so a NaN among them does no harm.
    """
    if keep is not None:
        values, row = values[keep], row[keep]
    count = sum_by_row(torch.ones_like(values), row, rows)
    return sum_by_row(values, row, rows) / count.clamp(min=1)


def answer_nll(
    logits: Tensor,  # (N, V)
    labels: Tensor,  # (N,)
    row: Tensor,  # (N,)
    rows: int,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """Negative log-likelihood (nats) of each row's answer, averaged or summed over its tokens: (R,)."""
    nll = -token_logp(logits, labels)
    return mean_by_row(nll, row, rows) if reduction == "mean" else sum_by_row(nll, row, rows)
