"""E1: open questions about one picture, or several, answered together or one by one."""

from __future__ import annotations

from performance.cases.case import Case, Replies
from performance.peers.mllmu import answer_one_by_one
from performance.shapes import Shape, build, picture
from performance.texts import open_questions
from unsee.answering import answer
from unsee.nouns import Question
from unsee.packs.cost import Cost

NEW_TOKENS = 20


def prepare(shape: Shape, *, questions: int = 14, pictures: int = 1, new_tokens: int = NEW_TOKENS) -> Case:
    """The comparison on a shape; both sides begin with texts and pictures that nothing has seen yet."""
    vlm = build(shape)

    def asked(number: int) -> list[Question]:
        shown = [picture(shape, 1000 * number + i) for i in range(pictures)]
        return [question for one in shown for question in open_questions(one, questions)]

    def ours(number: int, cost: Cost) -> Replies:
        replies = answer(vlm, asked(number), max_new_tokens=new_tokens, cost=cost)
        return Replies(tuple(reply.tokens for reply in replies))

    def peer(number: int) -> Replies:
        return Replies(tuple(answer_one_by_one(vlm, asked(number), max_new_tokens=new_tokens)))

    return Case(
        "E1",
        f"{questions} open questions about {pictures} picture(s), {new_tokens} new tokens: shared prefix",
        "one question at a time",
        vlm,
        ours,
        peer,
    )
