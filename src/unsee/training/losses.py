"""The loss of one step: the method's terms over the step's rows, with one normaliser per term."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unsee.methods.parts import Method, Teacher, Term, pick_rows, rows_with_role
from unsee.methods.schedules import Side, Turn
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable


class TrainingStopped(RuntimeError):
    """Training cannot go on: a loss or gradient is not a number. The message names step, term and example."""


@dataclass
class StepLoss:
    """Adds up the terms over the forward passes of one step.

    Attributes:
        method: Gives the terms.
        step: Number of the step, for messages.
        turn: Which sides act in this step, and by what factor.
        norms: Normaliser of each term over the whole step.
        terms: Value of each term so far, before its weight and factor.
    """

    method: Method
    step: int
    turn: Turn
    norms: dict[str, float]
    terms: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The weighted sum of all terms so far."""
        factors = side_factors(self.turn)
        return sum(
            factors[term.side] * term.weight * self.terms[term.name]
            for term in self.method.terms
            if term.name in self.terms
        )

    def add(self, table: TokenTable, teachers: Mapping[Teacher, TokenTable]) -> Tensor:
        """The share of this forward pass in the step's loss, a scalar to call ``backward`` on.

        Raises:
            TrainingStopped: A row's loss is NaN or infinite.
        """
        loss = table.logits.new_zeros(())
        factors = side_factors(self.turn)
        for term in active_terms(self.method, self.turn):
            wanted = rows_with_role(table, term.roles)
            if wanted:
                share = self._share(term, table, teachers, wanted)
                loss = loss + factors[term.side] * term.weight * share
                self.terms[term.name] = self.terms.get(term.name, 0.0) + share.item()
        return loss

    def _share(
        self, term: Term, table: TokenTable, teachers: Mapping[Teacher, TokenTable], wanted: Sequence[int]
    ) -> Tensor:
        mine = pick_rows(table, wanted)
        theirs = None if term.teacher is None else _aligned(teachers[term.teacher], mine)
        values = term.loss(mine, theirs)
        assert values.shape == (len(wanted),), (term.name, values.shape, len(wanted))
        finite = torch.isfinite(values)
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0])
            raise TrainingStopped(
                f"Step {self.step}: term {term.name} is {values[bad].item()} on example "
                f"{mine.rows[bad].example} (role {mine.rows[bad].role}). Lower the learning rate, the number"
                " of passes, or train in float32 or bfloat16."
            )
        norm = self.norms[term.name]  # 0 when no row counts: a paired term without a pair in this step
        return values.sum() / norm if norm else values.sum()


def _aligned(theirs: TokenTable, mine: TokenTable) -> TokenTable:
    """The rows of a teacher's table that the student's table holds, in the same order."""
    place = {row.example: r for r, row in enumerate(theirs.rows)}
    table = pick_rows(theirs, [place[row.example] for row in mine.rows])
    assert torch.equal(table.labels, mine.labels), "teacher and student must say the same answers"
    return table


def side_factors(turn: Turn) -> dict[Side, float]:
    """By what the terms of each side are multiplied in this step; 0 = the side rests."""
    return {
        "forget": turn.forget_factor if turn.forget is not None else 0.0,
        "retain": turn.retain_factor if turn.retain is not None else 0.0,
    }


def active_terms(method: Method, turn: Turn) -> list[Term]:
    """The terms that act in this step."""
    draws = {"forget": turn.forget, "retain": turn.retain}
    return [term for term in method.terms if draws[term.side] is not None]


def everywhere_roles(terms: Iterable[Term]) -> dict[str, frozenset[str]]:
    """Sums over all positions that these terms read, by name, and the roles of their rows."""
    found: dict[str, frozenset[str]] = {}
    for term in terms:
        if term.everywhere:
            found[term.everywhere] = found.get(term.everywhere, frozenset()) | term.roles
    return found


def start_step(method: Method, rows: Sequence[Row], step: int, turn: Turn) -> StepLoss:
    """An empty sum for a step over these rows."""
    norms = {t.name: sum(t.count(row) for row in rows if row.role in t.roles) for t in method.terms}
    return StepLoss(method, step, turn, norms)


def retain_losses(method: Method, lines: Sequence[Mapping[str, object]]) -> list[float]:
    """Weighted sum of the retain terms of every step in the log, without factors."""
    weights = {term.name: term.weight for term in method.terms if term.side == "retain"}
    found = []
    for line in lines:
        terms = line.get("terms")
        if isinstance(terms, Mapping):
            found.append(sum(weights[name] * value for name, value in terms.items() if name in weights))
    return found
