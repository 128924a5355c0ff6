"""E4: likelihood of answer texts to questions about one picture, in one packed tree or one by one."""

from __future__ import annotations

from performance.cases.case import Case, Figures
from performance.peers.fiubench import options_one_by_one
from performance.shapes import Shape, build, picture
from performance.texts import text_questions
from unsee.answering import score
from unsee.nouns import Question
from unsee.packs.cost import Cost


def prepare(shape: Shape, *, questions: int = 14, options: int = 4) -> Case:
    """The comparison on a shape: mean log-probability per token of every option."""
    vlm = build(shape)

    def asked(number: int) -> list[Question]:
        return text_questions(picture(shape, number), questions, options)

    def ours(number: int, cost: Cost) -> Figures:
        pairs = [(q.prompt, option, q.picture) for q in asked(number) for option in q.options]
        scores = iter(score(vlm, pairs, cost=cost))
        return Figures(tuple(tuple(next(scores).mean for _ in q.options) for q in asked(number)))

    def peer(number: int) -> Figures:
        return Figures(tuple(options_one_by_one(vlm, asked(number))))

    return Case(
        "E4",
        f"{options} option texts to each of {questions} questions: a tree of picture, questions and options",
        "one option at a time, logits at every position",
        vlm,
        ours,
        peer,
    )
