"""Membership inference as SIU publishes it (arXiv 2405.12523): queries on which two models agree.

A query is *suspicious* when the Min-K% figures (K = 40 %, arXiv 2310.16789) that the model before and the
model after give it have a ratio inside (1/1.15, 1.15): the model after still treats it as the model before
did. The figure is the ROUGE-L of the two models' replies to suspicious queries; lower is better.

Readings:

- ``paper``: mean F1 over suspicious queries (the text says only ROUGE-L).
- ``released_code``: mean recall; values up to 0.1 are dropped before the mean, so a model that answers
  something else altogether leaves no trace. Log-probabilities are not aligned
  (``answering.prompts``).
- ``corrected``: F1 and recall with zeros kept, from aligned log-probabilities, and how many queries were
  suspicious: a mean over three of 800 says little.

No reading looks at anything that was not trained on; ``attacks.membership`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unsee.metrics.likelihood import min_k
from unsee.metrics.overlap import Overlap, rouge_l
from unsee.metrics.stats import mean_interval
from unsee.metrics.variants import Variant
from unsee.nouns import Score

SHARE, WINDOW, DROPPED_BELOW = 0.4, 1.15, 0.1


class Query(NamedTuple):
    """One query under the model before (target) and after (unlearned).

    Attributes:
        before: Log p of each of its tokens under the model before (nats).
        after: The same under the model after.
        reply_before: What the model before replies.
        reply_after: What the model after replies.
        identity: Whom it is about; intervals resample it.
    """

    before: Sequence[float]
    after: Sequence[float]
    reply_before: str
    reply_after: str
    identity: str = ""


class Suspicion(NamedTuple):
    """The published figure and what it stands on.

    Attributes:
        rouge: The reading's mean; None when no suspicious query is left to average.
        recall: Mean recall, zeros kept.
        suspicious: Number of suspicious queries.
        dropped: How many of them the released reading leaves out; 0 in the other readings.
        asked: Number of queries.
    """

    rouge: Score | None
    recall: Score | None
    suspicious: int
    dropped: int
    asked: int

    @property
    def scores(self) -> dict[str, Score]:
        """By metric id: ``mia_rouge``, ``mia_rouge_recall``, and ``mia_suspicious`` as a share of queries."""
        share = mean_interval(
            [1.0] * self.suspicious + [0.0] * (self.asked - self.suspicious), better="lower"
        )
        found = {"mia_rouge": self.rouge, "mia_rouge_recall": self.recall, "mia_suspicious": share}
        return {metric: score for metric, score in found.items() if score is not None}


def is_suspicious(query: Query) -> bool:
    """True when the two Min-K% figures are alike; a query without tokens is not."""
    before, after = min_k(query.before, SHARE), min_k(query.after, SHARE)
    if before is None or after is None or before * after == 0:
        return before is not None and before == after
    return 1 / WINDOW < after / before < WINDOW


def suspicion(queries: Sequence[Query], variant: Variant = "corrected", *, seed: int = 0) -> Suspicion:
    """The published membership inference (readings in the module text).

    Args:
        queries: With log-probabilities of the reading: not aligned for ``released_code``, else aligned.
        variant: The reading.
        seed: Seed of the intervals' resampling.
    """
    chosen = [q for q in queries if is_suspicious(q)]
    overlaps = [(q, rouge_l(q.reply_after, q.reply_before) or Overlap(0, 0, 0)) for q in chosen]
    kept = [(q, o) for q, o in overlaps if variant != "released_code" or o.recall > DROPPED_BELOW]
    values = [o.recall if variant == "released_code" else o.f1 for _, o in kept]
    clusters = [q.identity for q, _ in kept]
    return Suspicion(
        mean_interval(values, clusters, better="lower", seed=seed),
        mean_interval(
            [o.recall for _, o in overlaps], [q.identity for q in chosen], better="lower", seed=seed
        ),
        len(chosen),
        len(overlaps) - len(kept),
        len(queries),
    )
