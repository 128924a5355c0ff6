"""Figures from the log-probabilities (nats) of the tokens of one text, under one model.

A log-probability is at most 0 and is floored at -700 (a double's exponent), so no figure is infinite or NaN.
A text without tokens has no figure: ``None``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FLOOR = -700.0


def _checked(logprobs: Sequence[float]) -> list[float]:
    assert all(lp <= 1e-4 for lp in logprobs), "log-probabilities are not positive (a loss was passed?)"
    return [min(0.0, max(FLOOR, lp)) for lp in logprobs]


def mean_logprob(logprobs: Sequence[float]) -> float | None:
    """Mean log-probability per token (nats); the negative of the mean loss."""
    values = _checked(logprobs)
    return math.fsum(values) / len(values) if values else None


def perplexity(logprobs: Sequence[float]) -> float | None:
    """``exp(-mean log p)`` of one text; 1 is certainty, the vocabulary's size is a blind guess."""
    mean = mean_logprob(logprobs)
    return None if mean is None else math.exp(-mean)


def masked_perplexity(logprobs: Sequence[float], concept: Sequence[bool], vocabulary: int) -> float | None:
    """Perplexity with every concept token scored as ``1 / vocabulary`` (Fluency of SIU, arXiv 2405.12523).

    Args:
        logprobs: Log p of each token of the text under the unlearned model.
        concept: True where the token belongs to the concept's name.
        vocabulary: Size of the vocabulary.
    """
    assert len(logprobs) == len(concept), (len(logprobs), len(concept))
    uniform = -math.log(vocabulary)
    return perplexity([uniform if c else lp for lp, c in zip(logprobs, concept, strict=True)])


def min_k(logprobs: Sequence[float], share: float = 0.4) -> float | None:
    """Mean log p of the ``share`` least likely tokens, at least one (Min-K% Prob, arXiv 2310.16789)."""
    assert 0 < share <= 1, share
    values = sorted(_checked(logprobs))
    return mean_logprob(values[: max(1, round(len(values) * share))]) if values else None
