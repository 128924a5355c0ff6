"""One padded row per text, each with its own copy of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.rows import Row

IGNORED = -100


@dataclass(frozen=True)
class PaddedRows:
    """B rows of T tokens, padded on the right.

    Attributes:
        input_ids: (B, T) int64.
        attention_mask: (B, T) int64, 0 at padding.
        pixel_values: (B, 3, H, W), the picture of each row.
        labels: (B, T) int64, the answer tokens at their own place, -100 elsewhere.
        keep: (B, T) bool, True at answer tokens that the token mask K_S leaves in.
    """

    input_ids: Tensor
    attention_mask: Tensor
    pixel_values: Tensor
    labels: Tensor
    keep: Tensor

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The arguments of the model."""
        return {
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "pixel_values": self.pixel_values,
        }


def pad_rows(vlm: VLM, rows: Sequence[Row]) -> PaddedRows:
    """Rows as the collators of LLaVA-style trainers lay them out."""
    shape = len(rows), max(len(row.ids) for row in rows)
    ids = torch.full(shape, vlm.tokenizer.pad_token_id)
    attention = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED)
    keep = torch.zeros(shape, dtype=torch.bool)
    pixels = []
    for b, row in enumerate(rows):
        assert row.picture is not None, row.example
        end = len(row.ids)
        ids[b, :end] = torch.tensor(row.ids)
        attention[b, :end] = 1
        labels[b, row.answer_start : end] = torch.tensor(row.labels)
        keep[b, row.answer_start : end] = torch.tensor(row.keep)
        pixels.append(vlm.chat.vision_inputs(row.picture)["pixel_values"])
    return PaddedRows(ids, attention, torch.cat(pixels), labels, keep)
