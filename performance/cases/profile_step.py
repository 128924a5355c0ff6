"""T5: cross-entropy of the fourteen texts of one person, packed or in rows of their own."""

from __future__ import annotations

from functools import cache

from performance.cases.adapter import with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.mllmu import cross_entropy
from performance.shapes import Shape, build, picture
from performance.texts import profile_examples
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import forward


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with token ids and pixels."""
    vlm = with_adapter(build(shape))

    @cache
    def rows(number: int) -> list[Row]:
        return make_rows(vlm, profile_examples(picture(shape, number)))

    def ours(number: int, cost: Cost) -> Step:
        batch = collate(vlm, build_packs(vlm, rows(number)))
        table = forward(vlm, batch, cost=cost, features=FeatureCache(vlm))
        return step_of(vlm, -table.logp.mean())

    def peer(number: int) -> Step:
        return step_of(vlm, cross_entropy(vlm, rows(number)))

    return Case(
        "T5",
        "cross-entropy step, the 14 texts of a person: packed behind one picture",
        "one row per text, logits at every position",
        vlm,
        ours,
        peer,
        sum(len(row.labels) for row in rows(0)),
    )
