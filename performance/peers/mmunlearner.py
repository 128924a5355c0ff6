"""The weight selection of MMUnlearner (arXiv 2502.11051), by layout.

The forget set is gone through once for the vision modules and once more for the language modules, with a full
backward pass each time; after every batch each gradient tensor goes to the host, is squared and added there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from performance.peers.rows import pad_rows
from unsee.models.load import VLM
from unsee.packs.rows import Row


def host_squares(
    vlm: VLM, batches: Sequence[Sequence[Row]], parts: Sequence[Sequence[str]]
) -> Mapping[str, Tensor]:
    """Mean over batches of the squared gradient of the batch's loss, by parameter name, on the host.

    Args:
        vlm: The target.
        batches: Rows whose loss, a mean over rows of means over answer tokens, is differentiated together.
        parts: Names of the parameters of each pass.
    """
    weights = dict(vlm.model.named_parameters())
    trained = {name: weight.requires_grad for name, weight in weights.items()}
    vlm.model.requires_grad_(True)
    sums: dict[str, Tensor] = {}
    for names in parts:
        for rows in batches:
            vlm.model.zero_grad()
            _loss(vlm, rows).backward()
            for name in names:
                gradient = weights[name].grad
                square = torch.zeros_like(weights[name]) if gradient is None else gradient
                square = square.detach().clone().cpu() ** 2 / len(batches)
                sums[name] = sums[name] + square if name in sums else square
    vlm.model.zero_grad(set_to_none=True)
    for name, weight in weights.items():
        weight.requires_grad_(trained[name])
    return sums


def _loss(vlm: VLM, rows: Sequence[Row]) -> Tensor:
    batch = pad_rows(vlm, rows)
    log_p = torch.log_softmax(vlm.model(**batch.inputs).logits[:, :-1].float(), dim=-1)
    nll = -log_p.gather(-1, batch.labels[:, 1:].clamp(min=0)[..., None])[..., 0]
    return ((nll * batch.answer).sum(1) / batch.answer.sum(1)).mean()
