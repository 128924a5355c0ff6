"""Did the target ever know the concept? What was never known cannot be forgotten.

First signal: the target names the concept, by name or alias, in at least ``threshold`` of the name questions
on its pictures (training and test pictures). Second signal, for models that know but decline to name people:
among invented names the true one is the likeliest, above chance and more often than on pictures of something
else (a famous name is likely on any picture, so without that control the second signal decides nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unsee.metrics.mentions import names_concept
from unsee.metrics.stats import balanced_interval, mean_interval
from unsee.nouns import Record, Score
from unsee.suites.concept.questionnaire import Questionnaire

THRESHOLD = 0.5
SMALLEST_MARGIN = 0.2


def gate(
    questionnaire: Questionnaire, records: Sequence[Record], *, threshold: float = THRESHOLD
) -> dict[str, Any]:
    """The gate's entry in ``results.json``.

    Args:
        questionnaire: What was asked.
        records: The target's records; other splits are ignored.
        threshold: Smallest share of replies that name the concept.

    Returns:
        known: Whether the target knows the concept.
        naming_rate: Share of replies on its pictures that name it; null without such questions.
        yes_no: Balanced accuracy of "is this the concept?"; null without questions of both answers.
        likelihood: Share of its pictures on which the true name is the likeliest; null without such
            questions.
        likelihood_control: The same on other pictures.
        threshold, reason: The limit used and a sentence for the user.
    """
    naming = _naming(questionnaire, records)
    yes_no = _yes_no(questionnaire, records)
    choice, control = _share(records, "choice"), _share(records, "choice_control")
    named = naming is not None and naming.value >= threshold
    likely = _likely(questionnaire, choice, control)
    return {
        "known": named or likely,
        "naming_rate": _value(naming),
        "yes_no": _value(yes_no),
        "likelihood": _value(choice),
        "likelihood_control": _value(control),
        "threshold": threshold,
        "reason": _reason(naming, named, likely, threshold),
    }


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _naming(questionnaire: Questionnaire, records: Sequence[Record]) -> Score | None:
    names = questionnaire.concept.names
    said = [r.reply for r in records if r.split in ("naming", "efficacy") and r.kind == "name"]
    return mean_interval([float(names_concept(t, names)) for t in said], better="higher")


def _yes_no(questionnaire: Questionnaire, records: Sequence[Record]) -> Score | None:
    keys = {q.id: q.keywords for q in questionnaire.of_split("yes_no")}
    asked = [r for r in records if r.question in keys]
    hits = [float(r.status == "correct") for r in asked]
    return balanced_interval(hits, [keys[r.question] for r in asked], better="higher")


def _share(records: Sequence[Record], split: str) -> Score | None:
    return mean_interval([float(r.status == "correct") for r in records if r.split == split], better="higher")


def _likely(questionnaire: Questionnaire, choice: Score | None, control: Score | None) -> bool:
    if choice is None or control is None:
        return False
    options = [len(q.options) for q in questionnaire.of_split("choice") if q.options]
    chance = sum(1 / n for n in options) / len(options) if options else 1.0
    return choice.low > chance and choice.value > control.value + SMALLEST_MARGIN


def _reason(naming: Score | None, named: bool, likely: bool, threshold: float) -> str:
    if naming is None and not likely:
        return "no question asked the target for the concept's name"
    share = (
        "" if naming is None else f"the target names the concept in {naming.value:.0%} of {naming.n} replies"
    )
    if named:
        return f"{share}; at least {threshold:.0%} is needed"
    if likely:
        lead = f"{share}, but " if share else ""
        return f"{lead}the true name is the likeliest on its pictures and not on others"
    return f"{share} and at least {threshold:.0%} is needed: it does not know the concept by this name"
