"""open-unlearning (arXiv 2506.12618): one pass over the data for every metric and every attack, by layout."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from performance.peers.rows import one_row
from unsee.models.load import VLM
from unsee.nouns import Example
from unsee.packs.rows import make_rows

SHARE = 0.4
Read = Callable[[Tensor, Tensor, str], float]  # (n, V) log-probabilities, (n,) labels, text -> figure


def _label_logp(log_p: Tensor, labels: Tensor) -> Tensor:
    return log_p.gather(1, labels[:, None])[:, 0]


def loss(log_p: Tensor, labels: Tensor, text: str) -> float:
    """Mean negative log-probability."""
    return -float(_label_logp(log_p, labels).mean())


def probability(log_p: Tensor, labels: Tensor, text: str) -> float:
    """exp(mean log-probability)."""
    return float(_label_logp(log_p, labels).mean().exp())


def zlib_ratio(log_p: Tensor, labels: Tensor, text: str) -> float:
    """Mean log-probability over the compressed size."""
    return float(_label_logp(log_p, labels).mean()) / len(zlib.compress(text.encode()))


def min_k(log_p: Tensor, labels: Tensor, text: str) -> float:
    """Mean of the least likely tokens."""
    return _least(_label_logp(log_p, labels))


def min_k_plus_plus(log_p: Tensor, labels: Tensor, text: str) -> float:
    """The same of log-probabilities in standard deviations from their expectation."""
    mean = (log_p.exp() * log_p).sum(-1)
    variance = (log_p.exp() * (log_p - mean[:, None]).square()).sum(-1)
    return _least((_label_logp(log_p, labels) - mean) / variance.sqrt())


def exact_memorisation(log_p: Tensor, labels: Tensor, text: str) -> float:
    """Share of tokens that are the likeliest."""
    return float((log_p.argmax(-1) == labels).float().mean())


def extraction_strength(log_p: Tensor, labels: Tensor, text: str) -> float:
    """Share of the text behind the last token that is not the likeliest."""
    wrong = (log_p.argmax(-1) != labels).nonzero()[:, 0].tolist()
    return 1 - (wrong[-1] + 1 if wrong else 0) / len(labels)


def _least(values: Tensor) -> float:
    return float(values.sort().values[: max(1, int(len(values) * SHARE))].mean())


METRICS: tuple[Read, ...] = (
    loss,
    probability,
    zlib_ratio,
    min_k,
    min_k_plus_plus,
    exact_memorisation,
    extraction_strength,
)


@torch.no_grad()
def one_pass_each(vlm: VLM, examples: Sequence[Example]) -> list[tuple[float, ...]]:
    """Every metric of every answer; each metric runs the model over all rows again."""
    rows = make_rows(vlm, examples)
    columns = []
    for read in METRICS:
        column = []
        for row, example in zip(rows, examples, strict=True):
            labels = torch.tensor(row.labels, device=vlm.device)
            column.append(read(one_row(vlm, row)[row.answer_start - 1 :], labels, example.answer))
        columns.append(column)
    return list(zip(*columns, strict=True))
