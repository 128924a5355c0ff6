"""How varied is what a model says over many questions? Three readings, because the published ones disagree.

- ``diversity``, distinct-n: different n-grams / n-grams over the pool of all replies. Detects template
  collapse. The headline and the ``corrected`` reading.
- ``unique_words``: number of different words in all replies (``paper``, the text of SIU, arXiv 2405.12523).
- ``released_code``: mean over replies of different words / words, words cut at white space as they are spelt,
  0 for an empty reply; printed in percent. One template repeated for every question scores near 1: it does
  not detect collapse.

Distinct-n falls with the number of replies by itself: compare models only on the same questions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from unsee.metrics.stats import make_score, mean_interval
from unsee.metrics.variants import Variant
from unsee.metrics.words import words
from unsee.nouns import Score


def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    said = words(text)
    return Counter(tuple(said[i : i + n]) for i in range(len(said) - n + 1))


def unique_words(replies: Sequence[str]) -> int:
    """Number of different folded words over all replies."""
    return len({w for r in replies for w in words(r)})


def diversity_in(
    replies: Sequence[str],
    variant: Variant = "corrected",
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
) -> Score | None:
    """Diversity in one of its readings (module text); None without replies.

    Args:
        replies: What the model said, one per question.
        variant: ``paper``: a count of words, without an interval. ``released_code`` and ``corrected``: 0..1.
        clusters: Identity per reply, for the interval of ``released_code``.
        seed: Seed of that interval's resampling.
    """
    if variant == "corrected" or not replies:
        return diversity(replies)
    if variant == "paper":
        count = float(unique_words(replies))
        return make_score(count, count, count, len(replies), "higher", None)
    shares = [len(set(said)) / max(1, len(said)) for said in map(str.split, replies)]
    return mean_interval(shares, clusters, better="higher", seed=seed)


def diversity(replies: Sequence[str], n: int = 2) -> Score | None:
    """Distinct-n with a delete-one-reply jackknife interval (resampling replies would fake repetition).

    Fewer than two replies with n words: the interval is [0, 1]. All replies without n words: value 0, since
    there is something to measure and nothing varied in it. No replies: None.
    """
    if not replies:
        return None
    grams = [g for g in (_grams(r, n) for r in replies) if g]
    pool: Counter[tuple[str, ...]] = Counter()
    for g in grams:
        pool += g
    if not pool:
        return make_score(0.0, 0.0, 1.0, len(replies), "higher", (0.0, 1.0))
    value = len(pool) / pool.total()
    half = 1.0 if len(grams) < 2 else 1.96 * _jackknife_error(grams, pool)
    return make_score(value, value - half, value + half, len(replies), "higher", (0.0, 1.0))


def _jackknife_error(grams: Sequence[Counter[tuple[str, ...]]], pool: Counter[tuple[str, ...]]) -> float:
    left = []
    for g in grams:
        kept = len(pool) - sum(pool[k] == c for k, c in g.items())
        left.append(kept / (pool.total() - g.total()))
    mean, size = sum(left) / len(left), len(left)
    return math.sqrt((size - 1) / size * sum((x - mean) ** 2 for x in left))


def repeated_reply_rate(replies: Sequence[str]) -> float | None:
    """Share of the most frequent reply (folded) among replies to different questions, 0..1; None if empty."""
    if not replies:
        return None
    return Counter(words(r) for r in replies).most_common(1)[0][1] / len(replies)
