"""Is what the unlearned model says still language? Perplexity of its own replies under the frozen target.

Reading: the geometric mean over replies of the reply's perplexity, so that one endless reply does not
outweigh the others. The SIU paper (arXiv 2405.12523) measures the other direction, the target's answer under
the unlearned model with concept tokens scored as uniform: ``likelihood.masked_perplexity``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from unsee.metrics.degeneracy import degenerate
from unsee.metrics.likelihood import FLOOR
from unsee.metrics.stats import make_score, mean_interval
from unsee.nouns import Score


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
