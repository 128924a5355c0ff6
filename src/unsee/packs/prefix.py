"""The rung below packs: what rows begin with alike runs once, and each row goes on from what was kept of it.

For models whose layers make their own masks or carry a state from token to token. What is kept is the model's
own cache: keys and values, states of convolutions and recurrences. Rows that begin with the same pictures, or
without one, share it; where nothing can be shared (``Layout.form`` is ``rows``, or a hook acts) every row is
computed from its first token on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.attention import choices
from unsee.packs.cost import Cost, phase
from unsee.packs.families import layout_of
from unsee.packs.features import FeatureStore
from unsee.packs.pack import build_packs, collate, share_forwards
from unsee.packs.positions import positions_of
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable, forward, picture_inputs

# Kept keys and values are copied for each row of a pass: this many positions at most.
COPIED = 65536


@dataclass(frozen=True)
class Start:
    """Rows that begin alike.

    Attributes:
        rows: The rows.
        order: Index of each one in the list that was asked for.
        common: How many tokens they begin with alike; 0 = nothing is shared.
    """

    rows: tuple[Row, ...]
    order: tuple[int, ...]
    common: int


def starts(vlm: VLM, rows: Sequence[Row]) -> list[Start]:
    """The rows by what they begin with: the same pictures, and as many tokens as all of them share.

    The token behind which an answer begins is never shared, nor is a picture cut: its logits are a row's own.
    """
    groups: dict[object, list[int]] = {}
    for index, row in enumerate(rows):
        end = row.image_span[1] if row.image_span else 0
        pictures = tuple(picture.hash for picture in row.pictures)
        groups.setdefault((pictures, row.ids[:end]), []).append(index)
    shares = layout_of(vlm).form == "prefix" and vlm.hook is None
    return [
        Start(tuple(rows[i] for i in group), tuple(group), _common([rows[i] for i in group]) if shares else 0)
        for group in groups.values()
    ]


def _common(rows: Sequence[Row]) -> int:
    longest = min(row.answer_start for row in rows) - 1
    first = rows[0].ids
    shared = next((i for i in range(longest) if any(row.ids[i] != first[i] for row in rows)), longest)
    return shared if len(rows) > 1 and shared >= (rows[0].image_span or (0, 0))[1] else 0


def keep(vlm: VLM, start: Start, *, features: FeatureStore | None = None, cost: Cost | None = None) -> Any:
    """The model's cache behind the common tokens of some rows: a batch of one, without gradient."""
    first = start.rows[0]
    asked = replace(first, ids=first.ids[: start.common], answer_start=start.common, keep=(), text=())
    batch = collate(vlm, build_packs(vlm, [asked]))
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    with torch.no_grad(), phase(cost, "prefix"):
        cache = vlm.base.model(
            input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=True, **pictures
        ).past_key_values
    if cost is not None:
        cost.forward(tokens=batch.tokens, head_rows=0)
    return cache


def copies(cache: Any, count: int) -> Any:
    """The cache of a batch of one for ``count`` rows; the original stays as it is."""
    made = copy.deepcopy(cache)
    made.reorder_cache(torch.zeros(count, dtype=torch.long))
    return made


def read_rows(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    features: FeatureStore,
    cost: Cost | None = None,
    max_rows: int,
    max_tokens: int,
) -> Iterator[tuple[tuple[int, ...], TokenTable]]:
    """Token tables of all rows, without gradient, each with the indices of its rows.

    Args:
        vlm: A model that makes its own masks (``Layout.own``), in eval mode.
        rows: Rows with answers.
        features: Where features of pictures are kept.
        cost: Counters to add to.
        max_rows: Most rows in a pass.
        max_tokens: Most tokens in a pass, padding included.
    """
    alone: list[int] = []
    with torch.no_grad():
        for start in starts(vlm, rows):
            if start.common:
                cache = keep(vlm, start, features=features, cost=cost)
                for chosen in _passes(start, max_rows, max_tokens):
                    order = tuple(start.order[i] for i in chosen)
                    yield order, _go_on(vlm, [rows[i] for i in order], start.common, cache, cost)
            else:
                alone += start.order
        for shown in (True, False):  # apart, as some families treat text alone in another way
            chosen = [i for i in alone if (rows[i].picture is not None) == shown]
            for group in share_forwards(build_packs(vlm, [rows[i] for i in chosen]), max_tokens):
                batch = collate(vlm, group)
                order = tuple(chosen[i] for i in batch.order)
                yield order, forward(vlm, batch, features=features, cost=cost)


def _passes(start: Start, max_rows: int, max_tokens: int) -> Iterator[list[int]]:
    """Indices of rows that go on together, shortest first, so that little is padded."""
    lengths = [len(row.ids) - start.common for row in start.rows]
    group: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        count = len(group) + 1
        full = count > max_rows or count * lengths[i] > max_tokens or count * start.common > COPIED
        if group and full:
            yield group
            group = []
        group = [*group, i]
    yield group


def _go_on(vlm: VLM, rows: Sequence[Row], common: int, cache: Any, cost: Cost | None) -> TokenTable:
    """The token table of rows from behind their common tokens on, padded right."""
    lengths = [len(row.ids) - common for row in rows]
    width = max(lengths)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), common + width), dtype=torch.long)
    where: list[int] = []
    for r, row in enumerate(rows):
        ids[r, : lengths[r]] = torch.tensor(row.ids[common:])
        mask[r, : common + lengths[r]] = 1
        where += range(r * width + row.answer_start - 1 - common, r * width + lengths[r] - 1)
    wanted = torch.zeros(len(rows) * width, dtype=torch.bool)
    wanted[where] = True
    with phase(cost, "forward"):
        logits = vlm.model(
            input_ids=ids.to(vlm.device),
            attention_mask=mask.to(vlm.device),
            position_ids=positions_behind(vlm, rows, common),
            past_key_values=copies(cache, len(rows)),
            use_cache=True,
            logits_to_keep=wanted.view(len(rows), width).to(vlm.device),
        ).logits
    if cost is not None:
        cost.forward(tokens=ids.numel(), head_rows=len(where))
        cost.texts(rows)
        cost.notes.update(choices(vlm))
    labels = torch.tensor([label for row in rows for label in row.labels])
    index = torch.arange(len(rows)).repeat_interleave(torch.tensor([len(row.labels) for row in rows]))
    flags = torch.tensor([flag for row in rows for flag in row.keep])
    labels, index, flags = (x.to(vlm.device) for x in (labels, index, flags))
    return TokenTable(logits.float(), labels, index, flags, tuple(rows))


def positions_behind(vlm: VLM, rows: Sequence[Row], common: int) -> Tensor:
    """(B, T), or (A, B, T) in mRoPE families: position ids behind the common tokens, 0 at padding."""
    each = [positions_of(vlm, row)[:, common:] for row in rows]
    found = torch.zeros((len(each[0]), len(rows), max(x.shape[1] for x in each)), dtype=torch.long)
    for r, positions in enumerate(each):
        found[:, r, : positions.shape[1]] = positions
    return (found if len(found) > 1 else found[0]).to(vlm.device)
