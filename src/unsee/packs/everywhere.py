"""Objectives over every position of a row, prompt and picture included, without (B, T, V) logits.

Positions that rows share are computed once and counted for each of these rows, so every row's mean is that of
the row alone. The hidden states of all positions are kept; their logits exist a block at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.models.hooks import at_work
from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.objectives.chunked import BLOCK, chunked_kl, chunked_logp
from unsee.objectives.likelihood import mean_by_row
from unsee.packs.cost import Cost, phase
from unsee.packs.families import check_packable, dense_mask, evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch, Pack
from unsee.packs.tokens import picture_inputs


@dataclass(frozen=True)
class Steps:
    """Every step from a token to the next one in every row of a batch.

    N steps, M different ones among them, from P different positions: behind one position rows may part.

    Attributes:
        places: (P,) flat position b * T + t at which tokens are predicted.
        place: (M,) which of the P positions each different step starts from.
        labels: (M,) the token that follows.
        back: (N,) which of the M steps each step of each row is.
        row: (N,) row index, in the order of ``Batch.rows``.
    """

    places: Tensor
    place: Tensor
    labels: Tensor
    back: Tensor
    row: Tensor


def steps_of(batch: Batch, packs: Sequence[Pack]) -> Steps:
    """The steps of a batch that was made of these packs."""
    length = batch.input_ids.shape[1]
    place = {order: r for r, order in enumerate(batch.order)}
    lines = [
        (place[order], [b * length + node for node in path], row.ids)
        for b, pack in enumerate(packs)
        for row, order, path in zip(pack.rows, pack.order, pack.paths, strict=True)
    ]
    lines.sort(key=lambda line: line[0])
    pairs = [
        (position, token)
        for _, path, ids in lines
        for position, token in zip(path[:-1], ids[1:], strict=True)
    ]
    known = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    places = {position: i for i, position in enumerate(dict.fromkeys(position for position, _ in pairs))}
    device = batch.input_ids.device
    counts = torch.tensor([len(path) - 1 for _, path, _ in lines])
    return Steps(
        torch.tensor(list(places), device=device),
        torch.tensor([places[position] for position, _ in known], device=device),
        torch.tensor([token for _, token in known], device=device),
        torch.tensor([known[pair] for pair in pairs], device=device),
        torch.arange(len(lines)).repeat_interleave(counts).to(device),
    )


def states_of(
    vlm: VLM,
    batch: Batch,
    *,
    cost: Cost | None = None,
    features: FeatureStore | None = None,
    reference: bool = False,
) -> Tensor:
    """(B * T, D) what the vocabulary head would read at every position; no position goes through the head.

    Raises:
        UserError: The model cannot run packs, or changes its logits behind the head.
    """
    check_packable(vlm)
    if getattr(vlm.base.config.get_text_config(), "final_logit_softcapping", None) is not None:
        raise UserError(
            "this model changes its logits behind the vocabulary head",
            got=vlm.base.config.model_type,
            expected="a model whose logits are those of its head",
            remedy="use an objective over answer tokens",
        )
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    with phase(cost, "reference" if reference else "forward"), at_work(vlm, batch.passage):
        out: Any = vlm.base.model(
            input_ids=batch.input_ids,
            attention_mask=dense_mask(vlm, batch.attention_mask),
            position_ids=batch.position_ids,
            use_cache=False,
            **pictures,
        )
    if cost is not None:
        cost.forward(tokens=batch.tokens, head_rows=0, reference=reference)
        cost.texts(batch.rows, reference=reference)
    states: Tensor = out.last_hidden_state
    return states.flatten(0, 1)


def reference_states(
    vlm: VLM, batch: Batch, *, cost: Cost | None = None, features: FeatureStore | None = None
) -> Tensor:
    """:func:`states_of` of the target: the same model with its adapter off, without gradient."""
    with torch.no_grad(), vlm.adapter_off(), evaluating(vlm.model):
        return states_of(vlm, batch, cost=cost, features=features, reference=True)


def kl_everywhere(
    vlm: VLM,
    steps: Steps,
    states: Tensor,  # (B * T, D)
    reference: Tensor,  # (B * T, D)
    *,
    block: int = BLOCK,
    cost: Cost | None = None,
) -> Tensor:
    """Mean KL(reference || model) over all positions of each row that predict a token: (R,), nats.

    The vocabulary head must be frozen: student and reference share it.
    """
    head = vlm.base.get_output_embeddings()
    values = chunked_kl(states[steps.places], reference[steps.places], head, head, block=block)
    _count_head(cost, 2 * len(steps.places))
    return mean_by_row(values[steps.place][steps.back], steps.row, int(steps.row.max()) + 1)


def nll_everywhere(
    vlm: VLM,
    steps: Steps,
    states: Tensor,  # (B * T, D)
    *,
    block: int = BLOCK,
    cost: Cost | None = None,
) -> Tensor:
    """Mean negative log-likelihood of all tokens of each row but its first: (R,), nats."""
    head = vlm.base.get_output_embeddings()
    values = -chunked_logp(states[steps.places[steps.place]], steps.labels, head, block=block)
    _count_head(cost, len(steps.place))
    return mean_by_row(values[steps.back], steps.row, int(steps.row.max()) + 1)


def _count_head(cost: Cost | None, rows: int) -> None:
    """With a gradient every block goes through the head once more."""
    if cost is not None:
        cost.head_rows += 2 * rows if torch.is_grad_enabled() else rows
