"""Choosing the next token: the best one, or one drawn at a temperature."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.nouns import UserError

Choose = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # (B, K, V) and (B, K) -> (B, K) and (B, K)


@dataclass(frozen=True)
class Sampling:
    """Replies are drawn instead of greedy.

    Each question has a stream of chance of its own, decided by the seed and the question's id: neither the
    size of a batch nor the other questions change its reply.

    Attributes:
        temperature: The logits are divided by it.
        seed: Another seed, other replies.
        banned: Ids that are never said.

    Raises:
        UserError: A temperature that is not a positive number.
    """

    temperature: float = 1.0
    seed: int = 0
    banned: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise UserError(
                "The temperature is not a positive number.",
                got=self.temperature,
                expected="a number above 0, such as 1.0",
                remedy="raise it, or leave sampling out for greedy replies",
            )


def chooser(sampling: Sampling | None, questions: Sequence[str]) -> Choose:
    """How the next token of each question is chosen: greedily, ties towards the smaller id, or by sampling.

    Args:
        sampling: None = greedy.
        questions: Ids of the questions.

    Returns:
        A function of the logits (B, K, V) and the index of each slot's question (B, K; -1 in an empty slot)
        to token ids (B, K) and their log-probabilities (B, K; nats) under the model itself, without
        temperature and ban.
    """
    if sampling is None:
        return lambda logits, question: _with_logprob(logits, logits.argmax(dim=-1))
    chances = [random.Random(f"{sampling.seed} {question}") for question in questions]
    banned = sorted(sampling.banned)

    def draw(logits: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        # In (0, 1]: where the first sum that reaches the share stands, the probability is not 0.
        shares = [[1 - chances[i].random() if i >= 0 else 1.0 for i in line] for line in question.tolist()]
        allowed = (logits / sampling.temperature).index_fill(-1, _ids(banned, logits), -math.inf)
        sums = allowed.softmax(dim=-1).cumsum(dim=-1)
        wanted = torch.tensor(shares, dtype=sums.dtype, device=sums.device)[..., None] * sums[..., -1:]
        return _with_logprob(logits, torch.searchsorted(sums, wanted)[..., 0])

    return draw


def _ids(banned: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor(banned, dtype=torch.long, device=like.device)


def _with_logprob(logits: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    chosen = logits.gather(-1, tokens[..., None])[..., 0]
    return tokens, chosen - logits.logsumexp(dim=-1)
