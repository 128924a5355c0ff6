"""How rows are read: on which rung, and which packs run together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.cost import Cost
from unsee.packs.families import layout_of
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Pack, build_packs, collate
from unsee.packs.prefix import read_rows
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable, answer_logp, forward

MAX_ROWS = 64
MAX_BATCH_TOKENS = 8192


class Read(NamedTuple):
    """What one pass gives.

    Attributes:
        order: Index of each row in the list that was asked for.
        rows: The R rows.
        row: (N,) row index of each answer token, in the order of ``rows``.
        logp: (N,) log-probability of each answer token in nats.
        table: The token table; None where only log-probabilities were asked for and logits were shared.
    """

    order: tuple[int, ...]
    rows: tuple[Row, ...]
    row: Tensor
    logp: Tensor
    table: TokenTable | None = None


def read(
    vlm: VLM, rows: Sequence[Row], *, features: FeatureStore | None, cost: Cost | None, tables: bool
) -> Iterator[Read]:
    """Answer tokens of all rows, pass by pass, on the highest rung that the model allows.

    Packs where it can run them, else a kept prefix, else one row per text (``packs.families``).

    Args:
        vlm: The model, in eval mode.
        rows: Rows with answers.
        features: Where features of pictures are kept between calls; None = only for this call.
        cost: Counters to add to.
        tables: Whether logits are wanted, not just log-probabilities.
    """
    store = FeatureStore(vlm) if features is None else features
    if layout_of(vlm).own:
        limits = {"max_rows": MAX_ROWS, "max_tokens": MAX_BATCH_TOKENS}
        for order, table in read_rows(vlm, rows, features=store, cost=cost, **limits):
            yield Read(order, table.rows, table.row, table.logp, table)
        return
    packs = build_packs(vlm, rows, max_rows=MAX_ROWS, mix_text=False)
    for group in batches(packs, max_rows=MAX_ROWS, max_tokens=MAX_BATCH_TOKENS):
        batch = collate(vlm, group)
        if tables:
            table = forward(vlm, batch, cost=cost, features=store)
            yield Read(batch.order, batch.rows, batch.row, table.logp, table)
        else:
            logp = answer_logp(vlm, batch, cost=cost, features=store)
            yield Read(batch.order, batch.rows, batch.row, logp)


def batches(packs: Sequence[Pack], *, max_rows: int, max_tokens: int) -> Iterator[list[Pack]]:
    """Groups of packs of one route, alike in number of rows and length, so that little is padded.

    Args:
        packs: Any packs.
        max_rows: Most rows in a group, padding included.
        max_tokens: Most tokens in a group, padding included. A larger single pack is a group of its own.
    """
    ordered = sorted(packs, key=lambda pack: (*_kind(pack), len(pack.rows), len(pack)))
    group: list[Pack] = []
    for pack in ordered:
        together = [*group, pack]
        rows = max(len(p.rows) for p in together) * len(together)
        tokens = max(len(p) for p in together) * len(together)
        mixed = _kind(pack) != _kind(together[0])
        if group and (mixed or rows > max_rows or tokens > max_tokens):
            yield group
            group = []
        group = [*group, pack]
    if group:
        yield group


def _kind(pack: Pack) -> tuple[bool, str]:
    """Packs of different kinds never run together."""
    return pack.picture is None, pack.route
