"""What one training run works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unsee.methods.parts import Method
from unsee.models.load import VLM
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.rows import Row
from unsee.training.plan import StepPlan
from unsee.training.probes import Probe
from unsee.training.reference import Reference
from unsee.training.settings import TrainSettings

Line = dict[str, Any]
OnStep = Callable[[Line], None]
LOG = "train.jsonl"
CHECKPOINTS = "checkpoints"


@dataclass
class Run:
    """Everything that one training run works with."""

    vlm: VLM
    method: Method
    rows: Sequence[Row]
    plan: StepPlan
    reference: Reference | None
    settings: TrainSettings
    folder: Path
    probe: Probe | None
    features: FeatureCache | None
    cost: Cost
    on_step: OnStep | None = None
    lines: list[Line] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """The step log."""
        return self.folder / LOG
