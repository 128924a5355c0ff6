"""What one training run works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unsee.methods.parts import Gate, Method, Teacher
from unsee.methods.schedules import Turn
from unsee.models.load import VLM
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable
from unsee.training.losses import active_terms, retain_losses
from unsee.training.plan import StepPlan
from unsee.training.probes import Probe
from unsee.training.reference import Reference
from unsee.training.settings import TrainSettings

Line = dict[str, Any]
OnStep = Callable[[Line], None]
LOG = "train.jsonl"
CHECKPOINTS = "checkpoints"
EVENTS = "tensorboard"  # what its tracker is told


@dataclass
class Run:
    """Everything that one training run works with."""

    vlm: VLM
    method: Method
    rows: Sequence[Row]
    plan: StepPlan
    teachers: Mapping[Teacher, Reference]
    settings: TrainSettings
    folder: Path
    probe: Probe | None
    features: FeatureCache | None
    cost: Cost
    on_step: OnStep | None = None
    gate: Gate | None = None
    sharded: bool = False
    lines: list[Line] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Optimiser steps that the schedule makes of the plan's draws."""
        return self.method.schedule.steps(self.plan.draws)

    def turn(self, step: int) -> Turn:
        """What a step (counted from 0) does; prices follow from the lines of the steps before."""
        assert [line["step"] for line in self.lines if line["step"]] == list(range(1, step + 1)), step
        return self.method.schedule.at(step, self.plan.draws, retain_losses(self.method, self.lines))

    def taught(self, rows: Sequence[Row], turn: Turn) -> dict[Teacher, TokenTable]:
        """The teachers' tables for those of the rows that some acting term compares with them."""
        wanted: dict[Teacher, frozenset[str]] = {}
        for term in active_terms(self.method, turn):
            if term.teacher is not None:
                wanted[term.teacher] = wanted.get(term.teacher, frozenset()) | term.roles
        tables = {}
        for teacher, roles in wanted.items():
            asked = [row for row in rows if row.role in roles]
            if asked:
                tables[teacher] = self.teachers[teacher](self.vlm, asked)
        return tables

    @property
    def log(self) -> Path:
        """The step log."""
        return self.folder / LOG
