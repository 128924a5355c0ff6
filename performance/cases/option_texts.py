"""E4: likelihood of four answer texts to each of fourteen questions, in one packed tree or one by one."""

from __future__ import annotations

from performance.cases.case import Case, Figures
from performance.peers.fiubench import options_one_by_one
from performance.shapes import Shape, build, picture
from performance.texts import text_questions
from unsee.answering import score
from unsee.packs.cost import Cost


def prepare(shape: Shape) -> Case:
    """The comparison on a shape: mean log-probability per token of every option."""
    vlm = build(shape)

    def ours(number: int, cost: Cost) -> Figures:
        questions = text_questions(picture(shape, number))
        pairs = [(q.prompt, option, q.picture) for q in questions for option in q.options]
        scores = iter(score(vlm, pairs, cost=cost))
        return Figures(tuple(tuple(next(scores).mean for _ in q.options) for q in questions))

    def peer(number: int) -> Figures:
        return Figures(tuple(options_one_by_one(vlm, text_questions(picture(shape, number)))))

    return Case(
        "E4",
        "4 option texts to each of 14 questions: one tree of picture, questions and options",
        "one option at a time, logits at every position",
        vlm,
        ours,
        peer,
    )
