"""Specificity of SIU (arXiv 2405.12523): what the model still can, as a mean over utility suites.

The paper's main table averages eight (GQA, VQAv2, VizWiz, ScienceQA, TextVQA, POPE, MMBench, MM-Vet), its
ablation has MM-Vet alone: numbers of different sets are never compared, so a mean carries its set's name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from unsee.metrics.stats import make_score
from unsee.nouns import Score


class Specificity(NamedTuple):
    """The mean, and the suites it is over (sorted): two means compare only when these are equal."""

    score: Score
    over: tuple[str, ...]


def specificity(scores: Mapping[str, Score]) -> Specificity | None:
    """Unweighted mean over suites, each 0..1 and higher better; None without any.

    The suites' intervals add in quadrature.
    """
    if not scores:
        return None
    assert all(s.better == "higher" and 0 <= s.value <= 1 for s in scores.values()), scores
    size, parts = len(scores), list(scores.values())
    value = math.fsum(s.value for s in parts) / size
    below = math.sqrt(math.fsum((s.value - s.low) ** 2 for s in parts)) / size
    above = math.sqrt(math.fsum((s.high - s.value) ** 2 for s in parts)) / size
    n = sum(s.n for s in parts)
    return Specificity(
        make_score(value, value - below, value + above, n, "higher", (0.0, 1.0)), tuple(sorted(scores))
    )
