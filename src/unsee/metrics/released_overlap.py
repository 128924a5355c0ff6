"""ROUGE and BLEU as the MLLMU-Bench release computes them (arXiv 2410.22108), for equality with its numbers.

ROUGE is ``rouge-score`` with its stemmer: its tokeniser keeps a-z and 0-9 only, so "José Ñandú" equals
"Jos and". ``metrics.overlap`` drops no letter. BLEU is nltk's ``sentence_bleu`` with the first smoothing
method (Chen and Cherry 2014, W14-3346) on words between white space, written out here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from unsee.metrics.overlap import grams

EPSILON = 0.1
ORDERS = 4
ROUGES = ("rouge1", "rouge2", "rougeL")


def released_rouge(reply: str, truth: str) -> dict[str, float]:
    """F-measures ``rouge1``, ``rouge2`` and ``rougeL`` by rouge-score with its stemmer."""
    found = _scorer().score(truth, reply)
    return {name: float(found[name].fmeasure) for name in ROUGES}


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(ROUGES), use_stemmer=True)


def bleu(reply: str, truth: str) -> float:
    """Sentence BLEU of words between white space: geometric mean of four precisions times brevity.

    An n-gram order without a match counts 0.1 matches (smoothing method 1); without a common word it is 0.
    """
    said, wanted = reply.split(), truth.split()
    matches = [_matched(said, wanted, n) for n in range(1, ORDERS + 1)]
    if matches[0][0] == 0:
        return 0.0
    logs = [math.log((hit or EPSILON) / total) for hit, total in matches]
    brevity = 1.0 if len(said) > len(wanted) else math.exp(1 - len(wanted) / len(said))
    return brevity * math.exp(sum(logs) / ORDERS)


def _matched(said: Sequence[str], wanted: Sequence[str], n: int) -> tuple[int, int]:
    """Clipped matches of n-grams and the number of n-grams of the reply, at least 1."""
    mine, theirs = grams(said, n), grams(wanted, n)
    return (mine & theirs).total(), max(1, mine.total())
