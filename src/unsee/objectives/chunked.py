"""Likelihood and KL at many positions, from hidden states: never more than a block of logits at a time.

Over all positions of a batch the logits alone would be 4 * N * V bytes, and a divergence keeps several
tensors of that size for its gradient. Here a block of positions goes through the vocabulary head, gives one
number per position, and is computed again in the backward pass. The values are those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from unsee.objectives.divergences import forward_kl
from unsee.objectives.likelihood import token_logp

Head = Callable[[Tensor], Tensor]  # (n, D) hidden states -> (n, V) logits
Divergence = Callable[[Tensor, Tensor], Tensor]  # (n, V) student's and (n, V) reference's logits -> (n,)
BLOCK = 256


def chunked_logp(
    hidden: Tensor,  # (N, D) what the head reads
    labels: Tensor,  # (N,) int64
    head: Head,
    *,
    block: int = BLOCK,
) -> Tensor:
    """Log-probability (nats, float32) of each label: (N,). ``block`` positions have logits at a time."""

    def part(states: Tensor, wanted: Tensor) -> Tensor:
        return token_logp(head(states), wanted)

    return _in_blocks(part, (hidden, labels), block)


def chunked_kl(
    hidden: Tensor,  # (N, D) of the student
    reference: Tensor,  # (N, D) of the frozen reference
    head: Head,
    reference_head: Head,
    *,
    block: int = BLOCK,
    divergence: Divergence = forward_kl,
) -> Tensor:
    """KL(reference || student) in nats at each position: (N,), float32, with a gradient for the student only.

    Args:
        hidden: What the student's head reads.
        reference: What the reference's head reads.
        head: The student's vocabulary head.
        reference_head: The reference's; the same one where the head is frozen.
        block: Positions that have logits at a time.
        divergence: What stands between the two instead, such as ``reverse_kl``.
    """

    def part(states: Tensor, theirs: Tensor) -> Tensor:
        with torch.no_grad():
            frozen = reference_head(theirs)
        return divergence(head(states), frozen)

    return _in_blocks(part, (hidden, reference.detach()), block)


def _in_blocks(part: Callable[..., Tensor], inputs: tuple[Tensor, ...], block: int) -> Tensor:
    values: list[Tensor] = []
    for start in range(0, max(1, len(inputs[0])), block):
        piece = tuple(x[start : start + block] for x in inputs)
        if torch.is_grad_enabled():
            values.append(checkpoint(part, *piece, use_reentrant=False, preserve_rng_state=False))
        else:
            values.append(part(*piece))
    return torch.cat(values)
