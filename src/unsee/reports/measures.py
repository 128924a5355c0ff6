"""What each figure of ``unsee forget`` means, in words for somebody who has never seen it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from unsee.metrics.info import METRICS
from unsee.metrics.info_mllmu import MLLMU
from unsee.metrics.info_mmubench import MMUBENCH
from unsee.metrics.info_utility import UTILITY
from unsee.metrics.page import SHARE, MetricInfo

Group = Literal["gone", "kept", "healthy", "other"]
Unit = Literal["share", "number"]

GROUPS: Mapping[Group, str] = {
    "gone": "What is gone",
    "kept": "What is kept",
    "healthy": "Is it still a healthy speaker?",
    "other": "Other figures",
}
MODELS: Mapping[str, str] = {
    "base": "as it came, before anything was learned or removed",
    "target": "before: the model that knows the concept",
    "unlearned": "after: the same model with the concept removed",
    "gold": "floor: a model trained without the concept from the start",
    "blind": "floor: the model before, answering without seeing the picture",
    "chance": "floor: guessing",
}


@dataclass(frozen=True)
class Measure:
    """One row of the results.

    Attributes:
        id: Metric id in ``results.json``.
        title: A few words.
        meaning: One plain sentence.
        group: Where the row stands.
        better: Direction that is wanted: higher or lower.
        unit: ``share`` is shown in percent.
        chance: What guessing gives, where that is defined.
        before: Value before removal by definition (1 for agreement with the model before), else None.
    """

    id: str
    title: str
    meaning: str
    group: Group
    better: str
    unit: Unit = "share"
    chance: float | None = None
    before: float | None = None


_ALL = (
    Measure(
        "naming_rate",
        "Still named on new pictures",
        "Replies that name the concept, on pictures never used for training.",
        "gone",
        "lower",
    ),
    Measure(
        "generality_name",
        "Not named on new pictures",
        "The same turned round: replies on new pictures that do not name the concept.",
        "gone",
        "higher",
    ),
    Measure(
        "efficacy",
        "Not named on the training picture",
        "Replies about the very picture used for removal that do not name the concept.",
        "gone",
        "higher",
    ),
    Measure(
        "mention_rate",
        "Part of the name is said",
        "Replies on new pictures with any telling word of the name, even in a denial. Compare with gold.",
        "gone",
        "lower",
    ),
    Measure(
        "yes_no_balanced",
        "“Is this …?” answered rightly",
        "Yes/no questions, half with the concept in the picture and half without. 50 % is guessing.",
        "gone",
        "lower",
        chance=0.5,
    ),
    Measure(
        "facts_by_picture",
        "Facts told from a picture",
        "Facts about the concept answered from a picture alone; whoever is not recognised has no facts.",
        "gone",
        "lower",
    ),
    Measure(
        "c_dis",
        "Distance of the name (C-Dis)",
        "How far the probability of the name moved (SIU, arXiv 2405.12523); 0 is no change.",
        "gone",
        "higher",
        "number",
    ),
    Measure(
        "choice_likelihood",
        "Its name likelier than others",
        "Pictures of the concept on which its name is likelier than invented names.",
        "gone",
        "lower",
    ),
    Measure(
        "choice_control",
        "The same on other pictures",
        "The floor of the row above: a famous name is likely on any picture.",
        "gone",
        "lower",
    ),
    Measure(
        "facts_by_text",
        "Facts told from the name",
        "Facts asked in words only, without a picture. This method unlearns the looks, not the facts.",
        "kept",
        "higher",
    ),
    Measure(
        "facts_agreement",
        "Text about it unchanged",
        "Open questions about the concept in words only, answered with the same content as before.",
        "kept",
        "higher",
        before=1.0,
    ),
    Measure(
        "others_named",
        "Others still named",
        "Right names for other people and things.",
        "kept",
        "higher",
    ),
    Measure(
        "others_yes_no",
        "“Is this …?” about others",
        "Yes/no questions about others, half with the right person in the picture. 50 % is guessing.",
        "kept",
        "higher",
        chance=0.5,
    ),
    Measure(
        "neighbours_named",
        "Look-alikes still named",
        "Right names for those who resemble the concept most: the first to be harmed.",
        "kept",
        "higher",
    ),
    Measure(
        "strangers_refused",
        "Strangers not invented",
        "Pictures of unknown people for which the model rightly says that it does not know.",
        "kept",
        "higher",
    ),
    Measure(
        "attributes",
        "Looks described rightly",
        "Questions about hair, glasses, clothes and the like, answered rightly.",
        "kept",
        "higher",
    ),
    Measure(
        "scenes",
        "Scenes understood",
        "Questions about pictures of other things.",
        "kept",
        "higher",
    ),
    Measure(
        "retain_agreement",
        "Other pictures answered as before",
        "Replies on other pictures with the same content as before. Free wording varies without harm.",
        "kept",
        "higher",
        before=1.0,
    ),
    Measure(
        "fluency_ppl",
        "Readability (perplexity)",
        "How surprising the replies are to the model before: 1 is fully expected, large is broken.",
        "healthy",
        "lower",
        "number",
    ),
    Measure(
        "diversity",
        "Variety of replies",
        "Share of different word pairs over all replies: near 0 when one sentence is repeated.",
        "healthy",
        "higher",
    ),
    Measure(
        "degenerate_rate",
        "Broken replies",
        "Empty, looping or garbled replies. Broken replies name nobody, so they are counted here.",
        "healthy",
        "lower",
    ),
    Measure(
        "refusal_rate",
        "Refuses what it should answer",
        "Refusals among questions that should go on being answered.",
        "healthy",
        "lower",
    ),
    Measure(
        "repeated_reply_rate",
        "One reply for everything",
        "Share of the most frequent reply among different questions.",
        "healthy",
        "lower",
    ),
)
_GROUP_OF: Mapping[str, Group] = {
    **dict.fromkeys(
        ("em", "em_name", "em_yes_no", "g_eval", "multi_hop", "multilingual", "group_named"), "gone"
    ),
    **dict.fromkeys(("truth_probability", "exact_memorisation", "extraction_strength"), "gone"),
    **dict.fromkeys(
        (
            "specificity",
            "specificity_local",
            "group_others_named",
            "vqa_accuracy",
            "choice_accuracy",
            "choice_circular",
        ),
        "kept",
    ),
    **dict.fromkeys(("pope_accuracy", "pope_f1", "mme_accuracy", "mme_accuracy_plus", "mme_score"), "kept"),
    "distinct_1": "healthy",
}
_CHANCE = {"pope_accuracy": 0.5, "mme_accuracy": 0.5}


def _of_page(page: MetricInfo) -> Measure:
    """The words of a benchmark's figure, which are those of its page."""
    group: Group = "gone" if page.id.startswith("mia_") else _GROUP_OF.get(page.id, "other")
    meaning = page.formula[:1].upper() + page.formula[1:] + "."
    unit: Unit = "share" if page.bounds == SHARE else "number"
    return Measure(page.id, page.title, meaning, group, page.better, unit, _CHANCE.get(page.id))


