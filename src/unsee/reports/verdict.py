"""The verdict in plain words, by a fixed rule that the report states.

Collapse is looked for first: a model that can no longer speak names nobody, and that is not forgetting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unsee.reports.measures import MEASURES, before_of, measure_of, show, value_before, value_of

Gone = Literal["gone", "partly", "still", "unknown"]
Kept = Literal["kept", "mostly", "damaged", "unknown"]
NAMED_AT_MOST = 0.05
KEPT_SHARE, MOSTLY_SHARE = 0.95, 0.80
AGREEMENTS = frozenset({"facts_agreement", "retain_agreement"})
RULE = (
    "Collapse is looked for first: broken replies up by more than 5 points, refusals up by more than 25 "
    "points, one reply to more than half of different questions, perplexity more than doubled, or a figure "
    "of “what is kept” (look-alikes apart) more than halved. A collapsed model is never called forgetful. "
    "Forgotten: named in at most 5 % of the replies, or at most 5 points more than by a model trained "
    "without the concept. Kept: "
    "every figure of “what is kept” is at least 95 % of the one before (mostly kept: 80 %), measured above "
    "chance; agreement with earlier replies counts only where nothing else was asked."
)


@dataclass(frozen=True)
class Verdict:
    """What the figures say.

    Attributes:
        title: The headline; ``{name}`` is not in it, it is already filled in.
        tone: good, warn or bad, for the colour of the badge.
        gone: Whether the concept is no longer named.
        kept: Whether the rest is kept.
        collapse: Reasons why this is a collapse; empty when it is none.
        losses: (title, before, after) of kept figures that fell under the limit, worst first.
        known: False when the gate found that the model never knew the concept.
    """

    title: str
    tone: str
    gone: Gone
    kept: Kept
    collapse: tuple[str, ...]
    losses: tuple[tuple[str, str, str], ...]
    known: bool


def judge(results: Mapping[str, Any], name: str) -> Verdict:
    """Reads the verdict off the results; ``name`` is the concept's name for the headline."""
    known = bool((results.get("gate") or {}).get("known", True))
    collapse = _collapse(results)
    gone, kept = _gone(results), _kept(results)
    title, tone = _headline(name, gone, kept, bool(collapse), known, "unlearned" in results["models"])
    return Verdict(title, tone, gone, kept, tuple(collapse), tuple(_losses(results)), known)


def _collapse(results: Mapping[str, Any]) -> list[str]:
    """The reasons found when the run was scored."""
    reasons = []
    for reason in results.get("collapse") or []:
        metric = str(reason.get("metric", "")) if isinstance(reason, Mapping) else ""
        text = str(reason.get("text") or metric) if isinstance(reason, Mapping) else str(reason)
        title = MEASURES[metric].title.strip("“”") if metric in MEASURES else metric
        reasons.append(text.replace(metric, f"“{title}”") if metric else text)
    return reasons


def named(results: Mapping[str, Any], model: str) -> float | None:
    """Share of replies that name the concept: on new pictures, else on the training picture."""
    rate = value_of(results, model, "naming_rate")
    if rate is not None:
        return rate
    for metric in ("generality_name", "efficacy"):
        value = value_of(results, model, metric)
        if value is not None:
            return 1.0 - value
    return None


def _gone(results: Mapping[str, Any]) -> Gone:
    now, was, floor = named(results, "unlearned"), named(results, before_of(results)), named(results, "gold")
    if now is None:
        return "unknown"
    if now <= max(NAMED_AT_MOST, (floor or 0.0) + NAMED_AT_MOST):
        return "gone"
    return "partly" if was is not None and now <= was / 2 else "still"


def _shares(results: Mapping[str, Any]) -> list[tuple[float, str]]:
    """(after / before above chance, metric) of every kept figure, worst first."""
    found = []
    for metric, measure in MEASURES.items():
        was, now = value_before(results, metric), value_of(results, "unlearned", metric)
        chance = measure.chance or 0.0
        if measure.group == "kept" and was is not None and was > chance and now is not None:
            found.append(((now - chance) / (was - chance), metric))
    asked = [f for f in found if f[1] not in AGREEMENTS]
    return sorted(asked or found)


def _kept(results: Mapping[str, Any]) -> Kept:
    shares = _shares(results)
    if not shares:
        return "unknown"
    worst = shares[0][0]
    return "kept" if worst >= KEPT_SHARE else "mostly" if worst >= MOSTLY_SHARE else "damaged"


def _losses(results: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            measure_of(metric).title,
            show(value_before(results, metric), "share"),
            show(value_of(results, "unlearned", metric), "share"),
        )
        for share, metric in _shares(results)
        if share < KEPT_SHARE
    ]


def _headline(
    name: str, gone: Gone, kept: Kept, collapsed: bool, known: bool, after: bool
) -> tuple[str, str]:
    if not after:
        return f"What the model knows about {name}.", "warn"
    if collapsed:
        return "The model has collapsed. This is damage, not forgetting.", "bad"
    if not known:
        return f"The model never knew {name}, so nothing can be said about forgetting.", "warn"
    if gone == "gone":
        rest = {
            "kept": (", and keeps the rest.", "good"),
            "mostly": ("; some other knowledge was lost.", "warn"),
            "damaged": (", but more was lost with it.", "bad"),
            "unknown": ("; whether it keeps the rest was not measured.", "warn"),
        }[kept]
        return f"The model no longer names {name}{rest[0]}", rest[1]
    return {
        "partly": (f"The model names {name} less often, but has not forgotten.", "bad"),
        "still": (f"The model still names {name}.", "bad"),
        "unknown": (f"Whether the model still names {name} was not measured.", "warn"),
    }[gone]
