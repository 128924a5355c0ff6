"""E5: seven likelihood metrics of four answers, from one pass or from one pass each."""

from __future__ import annotations

from collections.abc import Sequence

from performance.cases.case import Case, Figures
from performance.peers.open_unlearning import METRICS, one_pass_each
from performance.shapes import Shape, build, picture
from performance.texts import training_examples
from unsee.answering import TokenScores, score
from unsee.metrics import likelihood
from unsee.nouns import Example
from unsee.packs.cost import Cost


def read(scores: TokenScores, text: str) -> tuple[float, ...]:
    """The seven figures of one answer, in the order of the peer's metrics."""
    mean = likelihood.mean_logprob(scores.logprobs)
    found = (
        None if mean is None else -mean,
        likelihood.probability(scores.logprobs),
        likelihood.zlib_ratio(scores.logprobs, text),
        likelihood.min_k(scores.logprobs),
        likelihood.min_k_plus_plus(scores.logprobs, scores.means, scores.variances),
        likelihood.exact_memorisation(scores.best),
        likelihood.extraction_strength(scores.best),
    )
    return tuple(0.0 if value is None else value for value in found)


def prepare(shape: Shape) -> Case:
    """The comparison on a shape."""
    vlm = build(shape)

    def examples(number: int) -> Sequence[Example]:
        return training_examples(picture(shape, number))

    def ours(number: int, cost: Cost) -> Figures:
        asked = examples(number)
        scores = score(vlm, [(e.prompt, e.answer, e.picture) for e in asked], statistics=True, cost=cost)
        lines = [read(one, e.answer) for one, e in zip(scores, asked, strict=True)]
        return Figures(tuple(lines), choice=False)

    def peer(number: int) -> Figures:
        return Figures(tuple(one_pass_each(vlm, examples(number))), choice=False)

    return Case(
        "E5",
        f"{len(METRICS)} likelihood metrics of 4 answers: one packed pass",
        "one pass per metric, one answer at a time, logits at every position",
        vlm,
        ours,
        peer,
    )
