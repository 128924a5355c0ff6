"""A cheap look during training: how likely the forget and the retain answers are, and whether all is lost.

The probe reads likelihoods of answers under teacher forcing, on rows that may be trained on. It shows the
course of a run and notices collapse; it is no evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch

from unsee.models.load import VLM
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Batch, build_packs, collate, share_forwards
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward

FORGET_ROLES = ("original",)
RETAIN_ROLES = ("T3", "T4", "anchor", "yes_no", "retain")


@dataclass(frozen=True)
class ProbePoint:
    """One point of the forget/retain curve: mean log-probability (nats) per answer token; None = no rows.

    ``distance`` is how far the point is from what is wanted (see ``training.selection``).
    """

    forget: float | None
    retain: float | None
    collapsed: bool
    distance: float | None = None

    def as_json(self) -> dict[str, float | bool | None]:
        """The form written to ``train.jsonl``."""
        return asdict(self)


@dataclass
class Probe:
    """Measures the curve. ``collapse`` is the factor by which the retain perplexity may grow.

    Attributes:
        vlm: The model in training.
        batches: The probe's rows, packed once.
        collapse: A point is collapsed when the perplexity of the retain answers is this many times what it
            was at the first point, or not a number.
        features: Cached vision features.
        cost: Counters to add to.
        start: Retain value of the first point.
        blind: Log-probability of the forget answers without their picture, before training.
    """

    vlm: VLM
    batches: Sequence[Batch]
    collapse: float
    features: FeatureCache | None = None
    cost: Cost | None = None
    start: float | None = None
    blind: float | None = None

    def measure(self) -> ProbePoint:
        """The next point; the model's mode and the random state stay as they are."""
        forget, retain = (_finite(value) for value in self._likelihoods(self.batches))
        if self.start is None:
            self.start = retain
        return ProbePoint(forget, retain, self._collapsed(retain), self._distance(forget, retain))

    def read_blind(self, batches: Sequence[Batch]) -> None:
        """Measures ``blind`` on the forget rows without their picture."""
        self.blind = self._likelihoods(batches)[0]

    def _likelihoods(self, batches: Sequence[Batch]) -> tuple[float | None, float | None]:
        values: dict[str, list[float]] = {"forget": [], "retain": []}
        with torch.no_grad(), evaluating(self.vlm.model):
            for batch in batches:
                table = forward(self.vlm, batch, cost=self.cost, features=self.features)
                means = table.mean_by_row(table.logp).tolist()
                for row, mean in zip(table.rows, means, strict=True):
                    values["forget" if row.role in FORGET_ROLES else "retain"].append(mean)
        forget, retain = (sum(v) / len(v) if v else None for v in values.values())
        return forget, retain

    def _distance(self, forget: float | None, retain: float | None) -> float | None:
        if forget is None or self.blind is None:
            return None
        lost = 0.0 if self.start is None else self.start - (-math.inf if retain is None else retain)
        found = max(0.0, forget - self.blind) + max(0.0, lost)
        return found if math.isfinite(found) else None

    def _collapsed(self, retain: float | None) -> bool:
        if self.start is None:
            return False
        return retain is None or self.start - retain > math.log(self.collapse)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def make_probe(
    vlm: VLM,
    examples: Sequence[Example],
    *,
    collapse: float,
    pack_tokens: int,
    forward_tokens: int,
    limit: int = 16,
    features: FeatureCache | None = None,
    cost: Cost | None = None,
) -> Probe:
    """A probe over at most ``limit`` rows per side, the first ones in order.

    Args:
        vlm: The model in training.
        examples: Rows of any role; ``original`` makes the forget side, T3, T4, anchors and ``retain`` the
            other.
        collapse: See :class:`Probe`.
        pack_tokens: Longest pack.
        forward_tokens: Most tokens in one forward pass.
        limit: Most rows per side.
        features: Cached vision features.
        cost: Counters to add to.
    """
    forget = [e for e in examples if e.role in FORGET_ROLES][:limit]
    retain = [e for e in examples if e.role in RETAIN_ROLES][:limit]

    def pack(wanted: Sequence[Example]) -> list[Batch]:
        packs = build_packs(vlm, make_rows(vlm, wanted), max_tokens=pack_tokens)
        return [collate(vlm, group) for group in share_forwards(packs, forward_tokens)]

    probe = Probe(vlm, pack([*forget, *retain]), collapse, features, cost)
    if forget:
        probe.read_blind(pack([replace(example, picture=None) for example in forget]))
    return probe
