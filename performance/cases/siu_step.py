"""T4: one SIU step (arXiv 2405.12523) over four texts about one picture, packed or in the released layout."""

from __future__ import annotations

from functools import cache

from performance.cases.adapter import copied, with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.siu import siu_loss
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.methods.parts import TARGET
from unsee.methods.registry import get
from unsee.methods.schedules import Turn
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.reference import as_target
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import forward
from unsee.training.losses import start_step
from unsee.training.names import banned_ids


def prepare(shape: Shape, *, rank: int = 16) -> Case:
    """The comparison on a shape; both sides begin with token ids and pixels.

    Our side encodes the picture in every repetition, though training does so once for all steps.
    """
    plain = build(shape)
    other, size = copied(plain)
    vlm, method = with_adapter(plain, rank=rank), get("siu")

    @cache
    def rows(number: int) -> list[Row]:
        examples = training_examples(picture(shape, number))
        return make_rows(vlm, examples, banned=banned_ids(vlm.tokenizer))

    def ours(number: int, cost: Cost) -> Step:
        features = FeatureCache(vlm)
        batch = collate(vlm, build_packs(vlm, rows(number)))
        with as_target(vlm):
            reference = forward(vlm, batch, cost=cost, features=features, reference=True)
        table = forward(vlm, batch, cost=cost, features=features)
        return step_of(vlm, start_step(method, rows(number), 1, Turn(0, 0)).add(table, {TARGET: reference}))

    def peer(number: int) -> Step:
        return step_of(vlm, siu_loss(vlm, other, rows(number)))

    return Case(
        "T4",
        "SIU step, 4 texts about 1 picture: packed, reference = adapter off",
        "one row per text, all logits, copied reference",
        vlm,
        ours,
        peer,
        2 * sum(len(row.labels) for row in rows(0)),  # student and reference
        size,
    )
