"""The slow way for every family: one sequence per question, stock forward, full logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.rows import Row

NOT_INPUTS = ("labels",)


def inputs_of(vlm: VLM, ids: tuple[int, ...], asked: int, picture: Picture | None) -> dict[str, Any]:
    """What the family's processor returns for a row whose first ``asked`` tokens are the question."""
    row = torch.tensor([ids])
    made: dict[str, Any] = {"input_ids": row, "attention_mask": torch.ones_like(row)}
    family, image = vlm.base.config.model_type, (row == vlm.chat.image_token_id).int()
    if picture is not None:
        made |= vlm.chat.vision_inputs(picture)
    if family == "paligemma":
        made["token_type_ids"] = (torch.arange(len(ids)) >= asked).int()[None]
    if family == "gemma3":
        made["token_type_ids"] = image
    if family.startswith("qwen"):
        made["mm_token_type_ids"] = image
    if "cross_attention_mask" in made:
        seen = image.cumsum(dim=1).clamp(max=1)[:, :, None, None]
        made["cross_attention_mask"] = seen * made["cross_attention_mask"]
    return made


def check_inputs(vlm: VLM, prompt: str, picture: Picture) -> None:
    """The inputs above are those of the processor itself, key by key."""
    official = vlm.chat.official_row(prompt, picture)
    encoded = vlm.chat.encode(prompt, None, picture)
    made = inputs_of(vlm, encoded.ids, len(encoded.ids), picture)
    wanted = {key: value for key, value in official.items() if key not in NOT_INPUTS}
    if "mm_token_type_ids" not in wanted:
        made.pop("mm_token_type_ids", None)
    assert wanted.keys() == made.keys(), wanted.keys() ^ made.keys()
    for key, value in wanted.items():
        torch.testing.assert_close(made[key].float(), value.float(), msg=key, rtol=0, atol=0)


def plain_logits(vlm: VLM, row: Row) -> Tensor:
    """(n, V) logits that predict each answer token, from full logits of this row alone."""
    logits = vlm.model(**inputs_of(vlm, row.ids, row.answer_start, row.picture)).logits[0].float()
    return logits[row.answer_start - 1 : len(row.ids) - 1]


def plain_logp(vlm: VLM, row: Row) -> Tensor:
    """(n,) log-probability of each answer token of ``row``."""
    labels = torch.tensor(row.labels)
    return torch.log_softmax(plain_logits(vlm, row), dim=-1).gather(1, labels[:, None])[:, 0]
