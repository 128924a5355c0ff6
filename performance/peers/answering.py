"""Replies one question at a time, the picture prepared and encoded anew for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from unsee.models.load import VLM
from unsee.nouns import Question


@torch.no_grad()
def answer_one_by_one(
    vlm: VLM, questions: Sequence[Question], *, max_new_tokens: int
) -> list[tuple[int, ...]]:
    """Greedy reply tokens, end token left out: the evaluation loop of MLLMU-Bench (arXiv 2410.22108)."""
    replies = []
    for question in questions:
        assert question.picture is not None, question.id
        inputs = vlm.chat.official_row(question.prompt, question.picture)
        made = vlm.model.generate(
            **inputs, do_sample=False, max_new_tokens=max_new_tokens, eos_token_id=list(vlm.chat.end_ids)
        )
        tokens = made[0, inputs["input_ids"].shape[1] :].tolist()
        ended = tokens and tokens[-1] in vlm.chat.end_ids
        replies.append(tuple(tokens[:-1] if ended else tokens))
    return replies
