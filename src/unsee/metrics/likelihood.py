"""Figures from the log-probabilities (nats) of the tokens of one text, under one model.

All of them read one pass: ``answering.score(..., statistics=True)`` gives, per token, the log-probability,
whether it is the likeliest token, and mean and variance of log p under the model's own distribution.

A log-probability is at most 0 and is floored at -700 (a double's exponent), so no figure is infinite or NaN.
A text without tokens has no figure: ``None``.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

FLOOR = -700.0
# Below it a variance is rounding of a distribution without any.
LEAST_VARIANCE = 1e-9


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


def probability(logprobs: Sequence[float]) -> float | None:
    """``exp(mean log p)``: probability of the text, whatever its length (TOFU, arXiv 2401.06121)."""
    mean = mean_logprob(logprobs)
    return None if mean is None else math.exp(mean)


def truth_ratio(right: Sequence[float], wrong: Sequence[Sequence[float]]) -> float | None:
    """Probability of the wrong answers over that of the right one (TOFU, arXiv 2401.06121).

    ``exp(mean over wrong answers of their mean log p - mean log p of the right answer)``: the geometric mean
    over the wrong answers, as in TOFU's code. Below 1 the model prefers what is true.

    Args:
        right: Log p of each token of the right answer (a paraphrase of the trained one).
        wrong: The same of each wrong answer of the same form; None comes back without any.
    """
    truth, lies = mean_logprob(right), [mean_logprob(answer) for answer in wrong]
    known = [lie for lie in lies if lie is not None]
    if truth is None or not known or len(known) < len(lies):
        return None
    return math.exp(min(-FLOOR, math.fsum(known) / len(known) - truth))


def zlib_ratio(logprobs: Sequence[float], text: str) -> float | None:
    """Mean log p over the bytes of the compressed text (arXiv 2012.07805); nearer 0 speaks for a member."""
    mean = mean_logprob(logprobs)
    return None if mean is None else mean / len(zlib.compress(text.encode("utf-8")))


def min_k(logprobs: Sequence[float], share: float = 0.4) -> float | None:
    """Mean log p of the ``share`` least likely tokens, at least one (Min-K% Prob, arXiv 2310.16789)."""
    return _least(_checked(logprobs), share)


def min_k_plus_plus(
    logprobs: Sequence[float], means: Sequence[float], variances: Sequence[float], share: float = 0.4
) -> float | None:
    """Min-K%++ (arXiv 2404.02936): as :func:`min_k`, of log p in standard deviations from its expectation.

    Args:
        logprobs: Log p of each token.
        means: Mean of log p under the model's distribution at the token's position.
        variances: Its variance; a position without any (all tokens alike, or one certain) counts as 0.
        share: Share of the tokens that are averaged.
    """
    assert len(logprobs) == len(means) == len(variances), (len(logprobs), len(means), len(variances))
    values = [
        (lp - mean) / math.sqrt(variance) if variance > LEAST_VARIANCE else 0.0
        for lp, mean, variance in zip(_checked(logprobs), means, variances, strict=True)
    ]
    return _least(values, share)


def exact_memorisation(best: Sequence[bool]) -> float | None:
    """Share of tokens that the model would have chosen itself, given those before (arXiv 2205.10770)."""
    return sum(best) / len(best) if best else None


def extraction_strength(best: Sequence[bool]) -> float | None:
    """Share of the text, at its end, that the model continues without a slip (arXiv 2012.07805).

    ``1 - k / n`` with k the shortest beginning after which every chosen token is the text's; 0 where the last
    token is already another one. Choosing step by step gives the same, since up to the first slip both see
    the same tokens.
    """
    if not best:
        return None
    right = next((i for i, hit in enumerate(reversed(best)) if not hit), len(best))
    return right / len(best)


def _least(values: Sequence[float], share: float) -> float | None:
    assert 0 < share <= 1, share
    chosen = sorted(values)[: max(1, int(len(values) * share))]
    return math.fsum(chosen) / len(chosen) if chosen else None
