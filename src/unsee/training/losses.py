"""The loss of one step: the method's terms over the step's rows, with one normaliser per term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unsee.methods.parts import Method, Term, pick_rows, rows_with_role
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
        norms: Normaliser of each term over the whole step.
        terms: Value of each term so far, before its weight.
    """

    method: Method
    step: int
    norms: dict[str, float]
    terms: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The weighted sum of all terms so far."""
        return sum(
            term.weight * self.terms[term.name] for term in self.method.terms if term.name in self.terms
        )

    def add(self, table: TokenTable, reference: TokenTable | None) -> Tensor:
        """The share of this forward pass in the step's loss, a scalar to call ``backward`` on.

        Raises:
            TrainingStopped: A row's loss is NaN or infinite.
        """
        loss = table.logits.new_zeros(())
        for term in self.method.terms:
            wanted = rows_with_role(table, term.roles)
            if wanted:
                share = self._share(term, table, reference, wanted)
                loss = loss + term.weight * share
                self.terms[term.name] = self.terms.get(term.name, 0.0) + share.item()
        return loss

    def _share(
        self, term: Term, table: TokenTable, reference: TokenTable | None, wanted: Sequence[int]
    ) -> Tensor:
        mine = pick_rows(table, wanted)
        frozen = None
        if term.needs_reference:
            assert reference is not None, f"term {term.name} needs the reference"
            frozen = pick_rows(reference, wanted)
        values = term.loss(mine, frozen)
        assert values.shape == (len(wanted),), (term.name, values.shape, len(wanted))
        finite = torch.isfinite(values)
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0])
            raise TrainingStopped(
                f"Step {self.step}: term {term.name} is {values[bad].item()} on example "
                f"{mine.rows[bad].example} (role {mine.rows[bad].role}). Lower the learning rate, the number"
                " of passes, or train in float32 or bfloat16."
            )
        return values.sum() / self.norms[term.name]


def start_step(method: Method, rows: Sequence[Row], step: int) -> StepLoss:
    """An empty sum for a step over these rows."""
    norms = {t.name: sum(t.count(row) for row in rows if row.role in t.roles) for t in method.terms}
    return StepLoss(method, step, norms)
