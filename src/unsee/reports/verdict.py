"""The verdict in plain words, by a fixed rule that the report states.

Collapse is looked for first: a model that can no longer speak names nobody, and that is not forgetting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unsee.reports.measures import MEASURES, measure_of, show, value_of

Gone = Literal["gone", "partly", "still", "unknown"]
Kept = Literal["kept", "mostly", "damaged", "unknown"]
NAMED_AT_MOST = 0.05
BROKEN_AT_MOST = 0.10
PERPLEXITY_FACTOR = 3.0
VARIETY_FACTOR = 1 / 3
KEPT_SHARE, MOSTLY_SHARE = 0.95, 0.80
RULE = (
    "Forgotten: named in at most 5 % of the replies, or at most 5 points more than by a model trained "
    "without the concept. Kept: every figure of “what is kept” is at least 95 % of the one before (mostly "
    "kept: 80 %). Collapse: 10 % or more broken replies and 5 points more than before, perplexity more than "
    "3 times, or variety less than a third of the one before. A collapsed model is never called forgetful."
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


def before_of(results: Mapping[str, Any]) -> str:
    """The model that "before" means: target, else base."""
    return "target" if "target" in results["models"] else "base"


def _collapse(results: Mapping[str, Any]) -> list[str]:
    before = before_of(results)
    pairs = {
        m: (value_of(results, before, m), value_of(results, "unlearned", m))
        for m in ("degenerate_rate", "fluency_ppl", "diversity")
    }
    reasons = []
    was, now = pairs["degenerate_rate"]
    if now is not None and now >= BROKEN_AT_MOST and now >= (was or 0.0) + 0.05:
        reasons.append(f"{show(now, 'share')} of its replies are broken ({show(was, 'share')} before)")
    was, now = pairs["fluency_ppl"]
    if was is not None and now is not None and now > PERPLEXITY_FACTOR * was:
        reasons.append(f"its perplexity is {show(now, 'number')} ({show(was, 'number')} before)")
    was, now = pairs["diversity"]
    if was is not None and now is not None and now < VARIETY_FACTOR * was:
        reasons.append(f"the variety of its replies is {show(now, 'share')} ({show(was, 'share')} before)")
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
    """(after / before, metric) of every kept figure that was above zero before, worst first."""
    found = []
    for metric, measure in MEASURES.items():
        was, now = value_of(results, before_of(results), metric), value_of(results, "unlearned", metric)
        if measure.group == "kept" and was and now is not None:
            found.append((now / was, metric))
    return sorted(found)


def _kept(results: Mapping[str, Any]) -> Kept:
    shares = _shares(results)
    if not shares:
        return "unknown"
    worst = shares[0][0]
    return "kept" if worst >= KEPT_SHARE else "mostly" if worst >= MOSTLY_SHARE else "damaged"


def _losses(results: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    before = before_of(results)
    return [
        (
            measure_of(metric).title,
            show(value_of(results, before, metric), "share"),
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
            "damaged": (", but much else was lost with it.", "bad"),
            "unknown": ("; whether it keeps the rest was not measured.", "warn"),
        }[kept]
        return f"The model no longer names {name}{rest[0]}", rest[1]
    return {
        "partly": (f"The model names {name} less often, but has not forgotten.", "bad"),
        "still": (f"The model still names {name}.", "bad"),
        "unknown": (f"Whether the model still names {name} was not measured.", "warn"),
    }[gone]
