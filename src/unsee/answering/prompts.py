"""How likely a model finds the text of questions themselves: what some published evaluations score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from unsee.answering.plan import read
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.cost import Cost, measure
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.rows import Row, question_row
from unsee.packs.tokens import TokenTable


class PromptScores(NamedTuple):
    """One question as text, from behind its picture (without one: from its second token on) to its end.

    Attributes:
        logprobs: Log p (nats) of each token, given those before.
        late: Each token's log p at its own position, which has already read it: one position late, as
            released evaluations without alignment have it. One value fewer.
        watched: For each watched token, its log p at every position.
    """

    logprobs: tuple[float, ...]
    late: tuple[float, ...]
    watched: tuple[tuple[float, ...], ...] = ()


def read_prompts(
    vlm: VLM,
    pairs: Sequence[tuple[str, Picture | None]],
    *,
    watched: Sequence[int] = (),
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[PromptScores]:
    """Log-probabilities of the tokens of questions, in order; those about one picture share its prefix.

    Args:
        vlm: The model. Its training mode is off inside and restored afterwards.
        pairs: (prompt, picture or None).
        watched: Vocabulary ids that are looked up at every position.
        features: Where features of pictures are kept between calls; None = only for this call.
        cost: Counters to add to.
    """
    rows = [_read(question_row(vlm, *pair, example=str(i))) for i, pair in enumerate(pairs)]
    found: dict[int, PromptScores] = {}
    with measure(cost), torch.no_grad(), evaluating(vlm.model):
        for part in read(vlm, rows, features=features, cost=cost, tables=True):
            assert part.table is not None
            found.update(zip(part.order, _by_row(part.table, watched), strict=True))
    return [found[index] for index in range(len(pairs))]


def _read(row: Row) -> Row:
    """The row with its question in the place of the answer."""
    start = row.image_span[1] if row.image_span else 1
    count = len(row.ids) - start
    return replace(row, role="score", answer_start=start, keep=(True,) * count, text=(True,) * count)


def _by_row(table: TokenTable, watched: Sequence[int]) -> list[PromptScores]:
    found = []
    for r in range(len(table.rows)):
        chosen = table.row == r
        logp, labels = table.logits[chosen].log_softmax(dim=1), table.labels[chosen]
        late = _at(logp[1:], labels[:-1])
        seen = tuple(tuple(logp[:, token].tolist()) for token in watched)
        found.append(PromptScores(_at(logp, labels), late, seen))
    return found


def _at(
    logp: Tensor,  # (N, V)
    labels: Tensor,  # (N,)
) -> tuple[float, ...]:
    return tuple(logp.gather(1, labels[:, None])[:, 0].tolist())
