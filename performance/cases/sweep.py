"""S1: a first step for each of three concepts, on a base that stays in memory or is loaded for each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from performance.cases.adapter import with_adapter
from performance.cases.case import Case, Step, step_of
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.models.adapters import detach
from unsee.models.load import VLM, load
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward

CONCEPTS = 3


def prepare(shape: Shape, *, concepts: int = CONCEPTS) -> Case:
    """The comparison on a shape; both sides train packed, and only one of them loads."""
    plain = build(shape)
    folder = tempfile.TemporaryDirectory(prefix="unsee-sweep-")
    plain.model.save_pretrained(folder.name)
    plain.processor.save_pretrained(folder.name)

    def ours(number: int, cost: Cost) -> Step:
        return _together([_first_step(plain, shape, number, c, cost) for c in range(concepts)])

    def peer(number: int) -> Step:
        steps = []
        for c in range(concepts):
            loaded = load(Path(folder.name), device=str(plain.device), dtype=shape.dtype)
            loaded.model.requires_grad_(False)
            steps.append(_first_step(loaded, shape, number, c, Cost()))
        return _together(steps)

    return Case(
        "S1",
        f"{concepts} concepts, one step each: the base stays in memory, adapters change",
        "the base loaded anew for each concept",
        plain,
        ours,
        peer,
    )


def _first_step(base: VLM, shape: Shape, number: int, concept: int, cost: Cost) -> Step:
    vlm = with_adapter(base, seed=1 + concept)
    rows = make_rows(vlm, training_examples(picture(shape, 1000 * number + concept)))
    batch = collate(vlm, build_packs(vlm, rows))
    step = step_of(vlm, -forward(vlm, batch, cost=cost, features=FeatureCache(vlm)).logp.mean())
    detach(vlm)
    return step


def _together(steps: list[Step]) -> Step:
    gradients = {f"{c}.{name}": g for c, step in enumerate(steps) for name, g in step.gradients.items()}
    return Step(sum(step.loss for step in steps), gradients)
