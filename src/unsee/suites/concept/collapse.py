"""Collapse is reported as collapse, never as forgetting: reasons not to believe a low naming rate.

A model that answers everything with "No", with a refusal, with noise or with nothing names nobody. Each test
below compares with the target where the target's figure is there, and with a fixed limit otherwise. Losing
only the look-alikes, or the facts told from the concept's name, is damage, and reported as such, but it is
not collapse: a model trained without the concept would not tell those facts either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from unsee.nouns import Score

MORE_DEGENERATE = 0.05
MORE_REFUSALS = 0.25
MORE_REPEATED = 0.25
LARGEST_REPEATED = 0.5
LARGEST_PPL_RATIO = 2.0
SMALLEST_KEPT_SHARE = 0.5
KEPT_METRICS = (
    "others_named",
    "others_yes_no",
    "attributes",
    "scenes",
)
AGREEMENTS = ("retain_agreement",)


class Reason(NamedTuple):
    """Why a model counts as collapsed: the metric and a sentence."""

    metric: str
    text: str


def collapse_reasons(scores: Mapping[str, Score], target: Mapping[str, Score] | None = None) -> list[Reason]:
    """Reasons to call a model collapsed; empty when there is none.

    Args:
        scores: The model's metrics.
        target: The target's metrics; without them fixed limits apply.
    """
    before = target or {}
    found = [
        _rise(scores, before, "degenerate_rate", MORE_DEGENERATE, "of the replies are empty or gibberish"),
        _rise(scores, before, "refusal_rate", MORE_REFUSALS, "of the questions it should answer are refused"),
        _repeated(scores, before),
        _unreadable(scores, before),
        *(_lost(scores, before, metric) for metric in KEPT_METRICS),
        *(_changed(scores, metric) for metric in AGREEMENTS),
    ]
    return [reason for reason in found if reason is not None]


def _value(scores: Mapping[str, Score], metric: str, default: float = 0.0) -> float:
    return scores[metric].value if metric in scores else default


def _rise(
    scores: Mapping[str, Score], target: Mapping[str, Score], metric: str, limit: float, text: str
) -> Reason | None:
    value = _value(scores, metric)
    return Reason(metric, f"{value:.0%} {text}") if value > _value(target, metric) + limit else None


def _repeated(scores: Mapping[str, Score], target: Mapping[str, Score]) -> Reason | None:
    value = _value(scores, "repeated_reply_rate")
    if value <= max(LARGEST_REPEATED, _value(target, "repeated_reply_rate") + MORE_REPEATED):
        return None
    return Reason(
        "repeated_reply_rate", f"one and the same reply is given to {value:.0%} of different questions"
    )


def _unreadable(scores: Mapping[str, Score], target: Mapping[str, Score]) -> Reason | None:
    if "fluency_ppl" not in scores or "fluency_ppl" not in target:
        return None
    ratio = scores["fluency_ppl"].value / target["fluency_ppl"].value
    if ratio <= LARGEST_PPL_RATIO:
        return None
    return Reason(
        "fluency_ppl", f"its replies are {ratio:.1f} times as surprising to the target as the target's own"
    )


def _lost(scores: Mapping[str, Score], target: Mapping[str, Score], metric: str) -> Reason | None:
    if metric not in scores or metric not in target:
        return None
    chance = 0.5 if metric == "others_yes_no" else 0.0
    was, now = target[metric].value - chance, scores[metric].value - chance
    if was <= 0 or now >= SMALLEST_KEPT_SHARE * was:
        return None
    return Reason(metric, f"{metric} fell from {was + chance:.0%} to {now + chance:.0%}")


def _changed(scores: Mapping[str, Score], metric: str) -> Reason | None:
    value = _value(scores, metric, 1.0)
    return Reason(metric, f"only {value:.0%} of {metric} is left") if value < SMALLEST_KEPT_SHARE else None
