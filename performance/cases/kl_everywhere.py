"""T3: KL to the reference over every position of four texts, prompt and picture included; the same value."""

from __future__ import annotations

from functools import cache

from performance.cases.adapter import copied, with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.mllmu import divergence
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.packs.cost import Cost
from unsee.packs.everywhere import kl_everywhere, reference_states, states_of, steps_of
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with token ids and pixels."""
    plain = build(shape)
    other, size = copied(plain)
    vlm = with_adapter(plain)

    @cache
    def rows(number: int) -> list[Row]:
        return make_rows(vlm, training_examples(picture(shape, number)))

    def ours(number: int, cost: Cost) -> Step:
        features, packs = FeatureCache(vlm), build_packs(vlm, rows(number))
        batch = collate(vlm, packs)
        reference = reference_states(vlm, batch, cost=cost, features=features)
        states = states_of(vlm, batch, cost=cost, features=features)
        return step_of(vlm, kl_everywhere(vlm, steps_of(batch, packs), states, reference, cost=cost).mean())

    def peer(number: int) -> Step:
        return step_of(vlm, divergence(vlm, other, rows(number), everywhere=True))

    return Case(
        "T3",
        "KL step over all positions, 4 texts: packed, a block of logits at a time, reference = adapter off",
        "one row per text, all logits of model and copied reference",
        vlm,
        ours,
        peer,
        copies=size,
    )
