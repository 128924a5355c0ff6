"""Is what the unlearned model says still language? Perplexity, in three readings (SIU, arXiv 2405.12523).

Each reading scores another text under another model:

- ``corrected``: the unlearned model's *own reply* under the *frozen target*. The geometric mean over
  replies, so that one endless reply does not outweigh the others.
- ``paper``: the *target's answer* under the *unlearned* model, tokens of the concept's name counted as
  ``1 / vocabulary``. The arithmetic mean over answers.
- ``released_code``: the labels are cut to the length of the prompt, so what is scored is the *prompt*, under
  the unlearned model, tokens of the name left out. The arithmetic mean over prompts. It knows nothing of
  answers: a model that answers gibberish keeps the perplexity of the questions.

The last two are capped at 1e100 per text, where the paper prints Inf.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import NamedTuple

from unsee.metrics.degeneracy import degenerate
from unsee.metrics.likelihood import FLOOR, masked_perplexity, mean_logprob, perplexity
from unsee.metrics.stats import make_score, mean_interval
from unsee.metrics.variants import Variant
from unsee.nouns import Score

CAP = 1e100


class ScoredText(NamedTuple):
    """One text under one model; which text and which model, the reading says (module text).

    Attributes:
        logprobs: Log p of each token (nats).
        concept: True where the token belongs to the concept's name; empty = nowhere.
    """

    logprobs: Sequence[float]
    concept: Sequence[bool] = ()


def fluency(
    texts: Sequence[ScoredText],
    variant: Variant = "corrected",
    *,
    vocabulary: int = 0,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Score | None:
    """Perplexity of texts in one of the readings; texts without tokens are left out, None without any.

    Args:
        texts: The texts of the reading, scored by the model of the reading.
        variant: The reading.
        vocabulary: Size of the vocabulary; needed for ``paper``.
        clusters: Identity per text.
        seed: Seed of the interval's resampling.
    """
    keys = list(clusters) if clusters is not None else [0] * len(texts)
    if variant == "corrected":
        means = [
            (m, k) for t, k in zip(texts, keys, strict=True) if (m := mean_logprob(t.logprobs)) is not None
        ]
        return fluency_ppl([m for m, _ in means], [k for _, k in means], seed=seed)
    assert variant != "paper" or vocabulary > 0, vocabulary
    values = [(_published(t, variant, vocabulary), k) for t, k in zip(texts, keys, strict=True)]
    kept = [(min(CAP, v), k) for v, k in values if v is not None]
    found = mean_interval([v for v, _ in kept], [k for _, k in kept], better="lower", bounds=None, seed=seed)
    return None if found is None else replace(found, low=max(min(1.0, found.value), found.low))


def _published(text: ScoredText, variant: Variant, vocabulary: int) -> float | None:
    concept = text.concept or [False] * len(text.logprobs)
    if variant == "paper":
        return masked_perplexity(text.logprobs, concept, vocabulary)
    return perplexity([lp for lp, of_name in zip(text.logprobs, concept, strict=True) if not of_name])


def fluency_ppl(
    mean_logprobs: Sequence[float], clusters: Sequence[Hashable] | None = None, *, seed: int = 0
) -> Score | None:
    """Perplexity of replies under the frozen target.

    Args:
        mean_logprobs: Mean log p per token of each non-empty reply under the target (nats). Empty replies
            have none and must not be passed; they show in ``degenerate_rate``.
        clusters: Identity per reply.
        seed: Seed of the interval's resampling.

    Returns:
        Value in [1, e^700], lower is better; the interval is computed on the logarithm.
    """
    losses = [-min(0.0, max(FLOOR, lp)) for lp in mean_logprobs]
    nats = mean_interval(losses, clusters, better="lower", bounds=None, seed=seed)
    if nats is None:
        return None
    value, low, high = (math.exp(min(-FLOOR, max(0.0, x))) for x in (nats.value, nats.low, nats.high))
    return make_score(value, low, high, nats.n, "lower", (1.0, math.exp(-FLOOR)))


def degenerate_rate(
    replies: Sequence[str], clusters: Sequence[Hashable] | None = None, *, seed: int = 0
) -> Score | None:
    """Share of replies that are empty or gibberish (the rule of ``metrics.degeneracy``)."""
    return mean_interval([float(degenerate(r)) for r in replies], clusters, better="lower", seed=seed)
