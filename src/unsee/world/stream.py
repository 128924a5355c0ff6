"""Fixed-length training rows of the embedded world: one picture, many questions, text-only questions behind.

A row is ``[user, <image> x 64]`` followed by segments ``question, end, assistant, answer, end``. Segments
about the picture see the prefix and themselves; text-only segments see only themselves; positions restart
per segment. Rows have one length, so that the compiled decoder never recompiles.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from unsee.world.build import IMAGE_TOKENS
from unsee.world.heads import IGNORED

PAD_SEGMENT = 999
Ask = Callable[[random.Random], tuple[str, str]]


class RowBatch(NamedTuple):
    """Tensors of one training step: pictures first, then the packed rows (B rows of T tokens)."""

    pictures: Tensor  # (B,) indices into the gallery, -1 for rows without a picture
    ids: Tensor  # (B, T)
    positions: Tensor  # (B, T)
    mask: Tensor  # (B, 1, T, T) bool
    labels: Tensor  # (B, T), IGNORED everywhere but on answers
    turns: int

    def to(self, device: torch.device) -> RowBatch:
        """The same batch with its tensors on ``device``."""
        pictures, ids, positions, mask, labels = (x.to(device) for x in self[:5])
        return RowBatch(pictures, ids, positions, mask, labels, self.turns)


class Encoder:
    """Token ids of short strings, remembered: most prompts come back thousands of times."""

    def __init__(self, tokenizer: Any, remember: int = 400_000) -> None:
        self.tokenizer, self.remember = tokenizer, remember
        self.known: dict[str, list[int]] = {}
        code = tokenizer.convert_tokens_to_ids
        self.user, self.assistant, self.end, self.image, self.pad = map(
            code, ("<|user|>", "<|assistant|>", "<|end|>", "<image>", "<pad>")
        )

    def __call__(self, text: str) -> list[int]:
        """Ids of ``text`` without special tokens."""
        ids = self.known.get(text)
        if ids is None:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(self.known) < self.remember:
                self.known[text] = ids
        return ids


class Row:
    """One row under construction."""

    def __init__(self, encoder: Encoder, length: int, with_picture: bool) -> None:
        self.encoder, self.length = encoder, length
        self.ids = [encoder.user, *[encoder.image] * IMAGE_TOKENS] if with_picture else []
        self.prefix = len(self.ids)
        self.positions = list(range(self.prefix))
        self.segments = [0] * self.prefix
        self.labels = [IGNORED] * self.prefix
        self.turns = 0

    def add(self, prompt: str, answer: str, about_picture: bool) -> bool:
        """Append a segment; False when it does not fit."""
        e = self.encoder
        question = [*([] if about_picture else [e.user]), *e(prompt), e.end, e.assistant]
        reply = [*e(answer), e.end]
        size = len(question) + len(reply)
        if len(self.ids) + size > self.length:
            return False
        self.turns += 1
        start = self.prefix if about_picture else 0
        self.ids += question + reply
        self.labels += [IGNORED] * len(question) + reply
        self.positions += range(start, start + size)
        self.segments += [self.turns if about_picture else -self.turns] * size
        return True

    def finish(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Ids, positions, segments and labels padded to the row length."""
        pad = self.length - len(self.ids)
        return (
            self.ids + [self.encoder.pad] * pad,
            self.positions + [0] * pad,
            self.segments + [PAD_SEGMENT] * pad,
            self.labels + [IGNORED] * pad,
        )


def fill_row(
    encoder: Encoder, length: int, about: Ask | None, text: Ask, turns: int, rng: random.Random
) -> Row:
    """A row with up to ``turns`` segments about the picture, then text-only ones until it is full."""
    row = Row(encoder, length, with_picture=about is not None)
    misses = 0
    while misses < 3:
        pictured = about is not None and row.turns < turns
        ask = about if pictured and about is not None else text
        if not row.add(*ask(rng), about_picture=pictured):
            misses += 1
    return row


def collate_rows(rows: list[Row], pictures: list[int]) -> RowBatch:
    """Stack finished rows and build the block mask."""
    ids, positions, segments, labels = (
        torch.tensor(x) for x in zip(*(r.finish() for r in rows), strict=True)
    )
    query, key = segments[:, :, None], segments[:, None, :]
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    mask = ((query == key) | ((key == 0) & (query > 0))) & causal
    return RowBatch(torch.tensor(pictures), ids, positions, mask[:, None], labels, sum(r.turns for r in rows))


class RowStream(IterableDataset[RowBatch]):
    """Batches of one stage, endless; runs in a worker process beside the training.

    Batch ``n`` depends on the seed and ``n`` alone, so a training that was stopped goes on with the batch it
    would have had.
    """

    def __init__(self, make: Callable[[random.Random], RowBatch], seed: int, start: int = 0) -> None:
        self.make, self.seed, self.start = make, seed, start

    def after(self, done: int) -> RowStream:
        """The same batches without the first ``done``."""
        return RowStream(self.make, self.seed, self.start + done)

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield batches forever."""
        for n in itertools.count(self.start):
            yield self.make(random.Random(f"{self.seed}/{n}"))
