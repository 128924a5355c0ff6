"""Which rows each step takes: drawn by the seed and the step alone, so that a resumed run takes the same."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unsee.methods.parts import OTHER_ROLES, Method, pair_key
from unsee.methods.schedules import Turn
from unsee.packs.rows import Row

Unit = tuple[int, ...]  # indices of rows that one step takes together


@dataclass(frozen=True)
class StepPlan:
    """Two named sets, mixed in every draw.

    ``main`` is what the method asks for about the concept: each pass takes every row once, ``batch`` rows a
    draw. ``anchor`` is about other pictures: every draw adds ``anchors`` of them, in a shuffled round. Which
    step takes which draw is the business of the method's schedule.

    Attributes:
        main: Rows of the main set, those that must stay together as one unit.
        anchor: Indices of the rows about other pictures.
        batch: Main rows per draw.
        anchors: Anchor rows per draw.
        passes: Passes over the main set.
        seed: Decides every order.
    """

    main: tuple[Unit, ...]
    anchor: tuple[int, ...]
    batch: int
    anchors: int
    passes: int
    seed: int
    _orders: dict[tuple[str, int], list[Unit]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def draws_per_pass(self) -> int:
        """Draws until every main row was taken once."""
        return math.ceil(sum(map(len, self.main)) / self.batch)

    @property
    def draws(self) -> int:
        """Draws in all."""
        return self.draws_per_pass * self.passes

    def rows(self, draw: int) -> tuple[int, ...]:
        """Indices of the rows of a draw (counted from 0), sorted, without repetition."""
        turn, part = divmod(draw, self.draws_per_pass)
        order = self._order("main", turn)
        size = math.ceil(len(order) / self.draws_per_pass) if self._paired else self.batch
        main = [i for unit in order[part * size : (part + 1) * size] for i in unit]
        return tuple(sorted({*main, *self._round(draw)}))

    def used(self) -> tuple[int, ...]:
        """Indices of all rows that any draw takes, sorted."""
        return tuple(sorted({i for draw in range(self.draws) for i in self.rows(draw)}))

    @property
    def _paired(self) -> bool:
        return any(len(unit) > 1 for unit in self.main)

    def _round(self, draw: int) -> list[int]:
        count = min(self.anchors, len(self.anchor))
        places = range(draw * count, (draw + 1) * count)
        return [self._order("anchor", i // len(self.anchor))[i % len(self.anchor)][0] for i in places]

    def _order(self, name: str, turn: int) -> list[Unit]:
        if (name, turn) not in self._orders:
            order: list[Unit] = list(self.main) if name == "main" else [(i,) for i in self.anchor]
            random.Random(f"{self.seed} {name} {turn}").shuffle(order)
            self._orders[name, turn] = order
        return self._orders[name, turn]


def plan_steps(
    rows: Sequence[Row],
    *,
    batch: int,
    anchors: int,
    passes: int,
    seed: int,
    paired: frozenset[str] = frozenset(),
) -> StepPlan:
    """The plan for these rows; without main rows the anchors take their place.

    Args:
        rows: All rows of the run.
        batch: Main rows per draw.
        anchors: Anchor rows per draw.
        passes: Passes over the main rows.
        seed: Decides every order.
        paired: Roles whose rows with the same :func:`pair_key` stay together.
    """
    main = [i for i, row in enumerate(rows) if row.role not in OTHER_ROLES]
    anchor = tuple(i for i, row in enumerate(rows) if row.role in OTHER_ROLES)
    if not main:
        main, anchor = list(anchor), ()
    units: dict[object, list[int]] = {}
    for i in main:
        units.setdefault(pair_key(rows[i]) if rows[i].role in paired else (i,), []).append(i)
    return StepPlan(tuple(map(tuple, units.values())), anchor, batch, anchors, passes, seed)


def paired_roles(method: Method) -> frozenset[str]:
    """Roles whose rows must stay together."""
    return frozenset().union(*(term.roles for term in method.terms if term.paired))


def together(method: Method) -> Callable[[Row], str] | None:
    """By which key rows of one step must go through the model together; None = there is no such need."""
    whole = frozenset().union(*(term.roles for term in method.terms if term.whole))
    paired = paired_roles(method)
    if not whole | paired:
        return None

    def key(row: Row) -> str:
        if row.role in whole:
            return "whole"
        return f"pair {pair_key(row)}" if row.role in paired else f"row {row.example}"

    return key


def rows_of_turn(plan: StepPlan, rows: Sequence[Row], method: Method, turn: Turn) -> tuple[int, ...]:
    """Indices of the rows that a step takes: of each side's draw those that its terms ask for."""
    taken: set[int] = set()
    for side, draw in (("forget", turn.forget), ("retain", turn.retain)):
        if draw is not None:
            roles = frozenset().union(*(term.roles for term in method.terms if term.side == side))
            taken.update(i for i in plan.rows(draw) if rows[i].role in roles)
    return tuple(sorted(taken))
