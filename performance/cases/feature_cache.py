"""C1: three steps over the same packed texts with the picture encoded once, or in every step."""

from __future__ import annotations

from functools import cache

import torch

from performance.cases.adapter import with_adapter
from performance.cases.case import Case, Step, step_of
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache, FeatureStore
from unsee.packs.pack import Batch, build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward

STEPS = 3


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides are packed."""
    vlm = with_adapter(build(shape))

    @cache
    def batch(number: int) -> Batch:
        return collate(vlm, build_packs(vlm, make_rows(vlm, training_examples(picture(shape, number)))))

    def steps(number: int, cost: Cost, features: FeatureStore | None) -> Step:
        done = []
        for _ in range(STEPS):
            table = forward(vlm, batch(number), cost=cost, features=features)
            done.append(step_of(vlm, -table.logp.mean()))
        names = done[0].gradients
        summed = {name: torch.stack([step.gradients[name] for step in done]).sum(0) for name in names}
        return Step(sum(step.loss for step in done), summed)

    return Case(
        "C1",
        f"{STEPS} packed steps: the picture encoded once",
        "the same, the picture encoded in every step",
        vlm,
        lambda number, cost: steps(number, cost, FeatureCache(vlm)),
        lambda number: steps(number, Cost(), None),
        STEPS * sum(len(row.labels) for row in batch(0).rows),
    )
