"""Was this text, or this picture, in the training data? Scores of single items, and how well they tell.

Higher = more likely a member. lp_t is the log-probability of token t, mu_t and sigma_t mean and standard
deviation of log p under the model's own distribution there, H_t its Renyi entropy.

- ``loss``: mean lp (Yeom et al., arXiv 1709.01604)
- ``zlib``: mean lp over the bytes of the compressed text (arXiv 2012.07805; some papers take the sum)
- ``min_k``: mean of the lowest K % of lp (arXiv 2310.16789)
- ``min_k_pp``: mean of the lowest K % of (lp - mu) / sigma (arXiv 2404.02936)
- ``max_renyi_A``: minus the mean of the highest K % of H of order A in .5, 1, 2, inf (arXiv 2411.02902). It
  needs no label, so it reads positions of a picture as well as those of a text.

Of an unlearned model, 0.5 is not the goal but what gold shows: under a model trained without them the same
items differ for other reasons too, and an AUC far below gold's is a sign of unlearning in itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from unsee.metrics.likelihood import mean_logprob, min_k, min_k_plus_plus, zlib_ratio
from unsee.metrics.roc import Groups, auc_gap, auc_score, tpr_score
from unsee.nouns import Score

SHARE = 0.2  # K of Min-K%, Min-K%++ and MaxRenyi-K%: the best value of arXiv 2310.16789
RATES = (0.01, 0.05)
TEXTS, PICTURES = "mia", "mia_picture"
"""What metric ids begin with."""


@dataclass(frozen=True)
class Tokens:
    """What one model makes of one item; every line has one entry per position, absent ones are empty.

    Attributes:
        logprobs: Log p of each token (nats), aligned: the entry of a token is what the model gave it.
        means: Mean of log p under the distribution at the position.
        variances: Its variance.
        entropies: Renyi entropies (nats) by order.
        text: The text, for zlib.
        identity: Whom or what the item is about; intervals resample it.
    """

    logprobs: Sequence[float] = ()
    means: Sequence[float] = ()
    variances: Sequence[float] = ()
    entropies: Mapping[float, Sequence[float]] = field(default_factory=dict)
    text: str = ""
    identity: str = ""


def max_renyi(entropy: Sequence[float], share: float = SHARE) -> float | None:
    """Minus the mean of the ``share`` highest entropies, at least one; None without positions."""
    assert 0 < share <= 1, share
    highest = sorted(entropy, reverse=True)[: max(1, int(len(entropy) * share))]
    return -math.fsum(highest) / len(highest) if highest else None


def scores_of(tokens: Tokens, share: float = SHARE) -> dict[str, float]:
    """Every score that can be had of one item, by name (module text); absent without its input."""
    found = {
        "loss": mean_logprob(tokens.logprobs),
        "zlib": zlib_ratio(tokens.logprobs, tokens.text) if tokens.text else None,
        "min_k": min_k(tokens.logprobs, share),
        "min_k_pp": min_k_plus_plus(tokens.logprobs, tokens.means, tokens.variances, share)
        if tokens.means
        else None,
    }
    found |= {f"max_renyi_{order:g}": max_renyi(h, share) for order, h in tokens.entropies.items()}
    return {name: value for name, value in found.items() if value is not None}


def membership(
    members: Sequence[Tokens],
    others: Sequence[Tokens],
    *,
    prefix: str = TEXTS,
    share: float = SHARE,
    seed: int = 0,
) -> dict[str, Score]:
    """How well each score tells members from non-members under one model.

    Args:
        members: Items that were trained on.
        others: Items of the same kind that were not.
        prefix: ``TEXTS`` or ``PICTURES``, what the items are.
        share: K of the scores that look at a part of the positions.
        seed: Seed of the intervals' resampling, which draws identities.

    Returns:
        By metric id: ``mia_NAME`` (AUC, 0.5 = cannot tell), ``mia_NAME_tpr_1`` and ``mia_NAME_tpr_5`` (share
        of members found at 1 % and 5 % false alarms; absent with fewer than 100 and 20 non-members); of
        pictures ``mia_picture_NAME``. A score that some item lacks is absent.
    """
    found: dict[str, Score | None] = {}
    for name, groups in grouped(members, others, share).items():
        found[f"{prefix}_{name}"] = auc_score(groups, seed=seed)
        for rate in RATES:
            found[f"{prefix}_{name}_tpr_{rate:.0%}".rstrip("%")] = tpr_score(groups, rate, seed=seed)
    return {metric: score for metric, score in found.items() if score is not None}


def against_gold(
    model: tuple[Sequence[Tokens], Sequence[Tokens]],
    gold: tuple[Sequence[Tokens], Sequence[Tokens]],
    *,
    prefix: str = TEXTS,
    share: float = SHARE,
    seed: int = 0,
) -> dict[str, Score]:
    """AUC of a model minus gold's, ``mia_NAME_gap`` for each score that both have.

    Args:
        model: (members, others) under the model.
        gold: The same items in the same order under gold.
        prefix: As in :func:`membership`.
        share: As in :func:`membership`.
        seed: Seed of the resampling; both models are resampled together.
    """
    first, second = grouped(*model, share), grouped(*gold, share)
    found = {f"{prefix}_{n}_gap": auc_gap(first[n], second[n], seed=seed) for n in first if n in second}
    return {metric: score for metric, score in found.items() if score is not None}


def grouped(members: Sequence[Tokens], others: Sequence[Tokens], share: float = SHARE) -> dict[str, Groups]:
    """The scores that every item has, by name, as two groups."""
    lists = [[scores_of(item, share) for item in side] for side in (members, others)]
    every = [scored for side in lists for scored in side]
    names = [n for n in every[0] if all(n in scored for scored in every)] if every else []
    clusters = [[item.identity for item in side] for side in (members, others)]
    return {
        name: Groups([s[name] for s in lists[0]], [s[name] for s in lists[1]], clusters[0], clusters[1])
        for name in names
    }
