"""E2: fourteen questions about one picture behind the same four examples, together or one by one."""

from __future__ import annotations

from performance.cases.case import Case, Replies
from performance.peers.mllmu import answer_few_shot
from performance.shapes import Shape, build, picture
from performance.texts import DEMOS, few_shot_texts
from unsee.answering import answer_rows
from unsee.nouns import Picture
from unsee.packs.cost import Cost
from unsee.packs.rows import raw_row

NEW_TOKENS = 8
EXAMPLE = 10_000  # the seed of the examples' picture


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; the examples repeat one picture, as in MLLMU-Bench (arXiv 2410.22108)."""
    vlm = build(shape)
    texts = few_shot_texts()

    def shown(number: int) -> list[Picture]:
        return [*[picture(shape, EXAMPLE + number)] * DEMOS, picture(shape, number)]

    def ours(number: int, cost: Cost) -> Replies:
        pictures = shown(number)
        rows = [raw_row(vlm, text, pictures, example=str(i)) for i, text in enumerate(texts)]
        replies = answer_rows(vlm, rows, max_new_tokens=NEW_TOKENS, cost=cost)
        return Replies(tuple(reply.tokens for reply in replies))

    def peer(number: int) -> Replies:
        return Replies(tuple(answer_few_shot(vlm, texts, shown(number), max_new_tokens=NEW_TOKENS)))

    return Case(
        "E2",
        f"14 questions behind {DEMOS} examples with pictures, {NEW_TOKENS} new tokens: one shared prefix",
        "one question at a time, all pictures again",
        vlm,
        ours,
        peer,
    )
