"""A cheap look during training: how likely the forget and the retain answers are, and whether all is lost.

The probe reads likelihoods of answers under teacher forcing, on rows that may be trained on, and lets the
model answer a few of the retain questions freely. It shows the course of a run and notices collapse; it is no
evaluation. Nothing is exchanged between processes: each one that holds the weights finds the same figures.

A point is collapsed when, against the first point of the run,

* the retain answers have become ``collapse`` times as surprising (perplexity), or not a number;
* the model has become ``collapse`` times as undecided where it answers them (entropy);
* more than half of the free answers have become empty, gibberish, or the same words to different questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch

from unsee.answering import answer
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES
from unsee.models.load import VLM
from unsee.nouns import Example, Question
from unsee.objectives import entropy as entropy_of
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Batch, build_packs, collate, share_forwards
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.texts import is_degenerate

SPOKEN_TOKENS = 24
MOST_BROKEN = 0.5


@dataclass(frozen=True)
class ProbePoint:
    """One point of the forget/retain curve; None = no rows, or not a number.

    Attributes:
        forget, retain: Mean log-probability per answer token, in nats.
        collapsed: See the module.
        distance: How far the point is from what is wanted (see ``training.selection``).
        entropy: Mean entropy of the next token over the retain answers, in nats.
        broken: Share of the free answers that are empty, gibberish or repeated.
    """

    forget: float | None
    retain: float | None
    collapsed: bool
    distance: float | None = None
    entropy: float | None = None
    broken: float | None = None

    def as_json(self) -> dict[str, float | bool | None]:
        """The form written to ``train.jsonl``."""
        return asdict(self)


@dataclass
class Probe:
    """Measures the curve.

    Attributes:
        vlm: The model in training.
        batches: The probe's rows, packed once.
        collapse: Factor by which perplexity and entropy of the retain answers may grow.
        asked: Retain questions that are answered freely.
        features: Cached vision features.
        cost: Counters to add to.
        first: The first point of the run.
        blind: Log-probability of the forget answers without their picture, before training.
    """

    vlm: VLM
    batches: Sequence[Batch]
    collapse: float
    asked: Sequence[Example] = ()
    features: FeatureCache | None = None
    cost: Cost | None = None
    first: ProbePoint | None = None
    blind: float | None = None

    def measure(self) -> ProbePoint:
        """The next point; the model's mode and the random state stay as they are."""
        forget, retain, entropy = (_finite(value) for value in self._read(self.batches))
        found = ProbePoint(forget, retain, False, self._distance(forget, retain), entropy, self._broken())
        if self.first is None:
            self.first = found
        return replace(found, collapsed=self._collapsed(self.first, found))

    def read_blind(self, batches: Sequence[Batch]) -> None:
        """Measures ``blind`` on the forget rows without their picture."""
        self.blind = self._read(batches)[0]

    def _read(self, batches: Sequence[Batch]) -> tuple[float | None, float | None, float | None]:
        """Mean log-probability of the forget and of the retain answers, and entropy at the latter."""
        values: dict[str, list[float]] = {"forget": [], "retain": [], "entropy": []}
        with torch.no_grad(), evaluating(self.vlm.model):
            for batch in batches:
                table = forward(self.vlm, batch, cost=self.cost, features=self.features)
                means = table.mean_by_row(table.logp).tolist()
                spread = table.mean_by_row(entropy_of(table.logits)).tolist()
                for row, mean, entropy in zip(table.rows, means, spread, strict=True):
                    if row.role in FORGET_ROLES:
                        values["forget"].append(mean)
                    else:
                        values["retain"].append(mean)
                        values["entropy"].append(entropy)
        forget, retain, entropies = (sum(v) / len(v) if v else None for v in values.values())
        return forget, retain, entropies

    def _broken(self) -> float | None:
        if not self.asked:
            return None
        questions = [Question(row.id, row.prompt, "open", row.picture) for row in self.asked]
        with torch.no_grad(), evaluating(self.vlm.model):
            replies = answer(
                self.vlm, questions, max_new_tokens=SPOKEN_TOKENS, features=self.features, cost=self.cost
            )
        said = [reply.text.strip() for reply in replies]
        expected = {
            text: {row.answer for row, t in zip(self.asked, said, strict=True) if t == text} for text in said
        }
        broken = [is_degenerate(text) or len(expected[text]) > 1 for text in said]
        return sum(broken) / len(broken)

    def _distance(self, forget: float | None, retain: float | None) -> float | None:
        if forget is None or self.blind is None:
            return None
        start = None if self.first is None else self.first.retain
        lost = 0.0 if start is None else start - (-math.inf if retain is None else retain)
        found = max(0.0, forget - self.blind) + max(0.0, lost)
        return found if math.isfinite(found) else None

    def _collapsed(self, first: ProbePoint, now: ProbePoint) -> bool:
        allowed = math.log(self.collapse)
        if first.retain is not None and (now.retain is None or first.retain - now.retain > allowed):
            return True
        if first.entropy is not None and (now.entropy is None or now.entropy - first.entropy > allowed):
            return True
        return now.broken is not None and now.broken - (first.broken or 0.0) > MOST_BROKEN


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def make_probe(
    vlm: VLM,
    examples: Sequence[Example],
    *,
    collapse: float,
    pack_tokens: int | None,
    forward_tokens: int,
    limit: int = 16,
    spoken: int = 0,
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
        spoken: Retain questions that are answered freely.
        features: Cached vision features.
        cost: Counters to add to.
    """
    forget = [e for e in examples if e.role in FORGET_ROLES][:limit]
    retain = [e for e in examples if e.role in RETAIN_ROLES][:limit]

    def pack(wanted: Sequence[Example]) -> list[Batch]:
        packs = build_packs(vlm, make_rows(vlm, wanted), max_tokens=pack_tokens)
        return [collate(vlm, group) for group in share_forwards(packs, forward_tokens)]

    probe = Probe(vlm, pack([*forget, *retain]), collapse, retain[:spoken], features, cost)
    if forget:
        probe.read_blind(pack([replace(example, picture=None) for example in forget]))
    return probe
