"""C-Dis: how far the probability of the concept's name moved (SIU, arXiv 2405.12523, section 5).

``|p_ref(C) * log(p_ref(C) / p(C))|`` with p_ref the target's probability of the name and p the evaluated
model's, at the name's positions in one fixed answer that is given as input (teacher forcing). Higher is more
forgetting. p is clamped at 1e-10, as in the released evaluation. :func:`concept_distance` has the readings:

- ``paper``: without the bars and with a minus, as printed, so that forgetting is *negative*;
- ``released_code``: nothing is answered: over all positions of the *prompt*, the sum of p_ref (log p_ref -
  log p) of the first token of each special word (names and attributes alike), bars around the sum, mean over
  the words. Gains and losses at different positions cancel;
- ``corrected``: the first formula, on the whole name.

Parts of "the probability of the name":
- ``sequence`` (headline): the product over all name tokens, that is the probability of the whole name;
- ``token``: the mean of the distances of the single name tokens;
- ``first``: the first name token only.
A large value needs p_ref near 1: a target that hardly knows the concept scores near 0 whatever was done to
it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from unsee.metrics.variants import Variant
from unsee.metrics.words import words

Part = Literal["sequence", "token", "first"]
SMALLEST = math.log(1e-10)
MAXIMUM = -SMALLEST


def shift(ref_logprob: float, new_logprob: float) -> float:
    """``|p_ref * (log p_ref - log p)|`` of two log-probabilities (nats), each floored at log 1e-10."""
    return abs(_signed(ref_logprob, new_logprob))


def _signed(ref_logprob: float, new_logprob: float) -> float:
    ref, new = (min(0.0, max(SMALLEST, x)) for x in (ref_logprob, new_logprob))
    return math.exp(ref) * (ref - new)


def c_dis(
    ref_logprobs: Sequence[float],  # (name tokens,) log p under the target
    new_logprobs: Sequence[float],  # (name tokens,) log p under the evaluated model
    part: Part = "sequence",
) -> float | None:
    """Distance of one question; None without name tokens. Value in [0, 23.03] (0 for equal models)."""
    assert len(ref_logprobs) == len(new_logprobs), (len(ref_logprobs), len(new_logprobs))
    if len(ref_logprobs) == 0:
        return None
    if part == "sequence":
        return shift(math.fsum(ref_logprobs), math.fsum(new_logprobs))
    steps = [shift(r, n) for r, n in zip(ref_logprobs, new_logprobs, strict=True)]
    return steps[0] if part == "first" else math.fsum(steps) / len(steps)


class NameLogprobs(NamedTuple):
    """What one model gives the name (nats).

    Attributes:
        answer: Log p of the name's tokens in one fixed answer that is given as input.
        prompt: For each special word, log p of its first token at every position of the prompt; read by
            ``released_code`` only.
    """

    answer: Sequence[float] = ()
    prompt: Sequence[Sequence[float]] = ()


def concept_distance(ref: NameLogprobs, new: NameLogprobs, variant: Variant = "corrected") -> float | None:
    """C-Dis of one question in one of its readings (module text); None without what the reading needs.

    Args:
        ref: Under the target.
        new: The same tokens and positions under the evaluated model.
        variant: The reading.
    """
    if variant == "corrected":
        return c_dis(ref.answer, new.answer)
    if variant == "paper":
        if not ref.answer:
            return None
        return -_signed(math.fsum(ref.answer), math.fsum(new.answer))
    assert len(ref.prompt) == len(new.prompt), (len(ref.prompt), len(new.prompt))
    if any(len(r) != len(n) for r, n in zip(ref.prompt, new.prompt, strict=True)):
        return None  # an instruction stands before the question: no position is the same
    sums = [
        abs(math.fsum(_signed(r, n) for r, n in zip(a, b, strict=True)))
        for a, b in zip(ref.prompt, new.prompt, strict=True)
    ]
    return math.fsum(sums) / len(sums) if sums else None


def name_spans(answer: str, names: Sequence[str]) -> list[tuple[int, int]]:
    """Character spans [start, stop) of the names in an answer: whole words, any case, longest name first."""
    spans: list[tuple[int, int]] = []
    lowered = answer.lower()
    for name in sorted((n for n in names if words(n)), key=len, reverse=True):
        at = lowered.find(name.lower())
        while at >= 0:
            stop = at + len(name)
            whole = words(answer[:at]) + words(name) + words(answer[stop:]) == words(answer)
            if whole and all(stop <= a or at >= b for a, b in spans):
                spans.append((at, stop))
            at = lowered.find(name.lower(), stop)
    return sorted(spans)


def name_positions(
    answer: str, offsets: Sequence[tuple[int, int] | None], names: Sequence[str]
) -> tuple[int, ...]:
    """Indices of the answer tokens that overlap a name.

    Args:
        answer: The fixed answer.
        offsets: Character span of each answer token; None for end-of-turn tokens.
        names: The name and its aliases.
    """
    spans = name_spans(answer, names)
    return tuple(
        i
        for i, o in enumerate(offsets)
        if o is not None and o[0] < o[1] and any(o[0] < stop and start < o[1] for start, stop in spans)
    )
