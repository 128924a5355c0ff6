"""T1: cross-entropy of four texts about one picture, logits at answer tokens only or at every position.

Both sides lay out one row per text with its own copy of the picture, so only the logits differ.
"""

from __future__ import annotations

from functools import cache

from performance.cases.adapter import with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.mllmu import cross_entropy
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.packs.cost import Cost
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import forward


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with token ids and pixels."""
    vlm = with_adapter(build(shape))

    @cache
    def rows(number: int) -> list[Row]:
        return make_rows(vlm, training_examples(picture(shape, number)))

    def ours(number: int, cost: Cost) -> Step:
        packs = build_packs(vlm, rows(number), max_rows=1)
        table = forward(vlm, collate(vlm, packs), cost=cost)
        return step_of(vlm, -table.logp.mean())

    def peer(number: int) -> Step:
        return step_of(vlm, cross_entropy(vlm, rows(number)))

    return Case(
        "T1",
        "cross-entropy step, 4 texts: logits at answer tokens only",
        "logits at every position",
        vlm,
        ours,
        peer,
        sum(len(row.labels) for row in rows(0)),
    )
