"""How sure a model is, at the positions of a picture, of what comes next: what MaxRenyi-K% reads there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from unsee.answering.plan import MAX_BATCH_TOKENS, MAX_ROWS, batches
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.objectives.renyi import BLOCK, ORDERS, renyi_entropies
from unsee.packs.cost import Cost, measure
from unsee.packs.everywhere import plain_head, states_of
from unsee.packs.families import evaluating, layout_of
from unsee.packs.features import FeatureStore
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, question_row
from unsee.packs.vision import looks_across

Entropies = dict[float, tuple[float, ...]]


def picture_entropies(
    vlm: VLM,
    pairs: Sequence[tuple[str, Picture]],
    *,
    orders: Sequence[float] = ORDERS,
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[Entropies]:
    """Renyi entropies (nats) of the next-token distributions at each position of a picture, by order.

    A picture is read with what its template sets before it, as if any question followed. The logits of a
    block of positions exist at a time.

    Args:
        vlm: The model. Its training mode is off inside and restored afterwards.
        pairs: (any question about it, picture).
        orders: Of the entropies (arXiv 2411.02902).
        features: Where features of pictures are kept between calls; None = only for this call.
        cost: Counters to add to.

    Returns:
        One per pair, in order. Empty for models whose pictures have no positions in the text, whose rows
        cannot stand in packs, or whose logits are changed behind the head.
    """
    if not pairs or layout_of(vlm).own or looks_across(vlm) or not plain_head(vlm):
        return [{} for _ in pairs]
    store = FeatureStore(vlm) if features is None else features
    rows = [_read(question_row(vlm, *pair, example=str(i))) for i, pair in enumerate(pairs)]
    packs = build_packs(vlm, rows, max_rows=MAX_ROWS, mix_text=False)
    found: dict[int, Entropies] = {}
    with measure(cost), torch.no_grad(), evaluating(vlm.model):
        for group in batches(packs, max_rows=MAX_ROWS, max_tokens=MAX_BATCH_TOKENS):
            batch = collate(vlm, group)
            states = states_of(vlm, batch, cost=cost, features=store)
            length = batch.input_ids.shape[1]
            for b, pack in enumerate(group):
                for row, order, path in zip(pack.rows, pack.order, pack.paths, strict=True):
                    assert row.image_span is not None
                    places = [b * length + node for node in path[slice(*row.image_span)]]
                    found[order] = _of_states(vlm, states[places], orders, cost)
    return [found[index] for index in range(len(pairs))]


def _read(row: Row) -> Row:
    """The row up to the token behind its picture, which stands in the place of the answer."""
    assert row.image_span is not None, "a row without a picture"
    stop = row.image_span[1]
    return replace(row, role="score", ids=row.ids[: stop + 1], answer_start=stop, keep=(True,), text=(True,))


def _of_states(
    vlm: VLM,
    states: Tensor,  # (N, D)
    orders: Sequence[float],
    cost: Cost | None,
) -> Entropies:
    head = vlm.base.get_output_embeddings()
    blocks = range(0, len(states), BLOCK)
    parts = [renyi_entropies(head(states[start : start + BLOCK]), orders) for start in blocks]
    if cost is not None:
        cost.head_rows += len(states)
    return {order: tuple(value for part in parts for value in part[order].tolist()) for order in orders}
