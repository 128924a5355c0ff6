"""Which other pictures are nearest to the concept: those about which the model most nearly says its name.

What forgetting spills over to is what the model takes for the concept, so the model is asked: the nearness of
a picture is the log-probability of the answer "This is NAME." to the question for the name. On the embedded
world this finds look-alikes far better than picture features after the projector do, whose mean says more
about colours and backgrounds than about who is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from unsee.answering.score import score
from unsee.models.load import VLM
from unsee.nouns import Concept, Picture
from unsee.packs.cost import Cost
from unsee.training.texts import fill
from unsee.training.wording import Wording

AnchorChoice = Literal["random", "near"]
MOST_COMPARED = 512  # pictures; each costs a forward pass


def nearest_first(
    vlm: VLM,
    concept: Concept,
    wording: Wording,
    pictures: Sequence[Picture],
    *,
    cost: Cost | None = None,
) -> list[Picture]:
    """The pictures, nearest to the concept first; the first ``MOST_COMPARED`` are compared, others follow.

    Args:
        vlm: The target.
        concept: What must go.
        wording: The first question for the name and the first answer to it are used.
        pictures: Pictures that do not show the concept. Equally near ones are ordered by hash.
        cost: Counters to add to.
    """
    compared, rest = pictures[:MOST_COMPARED], pictures[MOST_COMPARED:]
    prompt = wording.name_questions[0]
    answer = fill(wording.name_answers[0], {"name": concept.name}).text
    scores = score(vlm, [(prompt, answer, picture) for picture in compared], cost=cost)
    near = sorted(zip(compared, scores, strict=True), key=lambda pair: (-pair[1].total, pair[0].hash))
    return [*(picture for picture, _ in near), *rest]
