"""ROUGE (Lin 2004) on folded Unicode words: accents fold, but no letter of any script is dropped.

The widespread ``rouge-score`` tokeniser keeps only ``[a-z0-9]``, so a Russian or Chinese reply has no words
at all there. No stemming. First argument is always the reply, second the reference: swapping them swaps
precision and recall.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from unsee.metrics.words import content_words, words

_NEGATIONS = frozenset(("no", "not", "never", "none"))


class Overlap(NamedTuple):
    """Precision (share of the reply), recall (share of the reference) and their harmonic mean, in 0..1."""

    precision: float
    recall: float
    f1: float


def _overlap(common: int, said: int, wanted: int) -> Overlap:
    if common == 0:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = common / said, common / wanted
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))


def rouge_n(reply: str, reference: str, n: int = 1) -> Overlap | None:
    """ROUGE-n with clipped counts. None when the reference has no n-gram (nothing to measure)."""
    assert n >= 1, n
    said, wanted = grams(words(reply), n), grams(words(reference), n)
    if not wanted:
        return None
    return _overlap((said & wanted).total(), said.total(), wanted.total())


def grams(said: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each run of ``n`` words occurs."""
    return Counter(tuple(said[i : i + n]) for i in range(len(said) - n + 1))


def rouge_l(reply: str, reference: str) -> Overlap | None:
    """ROUGE-L from the longest common subsequence of words. None when the reference has no word."""
    said, wanted = words(reply), words(reference)
    if not wanted:
        return None
    return _overlap(_longest_common(said, wanted), len(said), len(wanted))


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for word in a:
        corner = 0
        for j, other in enumerate(b, start=1):
            corner, row[j] = row[j], corner + 1 if word == other else max(row[j], row[j - 1])
    return row[-1]


def same_content(first: str, second: str) -> bool:
    """True when two replies say the same: content words with F1 of at least 0.5 and the same polarity.

    Polarity: both or neither contain a negation, so that "it is red" and "it is not red" differ. Replies
    without content words agree only when their words are equal.
    """
    a, b = words(first), words(second)
    if _NEGATIONS.isdisjoint(a) != _NEGATIONS.isdisjoint(b):
        return False
    left, right = Counter(content_words(first)), Counter(content_words(second))
    if not left or not right:
        return a == b
    return _overlap((left & right).total(), left.total(), right.total()).f1 >= 0.5
