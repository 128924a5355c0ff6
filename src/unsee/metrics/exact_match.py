"""EM of SIU (arXiv 2405.12523): is the concept still identified?

Efficacy is EM on the picture that was trained on, Generality is EM on other pictures. A question
asks for the name, or yes/no about the name, and has a target ("trump", "yes"). The value of a reply is 1
when the concept is not identified in it, a figure is the mean; the paper prints it in percent.

Readings:

- ``paper``: not identified = the target does not occur as whole words. A denial that repeats the name counts
  as identified; noise, nothing, and No to everything count as forgotten.
- ``released_code``: the same by substring, ``target in reply.lower()``, with the target as the file spells
  it. "eyes" holds "yes" and counts as identified; a target with a leading space (" trump") misses a reply
  that starts with it.
- ``corrected``: the reply must be language to count as forgotten, so an empty or garbled reply is no
  success. Name form: no name is said (``metrics.mentions``; denials do not say it). Yes/no form: the verdict
  is not yes. The two forms are reported apart, beside the accuracy balanced over pictures with and without
  the concept, where a constant answer gets 0.5.

No reading of EM alone tells forgetting from a model that says No to everything: ``suites.mmubench.verdict``
does, with questions about others.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from unsee.metrics import stats
from unsee.metrics.degeneracy import degenerate
from unsee.metrics.mentions import names_concept
from unsee.metrics.replies import is_correct, is_refusal, yes_or_no
from unsee.metrics.stats import balanced_interval, mean_interval
from unsee.metrics.variants import Variant
from unsee.metrics.words import has_words
from unsee.nouns import Question, Score


class Asked(NamedTuple):
    """A question and what the model said."""

    question: Question
    reply: str


def forgotten(asked: Asked, variant: Variant = "corrected", names: Sequence[str] = ()) -> bool:
    """True when the reply does not identify the concept (readings in the module text).

    Args:
        asked: A question whose first keyword is the target as the file spells it, and the reply.
        variant: The reading.
        names: The concept's name and aliases for the corrected reading; empty = the question's keywords.
    """
    question, reply = asked
    target = question.keywords[0]
    if variant == "released_code":
        return target.lower() not in reply.lower()
    if variant == "paper":
        return not has_words(reply, target)
    return not degenerate(reply) and not identified(asked, names or question.keywords)


def identified(asked: Asked, names: Sequence[str]) -> bool:
    """True when the reply says one of the names, or yes to a yes/no question (in the question's language)."""
    question, reply = asked
    if question.kind != "yes_no":
        return names_concept(reply, names)
    said = yes_or_no(reply, question.prompt, question.language)
    return said if said is not None else names_concept(reply, names) and not is_refusal(reply)


def shows_concept(question: Question) -> bool:
    """False for yes/no questions where No is right: their picture shows somebody else."""
    return (
        question.kind != "yes_no" or yes_or_no(question.keywords[0], language=question.language) is not False
    )


def clusters_of(asked: Sequence[Asked]) -> list[Hashable]:
    """What intervals resample (``metrics.stats``)."""
    return stats.clusters_of([a.question for a in asked])


def exact_match(
    asked: Sequence[Asked], variant: Variant = "corrected", names: Sequence[str] = (), *, seed: int = 0
) -> Score | None:
    """Share of replies that do not identify the concept, both forms together; None without questions.

    Questions whose picture does not show the concept take no part.

    Args:
        asked: Questions about the concept's pictures with their replies; kind name or yes_no.
        variant: The reading (module text).
        names: The concept's name and aliases, for the corrected reading; empty = each question's keywords.
        seed: Seed of the interval's resampling.
    """
    about = [a for a in asked if shows_concept(a.question)]
    values = [float(forgotten(a, variant, names)) for a in about]
    return mean_interval(values, clusters_of(about), better="higher", seed=seed)


def generality(
    asked: Sequence[Asked], variant: Variant = "corrected", names: Sequence[str] = (), *, seed: int = 0
) -> dict[str, Score]:
    """EM as a whole and what it hides: figures by metric id, those without questions left out.

    ``em`` both forms; ``em_name`` and ``em_yes_no`` each form alone; ``yes_no_balanced`` mean of the accuracy
    on the concept's pictures (yes) and on others' (no), which the balanced questions among ``asked`` need;
    ``degenerate_rate`` replies that are empty or garbled. The last two are the same in every reading.

    Args:
        asked: EM questions with their replies, those about pictures of others included.
        variant: The reading of the first three.
        names: The concept's name and aliases; empty = each question's keywords.
        seed: Seed of the intervals' resampling.
    """
    yes_no = [a for a in asked if a.question.kind == "yes_no"]
    named = [a for a in asked if a.question.kind != "yes_no"]
    found = {
        "em": exact_match(asked, variant, names, seed=seed),
        "em_name": exact_match(named, variant, names, seed=seed),
        "em_yes_no": exact_match(yes_no, variant, names, seed=seed),
        "yes_no_balanced": balanced_yes_no(yes_no, seed=seed),
        "degenerate_rate": mean_interval(
            [float(degenerate(a.reply)) for a in asked], clusters_of(asked), better="lower", seed=seed
        ),
    }
    return {metric: score for metric, score in found.items() if score is not None}


def balanced_yes_no(asked: Sequence[Asked], *, seed: int = 0) -> Score | None:
    """Mean of the accuracy where yes is right and where no is right; None unless both are asked.

    A reply that is neither yes nor no is wrong on either side.
    """
    sides = [[a for a in asked if shows_concept(a.question) is shown] for shown in (True, False)]
    return balanced_interval(
        [float(is_correct(a.question, a.reply)) for side in sides for a in side],
        [shows_concept(a.question) for side in sides for a in side],
        [cluster for side in sides for cluster in clusters_of(side)],
        better="lower",
        seed=seed,
    )