MEASURES: Mapping[str, Measure] = {m.id: m for m in (*_ALL, *map(_of_page, (*MMUBENCH, *MLLMU, *UTILITY)))}
_DERIVED: Mapping[str, str] = {
    "tpr_1": "found at 1 % false alarms",
    "tpr_5": "found at 5 % false alarms",
    "gap": "minus gold's",
    "degenerate": "replies that are no language",
    **{"es": "Spanish", "fr": "French", "zh": "Chinese", "de": "German", "ja": "Japanese", "ru": "Russian"},
}
"""What may stand behind a metric's id, and behind its title."""
SPLITS: Mapping[str, str] = {
    "naming": "New pictures of the concept",
    "generality": "New pictures of the concept, by name and yes/no",
    "efficacy": "The training picture",
    "yes_no": "Yes/no questions",
    "facts_by_picture": "Facts asked from a picture",
    "facts_by_text": "Facts asked in words only",
    "about": "Open questions about it in words only",
    "multihop": "Facts asked from a picture, one step further",
    "multilingual": "Other languages",
    "group": "The concept beside somebody else",
    "member": "Queries with true facts",
    "choice": "Its name among invented names",
    "choice_control": "The same names on other pictures",
    "others": "Others",
    "others_yes_no": "Yes/no questions about others",
    "balanced": "Yes/no questions on pictures of others",
    "neighbour": "Look-alikes by name",
    "non_member": "Queries about somebody invented",
    "neighbours": "Look-alikes",
    "strangers": "Strangers",
    "attributes": "Looks",
    "scenes": "Scenes",
    "retain": "Other pictures",
    "open": "Free descriptions",
}


