"""Does a judge agree with itself, or with another, about replies that say the same in other words?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from unsee.metrics.judging import HIGHEST, LOWEST, Case, Judge
from unsee.metrics.rewording import reworded
from unsee.metrics.stats import mean_interval
from unsee.nouns import Score


class Agreement(NamedTuple):
    """How well two series of grades agree.

    Attributes:
        exact: Share of pairs with equal grades; None without pairs.
        kappa: Cohen's kappa with quadratic weights (1968): 1 = always equal, 0 = as by chance; None where
            chance alone agrees always (all grades alike).
        unscored: Pairs with a grade missing on either side; they take no part.
    """

    exact: Score | None
    kappa: float | None
    unscored: int


def judge_agreement(judge: Judge, pairs: Sequence[tuple[Case, Case]], *, seed: int = 0) -> Agreement:
    """The judge's agreement with itself on pairs of replies that should get the same grade.

    Args:
        judge: Whoever grades.
        pairs: Two wordings of one reply each; intervals resample the concept.
        seed: Seed of the interval's resampling.
    """
    first, second = judge.grade([a for a, _ in pairs]), judge.grade([b for _, b in pairs])
    grades = [(a.value, b.value) for a, b in zip(first, second, strict=True)]
    return agreement(grades, [a.concept.id or a.concept.name for a, _ in pairs], seed=seed)


def wordings(cases: Iterable[Case]) -> list[tuple[Case, Case]]:
    """Each different English case beside the same in other words, where its reply has a phrase to swap."""
    told = {(c.concept.id or c.concept.name, c.question.prompt, c.reply): c for c in cases}
    english = [c for c in told.values() if c.question.language == "en"]
    made = [(c, reworded(c.reply, c.concept.names)) for c in english]
    return [(c, replace(c, reply=other)) for c, other in made if other is not None]


def agreement(
    grades: Sequence[tuple[int | None, int | None]], clusters: Sequence[str] | None = None, *, seed: int = 0
) -> Agreement:
    """Exact agreement and weighted kappa of two series of grades 1..5."""
    keys = list(clusters) if clusters is not None else [""] * len(grades)
    both = [(a, b, k) for (a, b), k in zip(grades, keys, strict=True) if a is not None and b is not None]
    exact = mean_interval(
        [float(a == b) for a, b, _ in both], [k for *_, k in both], better="higher", seed=seed
    )
    return Agreement(exact, weighted_kappa([(a, b) for a, b, _ in both]), len(grades) - len(both))


def weighted_kappa(grades: Sequence[tuple[int, int]]) -> float | None:
    """1 - observed / expected squared distance of the grades; None where none is expected, or without any."""
    assert all(LOWEST <= g <= HIGHEST for pair in grades for g in pair), "grades are 1..5"
    if not grades:
        return None
    observed = sum((a - b) ** 2 for a, b in grades) / len(grades)
    expected = sum((a - b) ** 2 for a, _ in grades for _, b in grades) / len(grades) ** 2
    return None if expected == 0 else 1 - observed / expected
