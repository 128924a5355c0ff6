"""Which rows each step takes: drawn by the seed and the step alone, so that a resumed run takes the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from unsee.methods.parts import ANCHOR_ROLES
from unsee.packs.rows import Row


@dataclass(frozen=True)
class StepPlan:
    """Two named sets, mixed in every step.

    ``main`` is what the method asks for about the concept: each pass takes every row once, ``batch`` rows a
    step. ``anchor`` is about other pictures: every step adds ``anchors`` of them, in a shuffled round.

    Attributes:
        main: Indices of the rows of the main set.
        anchor: Indices of the rows about other pictures.
        batch: Main rows per step.
        anchors: Anchor rows per step.
        passes: Passes over the main set.
        seed: Decides every order.
    """

    main: tuple[int, ...]
    anchor: tuple[int, ...]
    batch: int
    anchors: int
    passes: int
    seed: int
    _orders: dict[tuple[str, int], list[int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def steps_per_pass(self) -> int:
        """Steps until every main row was taken once."""
        return math.ceil(len(self.main) / self.batch)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.steps_per_pass * self.passes

    def rows(self, step: int) -> tuple[int, ...]:
        """Indices of the rows of a step (counted from 0), sorted, without repetition."""
        turn, part = divmod(step, self.steps_per_pass)
        main = self._order("main", turn)[part * self.batch : (part + 1) * self.batch]
        return tuple(sorted({*main, *self._round(step)}))

    def used(self) -> tuple[int, ...]:
        """Indices of all rows that any step takes, sorted."""
        return tuple(sorted({i for step in range(self.steps) for i in self.rows(step)}))

    def _round(self, step: int) -> list[int]:
        count = min(self.anchors, len(self.anchor))
        places = range(step * count, (step + 1) * count)
        return [self._order("anchor", i // len(self.anchor))[i % len(self.anchor)] for i in places]

    def _order(self, name: str, turn: int) -> list[int]:
        if (name, turn) not in self._orders:
            order = list(self.main if name == "main" else self.anchor)
            random.Random(f"{self.seed} {name} {turn}").shuffle(order)
            self._orders[name, turn] = order
        return self._orders[name, turn]


def plan_steps(rows: Sequence[Row], *, batch: int, anchors: int, passes: int, seed: int) -> StepPlan:
    """The plan for these rows; without main rows the anchors take their place."""
    main = tuple(i for i, row in enumerate(rows) if row.role not in ANCHOR_ROLES)
    anchor = tuple(i for i, row in enumerate(rows) if row.role in ANCHOR_ROLES)
    if not main:
        main, anchor = anchor, ()
    return StepPlan(main, anchor, batch, anchors, passes, seed)
