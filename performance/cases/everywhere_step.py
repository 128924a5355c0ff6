"""T3: a retain step of KL minimisation as released with MLLMU-Bench (arXiv 2410.22108) over four texts.

KL to the reference and cross-entropy, both at every position, prompt and picture included. The KL is a sum
over the positions of a row there; its weight of one in a thousand lets the cross-entropy, a mean, have its
say in the gradient on which both sides must agree. It changes nothing about the work.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from performance.cases.adapter import copied, with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.mllmu import released_retain_loss
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.methods.registry import get
from unsee.methods.schedules import Turn
from unsee.packs.cost import Cost
from unsee.packs.everywhere import forward_everywhere
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.training.losses import active_terms, everywhere_roles, start_step

WEIGHT = 1e-3
RETAIN = Turn(None, 0)  # a step of retain rows alone


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with token ids and pixels."""
    plain = build(shape)
    other, size = copied(plain)
    vlm, method = with_adapter(plain), get("ga_kl", {"variant": "released_code", "weight": WEIGHT})
    wanted = everywhere_roles(active_terms(method, RETAIN))

    @cache
    def rows(number: int) -> list[Row]:
        return [
            replace(row, role="retain") for row in make_rows(vlm, training_examples(picture(shape, number)))
        ]

    def ours(number: int, cost: Cost) -> Step:
        features, packs = FeatureCache(vlm), build_packs(vlm, rows(number))
        table = forward_everywhere(vlm, collate(vlm, packs), packs, wanted, cost=cost, features=features)
        return step_of(vlm, start_step(method, rows(number), 1, RETAIN).add(table, {}))

    def peer(number: int) -> Step:
        return step_of(vlm, released_retain_loss(vlm, other, rows(number), WEIGHT))

    return Case(
        "T3",
        "KL and cross-entropy step over all positions, 4 texts: packed, a block of logits at a time, "
        "reference = adapter off",
        "one row per text, all logits of model and copied reference",
        vlm,
        ours,
        peer,
        copies=size,
    )