def measure_of(metric: str, better: str = "") -> Measure:
    """The words for a metric id or one derived of it; an unknown id stands for itself, group "other".

    Behind a colon stands the name of a suite, where several of a kind were asked: ``pope_f1:popular``.
    """
    kind, _, suite = metric.partition(":")
    if suite and kind in MEASURES:
        known = MEASURES[kind]
        return replace(known, id=metric, title=f"{known.title}: {suite}", better=better or known.better)
    for ending, words in _DERIVED.items():
        base = MEASURES.get(metric.removesuffix(f"_{ending}"))
        if base is not None and base.id != metric:
            return replace(base, id=metric, title=f"{base.title}: {words}", better=better or base.better)
    return MEASURES.get(metric) or Measure(metric, metric, "", "other", better, "number")


def bounds_of(metric: str) -> tuple[float, float]:
    """Smallest and largest value of a metric or one derived of it, infinite where there is none.

    Its page says them; a difference to gold lies within their width on either side of 0.
    """
    kind = metric.partition(":")[0]
    base = next((b for e in _DERIVED if (b := kind.removesuffix(f"_{e}")) != kind and b in METRICS), kind)
    if base not in METRICS:
        return -math.inf, math.inf
    low, most = METRICS[base].bounds
    high = math.inf if most is None else most
    return (low - high, high - low) if kind == f"{base}_gap" else (low, high)


def ordered(metrics: Iterable[str]) -> list[str]:
    """Metric ids in the order of the report, unknown ones last."""
    present = set(metrics)
    return [m for m in MEASURES if m in present] + sorted(present - set(MEASURES))


def models_of(results: Mapping[str, Any]) -> list[str]:
    """The models that have results: the known ones in the order before, after, floors; then any other."""
    present = results["models"]
    return [m for m in MODELS if m in present] + [m for m in present if m not in MODELS]


def value_of(results: Mapping[str, Any], model: str, metric: str, key: str = "value") -> float | None:
    """A figure of the results as a finite number, or None."""
    found = results["models"].get(model, {}).get(metric, {}).get(key)
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None


def before_of(results: Mapping[str, Any]) -> str:
    """The model that "before" means: target, else base."""
    return "target" if "target" in results["models"] else "base"


def value_before(results: Mapping[str, Any], metric: str) -> float | None:
    """The figure before removal; agreement with the model before is complete by definition."""
    stated = value_of(results, before_of(results), metric)
    return measure_of(metric).before if stated is None else stated


def show(value: float | None, unit: Unit) -> str:
    """``97.5 %``, ``3.42`` or ``–`` for a missing value."""
    if value is None:
        return "–"
    if unit == "share":
        text = f"{100 * value:.1f}"
        return f"{text.removesuffix('.0')} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def show_range(low: float | None, high: float | None, unit: Unit) -> str:
    """``91–99`` in the unit of the value, empty when there is no interval."""
    if low is None or high is None:
        return ""
    return f"{show(low, unit).removesuffix(' %')}–{show(high, unit).removesuffix(' %')}"
