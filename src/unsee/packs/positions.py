"""Position ids of one unpacked row, as the family itself would number it."""

from __future__ import annotations

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.families import has_rope_grid
from unsee.packs.rows import Row


def positions_of(vlm: VLM, row: Row) -> Tensor:  # (A, T) int64; A = 3 for mRoPE families, else 1
    """Positions of each token of ``row``: 0, 1, 2 ... or the three mRoPE coordinates."""
    count = torch.arange(len(row.ids))
    if not has_rope_grid(vlm):
        return count[None]
    if row.picture is None:
        return count.expand(3, -1)
    ids = torch.tensor([row.ids])
    grid = torch.cat([vlm.chat.vision_inputs(picture)["image_grid_thw"].cpu() for picture in row.pictures])
    kinds = (ids == vlm.chat.image_token_id).int()
    positions: Tensor = vlm.base.model.get_rope_index(ids, mm_token_type_ids=kinds, image_grid_thw=grid)[0]
    return positions[:, 0]
