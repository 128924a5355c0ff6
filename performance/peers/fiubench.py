"""FIUBench (arXiv 2411.03554): likelihoods of right and perturbed answers, by layout.

Every answer is a row of its own with its own copy of the picture, batch of one, logits at every position.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from performance.peers.rows import answer_logp
from unsee.models.load import VLM
from unsee.nouns import Question
from unsee.packs.rows import scored_row


@torch.no_grad()
def options_one_by_one(vlm: VLM, questions: Sequence[Question]) -> list[tuple[float, ...]]:
    """Mean log-probability per token of each option of each question."""
    return [
        tuple(
            float(answer_logp(vlm, scored_row(vlm, question.prompt, option, question.picture)).mean())
            for option in question.options
        )
        for question in questions
    ]
