from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest
import torch

from unsee.world import stream
from unsee.world.heads import IGNORED
from unsee.world.stream import Encoder, Row, RowBatch, RowStream, collate_rows, fill_row

SPECIAL = {"<|user|>": 1, "<|assistant|>": 2, "<|end|>": 3, "<image>": 4, "<pad>": 0}
USER, ASSISTANT, END, IMAGE, PAD = SPECIAL.values()


class Letters:
    """A tokenizer with one token a letter."""

    def convert_tokens_to_ids(self, token: str) -> int:
        return SPECIAL[token]

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [ord(c) for c in text]}


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    monkeypatch.setattr(stream, "IMAGE_TOKENS", 2)
    return Encoder(Letters())


def row(encoder: Encoder) -> Row:
    """Two segments about the picture and one without, 3 tokens of padding."""
    made = Row(encoder, 25, with_picture=True)
    assert made.add("ab", "c", about_picture=True)  # tokens 3..8
    assert made.add("d", "e", about_picture=True)  # 9..13
    assert made.add("fg", "hi", about_picture=False)  # 14..21
    return made


def test_ids_positions_and_labels_by_hand(encoder: Encoder) -> None:
    a, b, c, d, e, f, g, h, i = map(ord, "abcdefghi")
    batch = collate_rows([row(encoder)], [7])
    no = IGNORED
    assert batch.ids[0].tolist() == [
        USER, IMAGE, IMAGE, a, b, END, ASSISTANT, c, END, d, END, ASSISTANT, e, END,
        USER, f, g, END, ASSISTANT, h, i, END, PAD, PAD, PAD,
    ]  # fmt: skip
    assert batch.positions[0].tolist() == [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0,
    ]  # fmt: skip
    assert batch.labels[0].tolist() == [
        no, no, no, no, no, no, no, c, END, no, no, no, e, END, no, no, no, no, no, h, i, END, no, no, no,
    ]  # fmt: skip
    assert batch.pictures.tolist() == [7]
    assert batch.turns == 3


def test_segments_see_the_picture_and_themselves_only(encoder: Encoder) -> None:
    mask = collate_rows([row(encoder)], [0]).mask[0, 0]
    prefix, first, second, text = range(3), range(3, 9), range(9, 14), range(14, 22)
    sees = {prefix: [], first: prefix, second: prefix, text: []}
    for own, before in sees.items():
        for query in own:
            expected = [*before, *(key for key in own if key <= query)]
            assert mask[query].nonzero().flatten().tolist() == expected, query
    assert mask[22:].any(1).all(), "attention of padding would be undefined"
    assert not mask[:22, 22:].any()


def test_what_does_not_fit_leaves_the_row_alone(encoder: Encoder) -> None:
    made = row(encoder)
    before = made.finish()
    assert not made.add("", "", about_picture=False)  # user, end, assistant, end: 4 tokens, 3 places
    assert made.finish() == before
    assert made.turns == 3


def test_rows_hold_questions_about_the_picture_first(encoder: Encoder) -> None:
    made = fill_row(encoder, 40, lambda rng: ("p", "q"), lambda rng: ("t", "u"), 3, random.Random(0))
    assert made.turns == 3 + (40 - 3 - 3 * 5) // 6
    assert [s for s in dict.fromkeys(made.segments)] == [0, 1, 2, 3, -4, -5, -6]
    assert all(len(part) == 40 for part in made.finish())
    alone = fill_row(encoder, 20, None, lambda rng: ("t", "u"), 0, random.Random(0))
    assert alone.ids[0] == USER
    assert IMAGE not in alone.ids


def test_the_stream_repeats_itself_from_the_start(encoder: Encoder) -> None:
    def make(rng: random.Random) -> RowBatch:
        made = Row(encoder, 20, with_picture=False)
        made.add(rng.choice("abcdefgh"), rng.choice("abcdefgh"), about_picture=False)
        return collate_rows([made], [-1])

    def ids(seed: int) -> list[Any]:
        return [batch.ids.tolist() for batch in islice(RowStream(make, seed), 4)]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_texts_are_encoded_once(encoder: Encoder) -> None:
    assert encoder("ab") is encoder("ab")
    assert encoder("ab") == [ord("a"), ord("b")]


def test_a_batch_moves_with_all_its_tensors(encoder: Encoder) -> None:
    batch = collate_rows([row(encoder)], [0])
    moved = batch.to(torch.device("meta"))
    assert {t.device.type for t in moved if isinstance(t, torch.Tensor)} == {"meta"}
    assert moved.turns == batch.turns
