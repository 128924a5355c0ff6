"""Do two models differ? Paired tests that respect identities, several tests at once, distances of samples.

Questions about one identity are not independent, so the exact test of McNemar, which flips single questions,
is replaced by its clustered form: the signs of whole identities are flipped.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FLIPS = 10_000
EXACT = 13  # up to so many identities every pattern of signs is tried


class Paired(NamedTuple):
    """A paired comparison of two models on the same questions.

    Attributes:
        difference: Mean of first - second.
        p: Two-sided p-value of the sign-flip test over identities.
        n: Questions both answered.
        clusters: Identities among them.
    """

    difference: float
    p: float
    n: int
    clusters: int


def sign_flip(
    first: Mapping[str, float],
    second: Mapping[str, float],
    clusters: Mapping[str, Hashable],
    *,
    seed: int = 0,
) -> Paired | None:
    """Paired randomisation test: under the null, whole identities could have been swapped between the models.

    Args:
        first: Value by question id.
        second: Value by question id; ids that only one side has take no part.
        clusters: Identity by question id.
        seed: Of the random sign patterns, used above 13 identities.

    Returns:
        None without common questions. With all differences 0 the p-value is 1. Up to 13 identities the test
        is exact; above, 10,000 patterns and the observed one are counted.
    """
    ids = [i for i in first if i in second]
    if not ids:
        return None
    sums: dict[Hashable, float] = {}
    for i in ids:
        sums[clusters[i]] = sums.get(clusters[i], 0.0) + first[i] - second[i]
    gaps = np.array(list(sums.values()))
    observed = abs(gaps.sum())
    if len(gaps) <= EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(gaps))))
        p = float(np.mean(np.abs(signs @ gaps) >= observed - 1e-12))
    else:
        signs = _flips(len(gaps), seed)
        p = float((1 + np.sum(np.abs(signs @ gaps) >= observed - 1e-12)) / (FLIPS + 1))
    return Paired(float(gaps.sum() / len(ids)), p, len(ids), len(gaps))


@lru_cache(maxsize=4)
def _flips(count: int, seed: int) -> NDArray[np.float64]:
    """(FLIPS, count) random signs; the same for every test of a table, so they are drawn once."""
    return np.random.default_rng(seed).choice((-1.0, 1.0), size=(FLIPS, count))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment (1979) of several p-values; keys and order are kept."""
    ordered = sorted(p_values, key=lambda key: p_values[key])
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, key in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - rank) * p_values[key]))
        adjusted[key] = highest
    return {key: adjusted[key] for key in p_values}


class SampleDistance(NamedTuple):
    """How far two samples of one figure lie apart.

    Attributes:
        ks: Largest distance D of the two distribution functions, 0..1.
        p: Its two-sided p-value; it falls with n whatever D is, so read D.
        wasserstein: Mean distance of the sorted samples, in units of the figure.
        n: Sizes of the samples.
    """

    ks: float
    p: float
    wasserstein: float
    n: tuple[int, int]


def sample_distance(first: Sequence[float], second: Sequence[float]) -> SampleDistance | None:
    """Kolmogorov-Smirnov D with its p-value, and the Wasserstein-1 distance; None when a sample is empty."""
    if not first or not second:
        return None
    found = stats.ks_2samp(first, second)
    apart = stats.wasserstein_distance(first, second)
    return SampleDistance(
        float(found.statistic), float(found.pvalue), float(apart), (len(first), len(second))
    )


def retrain_floor(golds: Sequence[Mapping[str, float]]) -> list[SampleDistance]:
    """Distances of every two gold models that differ in their seed only: what no unlearning can be below.

    Args:
        golds: Per gold model, the figure by question id; only questions all of them have count.
    """
    common = [i for i in golds[0] if all(i in gold for gold in golds)] if golds else []
    pairs = itertools.combinations(golds, 2)
    found = (sample_distance([a[i] for i in common], [b[i] for i in common]) for a, b in pairs)
    return [distance for distance in found if distance is not None]
