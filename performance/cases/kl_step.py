"""T2: KL to the reference at the answers of four texts, from the second pass over the same rows on.

Our side has kept the features of the picture and the reference's hidden states at the answers from an earlier
pass; the peer's reference is a copied model that runs anew in every pass.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from performance.cases.adapter import copied, with_adapter
from performance.cases.case import Case, Step, step_of
from performance.peers.mllmu import divergence
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.objectives import forward_kl
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Batch, build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import forward
from unsee.training.reference import Reference, make_reference

KEPT = {"max_bytes": 2**30, "pack_tokens": 1536, "forward_tokens": 8192}


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with token ids."""
    plain = build(shape)
    other, size = copied(plain)
    vlm = with_adapter(plain)
    features = FeatureCache(vlm)

    @cache
    def rows(number: int) -> list[Row]:
        return make_rows(vlm, training_examples(picture(shape, number)))

    @cache
    def before(number: int) -> tuple[Batch, Reference]:
        batch = collate(vlm, build_packs(vlm, rows(number)))
        return batch, make_reference(vlm, rows(number), features=features, **KEPT)

    def ours(number: int, cost: Cost) -> Step:
        batch, reference = before(number)
        table = forward(vlm, batch, cost=cost, features=features)
        kl = forward_kl(table.logits, replace(reference, cost=cost)(vlm, batch.rows).logits)
        return step_of(vlm, table.mean_by_row(kl).mean())

    def peer(number: int) -> Step:
        return step_of(vlm, divergence(vlm, other, rows(number)))

    return Case(
        "T2",
        "KL step at the answers, 4 texts: packed, reference states and picture kept from before",
        "one row per text, all logits of model and copied reference",
        vlm,
        ours,
        peer,
        2 * sum(len(row.labels) for row in rows(0)),  # student and reference
        size,
        before,
    )
