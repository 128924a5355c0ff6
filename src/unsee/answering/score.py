"""How likely a model finds given answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from unsee.answering.plan import Read, read
from unsee.models.load import VLM
from unsee.nouns import Picture, Question, UserError
from unsee.objectives.renyi import renyi_entropies
from unsee.objectives.statistics import statistics as per_position
from unsee.packs.cost import Cost, measure
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.rows import scored_row


class TokenScores(NamedTuple):
    """Log-probabilities (nats) of the tokens of an answer, its end-of-turn token included.

    What stands below ``total`` is there with ``score(..., statistics=True)`` only, but for ``text``;
    ``metrics.likelihood`` and ``attacks.membership`` read it.

    Attributes:
        logprobs: One per token.
        mean: Their mean.
        total: Their sum.
        text: Per token, False at end-of-turn tokens.
        best: Per token, whether no other token of the vocabulary is likelier.
        means: Per token, the mean of log p under the model's own distribution at that position.
        variances: Per token, the variance of log p under the model's own distribution at that position.
        entropies: Per token, the Renyi entropy there, by order; only orders asked for.
    """

    logprobs: tuple[float, ...]
    mean: float
    total: float
    text: tuple[bool, ...] = ()
    best: tuple[bool, ...] = ()
    means: tuple[float, ...] = ()
    variances: tuple[float, ...] = ()
    entropies: Mapping[float, tuple[float, ...]] = MappingProxyType({})


def score(
    vlm: VLM,
    pairs: Sequence[tuple[str, str, Picture | None]],
    *,
    statistics: bool = False,
    orders: Sequence[float] = (),
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[TokenScores]:
    """Log-probabilities of given answers, in order; texts about one picture share its prefix.

    Args:
        vlm: The model. Its training mode is off inside and restored afterwards.
        pairs: (prompt, answer, picture or None).
        statistics: Also everything that the likelihood metrics read of a position, from the same pass.
        orders: With statistics: also Renyi entropies of these orders.
        features: Where features of pictures are kept between calls; None = only for this call.
        cost: Counters to add to.
    """
    rows = [scored_row(vlm, *pair, example=str(i)) for i, pair in enumerate(pairs)]
    scores: dict[int, TokenScores] = {}
    with measure(cost), torch.no_grad(), evaluating(vlm.model):
        for part in read(vlm, rows, features=features, cost=cost, tables=statistics):
            by_row = _with_statistics(part, orders) if statistics else _by_row(part)
            scores.update(zip(part.order, by_row, strict=True))
    return [scores[index] for index in range(len(pairs))]


def next_tokens(
    vlm: VLM,
    prompts: Sequence[tuple[str, Picture | None]],
    answers: Sequence[str],
    *,
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[list[float]] | None:
    """Log-probability (nats) of the one token in which short answers differ, such as letters.

    One row per prompt, whatever the number of answers.

    Args:
        vlm: The model. Its training mode is off inside and restored afterwards.
        prompts: (prompt, picture or None).
        answers: The same for all prompts.
        features: Where features of pictures are kept between calls; None = only for this call.
        cost: Counters to add to.

    Returns:
        Per prompt one figure per answer: log p of its last text token, behind the tokens that all of them
        begin with. None where the answers differ in more than that token.
    """
    place = _differing(vlm, answers)
    if place is None or not prompts:
        return None if place is None else []
    at, ids = place
    rows = []
    for i, (prompt, picture) in enumerate(prompts):
        row = scored_row(vlm, prompt, answers[0], picture, example=str(i))
        start = row.answer_start + at
        rows.append(
            replace(row, ids=row.ids[: start + 1], answer_start=start, keep=row.keep[:1], text=(True,))
        )
    found: dict[int, list[float]] = {}
    with measure(cost), torch.no_grad(), evaluating(vlm.model):
        for part in read(vlm, rows, features=features, cost=cost, tables=True):
            assert part.table is not None
            logits = part.table.logits
            values = logits[:, ids] - logits.logsumexp(dim=1, keepdim=True)
            found.update(zip(part.order, values.tolist(), strict=True))
    return [found[index] for index in range(len(prompts))]


def _differing(vlm: VLM, answers: Sequence[str]) -> tuple[int, list[int]] | None:
    """Which answer token differs, and what it is in each answer; None where they differ in others too."""
    rows = [scored_row(vlm, "a", text) for text in answers]
    heads = {(row.ids[: row.answer_start + sum(row.text) - 1], row.text) for row in rows}
    at = sum(rows[0].text) - 1
    ids = [row.labels[at] for row in rows]
    return (at, ids) if len(heads) == 1 and len(set(ids)) == len(ids) else None


def _by_row(part: Read) -> list[TokenScores]:
    return [
        TokenScores(line, sum(line) / len(line), sum(line), row.text)
        for row, line in zip(part.rows, _split(part, part.logp), strict=True)
    ]


def _with_statistics(part: Read, orders: Sequence[float]) -> list[TokenScores]:
    assert part.table is not None
    found = per_position(part.table.logits, part.table.labels)
    columns = [_split(part, column) for column in (found.best, found.mean, found.variance)]
    entropies = renyi_entropies(part.table.logits, orders)
    lines = {order: _split(part, values) for order, values in entropies.items()}
    return [
        scores._replace(
            best=best,
            means=means,
            variances=variances,
            entropies={order: line[r] for order, line in lines.items()},
        )
        for r, (scores, best, means, variances) in enumerate(zip(_by_row(part), *columns, strict=True))
    ]


def _split(part: Read, values: Tensor) -> list[tuple[Any, ...]]:
    """The values (N,) of each row's tokens."""
    lines: list[list[Any]] = [[] for _ in part.rows]
    for r, value in zip(part.row.tolist(), values.tolist(), strict=True):
        lines[r].append(value)
    return [tuple(line) for line in lines]


def choose(
    vlm: VLM,
    questions: Sequence[Question],
    *,
    by: Literal["mean", "total"] = "mean",
    cost: Cost | None = None,
) -> list[int]:
    """Index of the likeliest option of each question; the first one where two are equal.

    Args:
        vlm: The model.
        questions: Each with ``options``.
        by: ``mean`` token log-probability (does not favour short options) or ``total``.
        cost: Counters to add to.

    Raises:
        UserError: A question without options.
    """
    for question in questions:
        if not question.options:
            raise UserError(
                "a question has no options to choose from",
                got=question.id,
                expected="two or more options",
                remedy="leave it out, or give it options",
            )
    pairs = [(q.prompt, option, q.picture) for q in questions for option in q.options]
    scores = iter(score(vlm, pairs, cost=cost))
    chosen = []
    for question in questions:
        values = [getattr(next(scores), by) for _ in question.options]
        chosen.append(values.index(max(values)))
    return chosen
