"""The reference's tables during training: computed once for rows that come back, or anew in each step.

Both ways the reference is the same model with its adapter off (fully trained weights: with the original
ones in place). Kept tables are computed before the first step, over all rows in their order, never in
passing: a resumed run then finds the very same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Batch, build_packs, collate, share_forwards
from unsee.packs.reference import AdapterOff
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class Reference:
    """Gives the reference's table for a batch.

    Attributes:
        off: Computes it with the adapter off.
        kept: Logits (answer tokens, V) float32 per example id, on the CPU; empty = compute each time.
    """

    off: AdapterOff
    kept: Mapping[str, Tensor]

    def __call__(self, vlm: VLM, batch: Batch) -> TokenTable:
        """The reference's table with the same tokens in the same order as the student's."""
        if not self.kept:
            return self.off(vlm, batch)
        logits = torch.cat([self.kept[row.example] for row in batch.rows]).to(batch.labels.device)
        assert logits.shape[0] == len(batch.labels), (logits.shape, len(batch.labels))
        assert bool((batch.row[1:] >= batch.row[:-1]).all()), "tokens of a batch stand row by row"
        return TokenTable(logits, batch.labels, batch.row, batch.keep, batch.rows)


def table_bytes(vlm: VLM, rows: Sequence[Row]) -> int:
    """Bytes that the kept logits of these rows take."""
    vocabulary = int(vlm.base.get_output_embeddings().weight.shape[0])
    return sum(len(row.labels) for row in rows) * vocabulary * 4


def make_reference(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    max_bytes: int,
    pack_tokens: int,
    forward_tokens: int,
    features: FeatureCache | None = None,
    cost: Cost | None = None,
) -> Reference:
    """The reference for these rows, kept when the logits fit into ``max_bytes``.

    Args:
        vlm: The model with its adapter attached.
        rows: All rows that will be asked for, each with its own example id.
        max_bytes: Largest size of all kept logits together.
        pack_tokens: Longest pack.
        forward_tokens: Most tokens in one forward pass.
        features: Cached vision features.
        cost: Counters to add to.
    """
    off = AdapterOff(cost=cost, features=features)
    if table_bytes(vlm, rows) > max_bytes:
        return Reference(off, {})
    kept: dict[str, Tensor] = {}
    for group in share_forwards(build_packs(vlm, rows, max_tokens=pack_tokens), forward_tokens):
        table = off(vlm, collate(vlm, group))
        for r, row in enumerate(table.rows):
            kept[row.example] = table.logits[table.row == r].cpu()
    assert len(kept) == len(rows), (len(kept), len(rows))
    return Reference(replace(off, cost=cost), kept)
