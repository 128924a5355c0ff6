"""The released trainer of SIU (arXiv 2405.12523), by layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from performance.peers.rows import pad_rows
from unsee.models.load import VLM
from unsee.packs.rows import Row


def siu_loss(
    vlm: VLM, reference: Any, rows: Sequence[Row], *, alpha: float = 0.9, beta: float = 0.75
) -> Tensor:
    """One SIU step.

    Both models give logits at all positions of all rows; the vocabulary mask has the size of the logits; the
    masked divergence is computed everywhere and multiplied by the token mask. Three things are not those of
    the released trainer but of ``variant: corrected``, since otherwise the outcomes could not be compared:
    the masks act where the answer is predicted, means are over tokens and then rows, and the logarithm has
    no 1e-12. Activation checkpointing is left out, in the peer's favour.
    """
    batch = pad_rows(vlm, rows)
    logits = vlm.model(**batch.inputs).logits[:, :-1].float()
    with torch.no_grad():
        frozen = reference(**batch.inputs).logits[:, :-1].float()
    labels, keep = batch.labels[:, 1:], batch.keep[:, 1:]
    log_q = torch.log_softmax(logits, dim=-1)
    nll = -log_q.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    log_p = torch.log_softmax(frozen, dim=-1)
    divergence = (log_p.exp() * (log_p - log_q) * _allowed(logits, rows)).sum(-1)
    return alpha * _row_mean(nll, batch.answer).mean() + beta * _row_mean(divergence, keep.float()).mean()


def _allowed(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    """(B, T, V) vocabulary mask K_V, 0 at the tokens of the name."""
    allowed = torch.ones_like(logits)
    for b, row in enumerate(rows):
        allowed[b, :, list(row.banned)] = 0.0
    return allowed


def _row_mean(values: Tensor, weights: Tensor) -> Tensor:  # (B, T), (B, T) -> (B,)
    return (values * weights).sum(1) / weights.sum(1)
