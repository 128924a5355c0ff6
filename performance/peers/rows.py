"""One padded row per text, each with its own copy of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.packs.families import has_rope_grid
from unsee.packs.rows import Row

IGNORED = -100


@dataclass(frozen=True)
class PaddedRows:
    """B rows of T tokens, padded on the right, on the model's device.

    Attributes:
        inputs: The arguments of the model: (B, T) ids and attention mask, and the inputs of B pictures.
        labels: (B, T) int64, the answer tokens at their own place, -100 elsewhere.
        keep: (B, T) bool, True at answer tokens that the token mask K_S leaves in.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor
    keep: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(B, T)."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def answer(self) -> Tensor:
        """(B, T - 1) float32, 1 where the next token is one of the answer."""
        return (self.labels[:, 1:] != IGNORED).float()


def pad_rows(vlm: VLM, rows: Sequence[Row]) -> PaddedRows:
    """Rows as the collators of LLaVA-style trainers lay them out; both sides begin with prepared pixels."""
    shape = len(rows), max(len(row.ids) for row in rows)
    ids = torch.full(shape, vlm.tokenizer.pad_token_id)
    attention = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED)
    keep = torch.zeros(shape, dtype=torch.bool)
    for b, row in enumerate(rows):
        end = len(row.ids)
        ids[b, :end] = torch.tensor(row.ids)
        attention[b, :end] = 1
        labels[b, row.answer_start : end] = torch.tensor(row.labels)
        keep[b, row.answer_start : end] = torch.tensor(row.keep)
    inputs = {"input_ids": ids, "attention_mask": attention}
    if has_rope_grid(vlm):
        inputs["mm_token_type_ids"] = (ids == vlm.chat.image_token_id).int()
    inputs |= _pictures(vlm, rows)
    moved = {key: value.to(vlm.device) for key, value in inputs.items()}
    return PaddedRows(moved, labels.to(vlm.device), keep.to(vlm.device))


def _pictures(vlm: VLM, rows: Sequence[Row]) -> dict[str, Tensor]:
    """The model's inputs of every row's picture, one copy per row."""
    found = []
    for row in rows:
        assert row.picture is not None, row.example
        found.append(vlm.chat.vision_inputs(row.picture))
    return {key: torch.cat([one[key] for one in found]) for key in found[0]}


def one_row(vlm: VLM, row: Row) -> Tensor:
    """(T - 1, V) float32 log-probabilities of everything that follows in one row alone, from full logits."""
    logits = vlm.model(**pad_rows(vlm, [row]).inputs).logits[0, :-1]
    return torch.log_softmax(logits.float(), dim=-1)


def answer_logp(vlm: VLM, row: Row) -> Tensor:
    """(n,) log-probability of each answer token of one row alone."""
    labels = torch.tensor(row.labels, device=vlm.device)
    return one_row(vlm, row)[row.answer_start - 1 :].gather(1, labels[:, None])[:, 0]
