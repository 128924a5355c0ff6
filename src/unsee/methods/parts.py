"""What a method is made of: terms over named sets of rows, a schedule, and what is done before training.

The loss of one step is

    L = sum over terms k of w_k * (sum of loss_k over the rows of k) / (sum of count_k over the same rows)

With the default ``count`` of 1 a term is the mean over its rows. Every normaliser is known from the rows
alone, so cutting a step into several forward passes changes nothing. A term without rows adds nothing.

A method needs no more than terms. Beyond them it may ``prepare`` (look at the target before training: choose
layers, weights, a direction), ``edit`` (change weights without training) or ``hook`` (change no weight).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from unsee.methods.schedules import JOINT, Schedule, Side
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

if TYPE_CHECKING:
    from unsee.methods.context import Context
    from unsee.models.hooks import Hook
    from unsee.models.scopes import Scope

Loss = Callable[[TokenTable, TokenTable | None], Tensor]
Variant = Literal["paper", "released_code", "corrected"]

CONCEPT_ROLES = ("T1", "T2", "T3", "T4")
ANCHOR_ROLES = ("anchor", "retain")
OTHER_ROLES = ("yes_no", *ANCHOR_ROLES)  # everything about other pictures
RETAIN_ROLES = ("T3", "T4", *OTHER_ROLES)
FORGET_ROLES = ("original",)


def knob(default: Any, *, help: str, source: str) -> Any:
    """A hyper-parameter of a method's knobs class: its default, its help and where the default comes from."""
    return field(default=default, metadata={"help": help, "source": source})


def one(row: Row) -> float:
    """Every row counts the same: the term is a mean over rows."""
    return 1.0


def all_tokens(row: Row) -> float:
    """A row counts by all its tokens, prompt and picture included: the term is a mean over positions."""
    return float(len(row.ids))


def next_tokens(row: Row) -> float:
    """A row counts by its tokens that have one before them: the term is a mean over predicted tokens."""
    return float(len(row.ids) - 1)


def answer_tokens(row: Row) -> float:
    """A row counts by its answer tokens: the term is a mean over tokens."""
    return float(len(row.ids) - row.answer_start)


@dataclass(frozen=True)
class Teacher:
    """Whom a term compares the student with: a model, and the view that it gets of each row.

    Attributes:
        model: ``target`` (the adapter off, no copy) or ``gold`` (trained without the concept).
        view: What the teacher sees of a row, by name (``methods.views``); empty = the row itself.
    """

    model: Literal["target", "gold"] = "target"
    view: str = ""


TARGET = Teacher()
GOLD = Teacher("gold")


@dataclass(frozen=True)
class Term:
    """One part of a loss.

    Attributes:
        name: Short name, used in ``train.jsonl``.
        roles: Rows that take part, by the role of their example.
        weight: Weight in the total; the part is minimised.
        loss: Student's table and the teacher's table (None without ``teacher``), both holding the
            term's rows only -> one value per row, (R,) float32.
        teacher: Whose table the loss reads beside the student's.
        count: What a row adds to the normaliser.
        side: ``forget`` for what changes the model, ``retain`` for what keeps it; schedules take turns by it.
        layer: Decoder layer whose outputs the loss reads (``TokenTable.states``), counted from 0.
        paired: The loss compares rows of different roles with each other by :func:`pair_key`; such rows are
            then taken by the same step and go through the model together.
        whole: The loss reads all its rows of a step as one batch; they go through the model together.
        everywhere: A sum over all positions of a row, by its name in ``packs.everywhere`` (its negative
            log-likelihood or a divergence), that the loss finds in the student's table, and in the teacher's
            where it has one; empty = the loss reads answer tokens.
    """

    name: str
    roles: frozenset[str]
    weight: float
    loss: Loss
    teacher: Teacher | None = None
    count: Callable[[Row], float] = one
    side: Side = "forget"
    layer: int | None = None
    paired: bool = False
    whole: bool = False
    everywhere: str = ""


