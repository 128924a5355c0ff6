"""E1: fourteen open questions about one picture, answered together or one by one."""

from __future__ import annotations

from performance.cases.case import Case, Replies
from performance.peers.mllmu import answer_one_by_one
from performance.shapes import Shape, build, picture
from performance.texts import open_questions
from unsee.answering import answer
from unsee.packs.cost import Cost

NEW_TOKENS = 20


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with texts and a picture that nothing has seen yet."""
    vlm = build(shape)

    def ours(number: int, cost: Cost) -> Replies:
        questions = open_questions(picture(shape, number))
        replies = answer(vlm, questions, max_new_tokens=NEW_TOKENS, cost=cost)
        return Replies(tuple(reply.tokens for reply in replies))

    def peer(number: int) -> Replies:
        questions = open_questions(picture(shape, number))
        return Replies(tuple(answer_one_by_one(vlm, questions, max_new_tokens=NEW_TOKENS)))

    return Case(
        "E1",
        f"14 open questions about 1 picture, {NEW_TOKENS} new tokens: one shared prefix",
        "one question at a time",
        vlm,
        ours,
        peer,
    )
