"""Replies to questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from unsee.answering.alone import decode_alone
from unsee.answering.decode import Decoded, decode
from unsee.answering.plan import batches
from unsee.answering.sampling import Sampling
from unsee.models.load import VLM
from unsee.nouns import Question, Reply, UserError
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating, layout_of
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Pack, build_packs, collate
from unsee.packs.rows import Row, question_row

MAX_BATCH_TOKENS = 16384
Replies = Iterator[tuple[tuple[int, ...], list[Decoded]]]  # indices of rows, and their replies
# Text-only questions share only the opening of the template: small packs, since a pack's mask is quadratic.
TEXT_ROWS = 4
EXPECTED_ANSWER = 32


def answer(
    vlm: VLM,
    questions: Sequence[Question],
    *,
    max_new_tokens: int = 64,
    batch_size: int = 32,
    on_reply: Callable[[int, Reply], None] | None = None,
    blind: bool = False,
    sampling: Sampling | None = None,
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[Reply]:
    """Replies in the order of the questions: greedy, or sampled.

    Questions about one picture share its prefix; the size of a batch does not change a reply.

    Args:
        vlm: The model. Its training mode is off inside and restored afterwards.
        questions: With or without a picture.
        max_new_tokens: A reply is cut here, and then says so (``Reply.truncated``).
        batch_size: Most questions that are decoded together.
        on_reply: Called with (index, reply) as soon as a batch is done; batches are not in order.
        blind: Ask questions about pictures without their picture.
        sampling: Temperature, seed and banned ids; None = greedy.
        features: Where features of pictures are kept between calls; None = only as long as they are needed.
        cost: Counters to add to.

    Returns:
        Replies: text without special tokens and surrounding white space; token ids without the end token;
        mean log-probability over the generated tokens, end token included.

    Raises:
        UserError: ``max_new_tokens`` or ``batch_size`` below 1, or a model that cannot run packs.
    """
    for name, value in (("max_new_tokens", max_new_tokens), ("batch_size", batch_size)):
        if value < 1:
            raise UserError(f"{name} is too small", got=value, expected="at least 1", remedy=f"raise {name}")
    rows = [
        question_row(vlm, question.prompt, None if blind else question.picture, example=question.id)
        for question in questions
    ]
    return answer_rows(
        vlm,
        rows,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        on_reply=on_reply,
        sampling=sampling,
        features=features,
        cost=cost,
    )


def answer_rows(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    max_new_tokens: int,
    batch_size: int = 32,
    on_reply: Callable[[int, Reply], None] | None = None,
    sampling: Sampling | None = None,
    features: FeatureStore | None = None,
    cost: Cost | None = None,
) -> list[Reply]:
    """As :func:`answer`, for rows without an answer: of questions, or raw texts with several pictures.

    Rows that share a long beginning, such as examples before the question, share a pack however long it is.
    """
    store = FeatureStore(vlm) if features is None else features
    uses = Counter(picture.hash for row in rows for picture in row.pictures)
    replies: dict[int, Reply] = {}
    options = {"max_new_tokens": max_new_tokens, "features": store, "sampling": sampling, "cost": cost}
    decoded = _alone if layout_of(vlm).own else _packed
    with cost.measure() if cost is not None else nullcontext(), torch.no_grad(), evaluating(vlm.model):
        for order, answers in decoded(vlm, rows, batch_size, options):
            for index, one in zip(order, answers, strict=True):
                replies[index] = _reply(vlm, one)
                if on_reply is not None:
                    on_reply(index, replies[index])
            if features is None:
                _free(store, uses, [rows[index] for index in order])
    return [replies[index] for index in range(len(rows))]


def _packed(vlm: VLM, rows: Sequence[Row], batch_size: int, options: dict[str, Any]) -> Replies:
    packs = _packs(vlm, rows, batch_size, min(options["max_new_tokens"], EXPECTED_ANSWER))
    for group in batches(packs, max_rows=batch_size, max_tokens=MAX_BATCH_TOKENS):
        batch = collate(vlm, group)
        yield batch.order, decode(vlm, batch, **options)


def _alone(vlm: VLM, rows: Sequence[Row], batch_size: int, options: dict[str, Any]) -> Replies:
    return decode_alone(vlm, rows, max_rows=batch_size, max_tokens=MAX_BATCH_TOKENS, **options)


def _packs(vlm: VLM, rows: Sequence[Row], batch_size: int, reserve: int) -> list[Pack]:
    packs: list[Pack] = []
    for with_picture in (True, False):
        chosen = [i for i, row in enumerate(rows) if (row.picture is not None) == with_picture]
        most = batch_size if with_picture else min(batch_size, TEXT_ROWS)
        for pack in build_packs(vlm, [rows[i] for i in chosen], max_rows=most, reserve=reserve):
            packs.append(pack.renumbered([chosen[i] for i in pack.order]))
    return packs


def _free(store: FeatureStore, uses: Counter[str], rows: Sequence[Row]) -> None:
    """Forget the features of pictures that no later row asks for."""
    for row in rows:
        for picture in row.pictures:
            uses[picture.hash] -= 1
            if not uses[picture.hash]:
                store.drop(picture)


def _reply(vlm: VLM, decoded: Decoded) -> Reply:
    text: str = vlm.tokenizer.decode(decoded.tokens, skip_special_tokens=True)
    mean = sum(decoded.logprobs) / len(decoded.logprobs)
    return Reply(text.strip(), tuple(decoded.tokens), mean, decoded.truncated)