@dataclass(frozen=True)
class Gate:
    """Which entries of the weights a gradient may move.

    Attributes:
        masks: Bool tensor per parameter name, True where the weight may move; other parameters are free.
        sides: Terms whose gradient is masked. With both sides the masked entries never move at all.
    """

    masks: Mapping[str, Tensor]
    sides: frozenset[Side] = frozenset({"forget", "retain"})


@dataclass(frozen=True)
class Prepared:
    """What a method is after it has looked at the target: itself made concrete, and where it may act.

    Attributes:
        method: With layers, directions and the like filled in.
        scope: Which weights are trained, when the method chooses; None = what the user said.
        gate: Which entries of them, when the method chooses.
        notes: Figures for the log, such as the layers chosen.
    """

    method: Method
    scope: Scope | None = None
    gate: Gate | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A method with its knobs filled in.

    Attributes:
        name: Name in the registry.
        title: What it is, in a few words.
        paper: Source.
        loss_line: The loss in one line.
        knobs: Frozen dataclass instance of its hyper-parameters.
        terms: The parts of its loss; empty for methods that only edit or hook.
        reduction: How tokens and rows are averaged, in words.
        cost: What a step costs beyond one forward and one backward pass over the forget rows, in words.
        copies: Model copies beside the one that is trained.
        schedule: Which terms act in which step.
        stop_above: Training ends when the mean loss of the forget answers (nats per token) is above this.
        needs: Roles without which the method makes no sense: refused before any work, with the reason.
        pictured: Why it cannot forget from texts alone, as a half sentence; empty = it can.
        looks_at: Roles that ``prepare``, ``edit`` or ``hook`` read and no term trains on.
        prepare: Looks at the target before training.
        edit: Changes weights in place; instead of training.
        edit_scope: Weights that ``edit`` may change.
        hook: Makes a hook that acts when the model answers; instead of training.
    """

    name: str
    title: str
    paper: str
    loss_line: str
    knobs: Any
    terms: tuple[Term, ...]
    reduction: str = "mean over a row's answer tokens, then over the term's rows"
    cost: str = "nothing"
    copies: int = 0
    schedule: Schedule = JOINT
    stop_above: float | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    pictured: str = ""
    looks_at: tuple[str, ...] = ()
    prepare: Callable[[Context], Prepared] | None = None
    edit: Callable[[Context], Mapping[str, Any]] | None = None
    edit_scope: tuple[str, ...] = ()
    hook: Callable[[Context], Hook] | None = None

    @property
    def roles(self) -> frozenset[str]:
        """Roles of all rows that the method reads or trains on."""
        return frozenset(self.looks_at).union(*(term.roles for term in self.terms))

    @property
    def teachers(self) -> frozenset[Teacher]:
        """Everybody that some term compares the student with."""
        return frozenset(term.teacher for term in self.terms if term.teacher is not None)

    @property
    def layers(self) -> tuple[int, ...]:
        """Decoder layers whose outputs some term reads."""
        return tuple(sorted({term.layer for term in self.terms if term.layer is not None}))

    def with_terms(self, *terms: Term) -> Method:
        """The same method with these terms instead."""
        return replace(self, terms=terms)


def pair_key(row: Row) -> str:
    """What rows about the same question share: the number in their example's id, ``original-3`` -> ``3``.

    Where a run is about several concepts, ids begin with the concept: ``mario/original-3`` -> ``mario/3``.
    """
    concept, slash, name = row.example.rpartition("/")
    return f"{concept}{slash}{name.rpartition('-')[2]}"


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
        states={layer: states[kept] for layer, states in table.states.items()},
        everywhere={name: values[list(wanted)] for name, values in table.everywhere.items()},
    )


def rows_with_role(table: TokenTable, roles: frozenset[str]) -> list[int]:
    """Indices of the table's rows whose role is among ``roles``."""
    return [i for i, row in enumerate(table.rows) if row.role in roles]
