"""F1: squared gradients of vision and language weights, added up on the device or on the host."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from performance.cases.case import Case, Step
from performance.peers.mmunlearner import host_squares
from performance.shapes import Shape, build, picture
from performance.texts import profile_examples
from unsee.methods.context import Context
from unsee.methods.parts import Method
from unsee.methods.statistics import fisher
from unsee.models.attach import target_modules
from unsee.models.scopes import Scope
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.rows import make_rows

TEXTS, BATCH = 8, 4


def prepare(shape: Shape) -> Case:
    """The comparison on a shape; both sides begin with texts about one picture."""
    vlm = build(shape)
    parts = [
        [f"{path}.weight" for path in target_modules(vlm, Scope((part,)))] for part in ("vision", "language")
    ]

    @cache
    def examples(number: int) -> list[Example]:
        return profile_examples(picture(shape, number))[:TEXTS]

    def ours(number: int, cost: Cost) -> Step:
        context = Context(vlm, examples(number), Scope(), 0, _no_training, cost=cost)
        return _outcome(fisher(context, examples(number), [*parts[0], *parts[1]], rows=BATCH))

    def peer(number: int) -> Step:
        rows = make_rows(vlm, examples(number))
        batches = [rows[start : start + BATCH] for start in range(0, TEXTS, BATCH)]
        return _outcome(host_squares(vlm, batches, parts))

    return Case(
        "F1",
        f"Fisher diagonal over {TEXTS} texts: packed, one backward for all modules, added where it arises",
        "padded rows, one pass per kind of module, whole gradients squared on the host",
        vlm,
        ours,
        peer,
    )


def _outcome(squares: Mapping[str, Tensor]) -> Step:
    total = torch.stack([square.sum().cpu() for square in squares.values()]).sum()
    return Step(float(total), {name: square.cpu() for name, square in squares.items()})


def _no_training(method: Method, name: str) -> Mapping[str, Tensor]:
    raise AssertionError("nothing is trained here")
