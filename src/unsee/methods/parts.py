"""What a method is made of: terms over named sets of rows.

The loss of one step is

    L = sum over terms k of w_k * (sum of loss_k over the rows of k) / (sum of count_k over the same rows)

With the default ``count`` of 1 a term is the mean over its rows. Every normaliser is known from the rows
alone, so cutting a step into several forward passes changes nothing. A term without rows adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

Loss = Callable[[TokenTable, TokenTable | None], Tensor]

CONCEPT_ROLES = ("T1", "T2", "T3", "T4")
ANCHOR_ROLES = ("anchor", "retain")
RETAIN_ROLES = ("T3", "T4", *ANCHOR_ROLES)


def knob(default: Any, *, help: str, source: str) -> Any:
    """A hyper-parameter of a method's knobs class: its default, its help and where the default comes from."""
    return field(default=default, metadata={"help": help, "source": source})


def one(row: Row) -> float:
    """Every row counts the same: the term is a mean over rows."""
    return 1.0


def answer_tokens(row: Row) -> float:
    """A row counts by its answer tokens: the term is a mean over tokens."""
    return float(len(row.ids) - row.answer_start)


@dataclass(frozen=True)
class Term:
    """One part of a loss.

    Attributes:
        name: Short name, used in ``train.jsonl``.
        roles: Rows that take part, by the role of their example.
        weight: Weight in the total; the part is minimised.
        loss: Student's table and the reference's table (None without ``needs_reference``), both holding the
            term's rows only -> one value per row, (R,) float32.
        needs_reference: True when the loss reads the reference's table.
        count: What a row adds to the normaliser.
    """

    name: str
    roles: frozenset[str]
    weight: float
    loss: Loss
    needs_reference: bool = False
    count: Callable[[Row], float] = one


@dataclass(frozen=True)
class Method:
    """A method with its knobs filled in.

    Attributes:
        name: Name in the registry.
        title: What it is, in a few words.
        paper: Source.
        loss_line: The loss in one line.
        knobs: Frozen dataclass instance of its hyper-parameters.
        terms: The parts of its loss.
        reduction: How tokens and rows are averaged, in words.
    """

    name: str
    title: str
    paper: str
    loss_line: str
    knobs: Any
    terms: tuple[Term, ...]
    reduction: str = "mean over a row's answer tokens, then over the term's rows"

    @property
    def roles(self) -> frozenset[str]:
        """Roles of all rows that the method trains on."""
        return frozenset().union(*(term.roles for term in self.terms))

    @property
    def needs_reference(self) -> bool:
        """True when any term reads the reference."""
        return any(term.needs_reference for term in self.terms)


def pick_rows(table: TokenTable, wanted: Sequence[int]) -> TokenTable:
    """The part of a table that holds only the rows with these indices, renumbered in the order given."""
    place = torch.full((len(table.rows),), -1, dtype=table.row.dtype, device=table.row.device)
    for new, old in enumerate(wanted):
        place[old] = new
    if len(wanted) == len(table.rows) and list(wanted) == list(range(len(wanted))):
        return table
    kept = place[table.row] >= 0
    return replace(
        table,
        logits=table.logits[kept],
        labels=table.labels[kept],
        row=place[table.row[kept]],
        keep=table.keep[kept],
        rows=tuple(table.rows[i] for i in wanted),
    )


def rows_with_role(table: TokenTable, roles: frozenset[str]) -> list[int]:
    """Indices of the table's rows whose role is among ``roles``."""
    return [i for i, row in enumerate(table.rows) if row.role in roles]
