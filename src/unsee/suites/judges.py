"""Any model at hand as a judge of replies."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.answering import answer
from unsee.metrics.judging import AskingJudge
from unsee.models.load import VLM
from unsee.nouns import Question
from unsee.packs.cost import Cost

LONGEST_REPLY = 8


def model_judge(vlm: VLM, name: str, *, batch_size: int = 16, cost: Cost | None = None) -> AskingJudge:
    """A judge that is a model: asked in words only, greedily.

    Args:
        vlm: The model; it should be another one than the one that is judged.
        name: What the figures call it.
        batch_size: Questions decoded together.
        cost: Counters to add to.
    """

    def ask(prompts: Sequence[str]) -> list[str]:
        asked = [
            Question(f"judge{i}", p.replace(vlm.chat.image_token, " "), "open") for i, p in enumerate(prompts)
        ]
        replies = answer(vlm, asked, max_new_tokens=LONGEST_REPLY, batch_size=batch_size, cost=cost)
        return [reply.text for reply in replies]

    return AskingJudge(name, ask)
