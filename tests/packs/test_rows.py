"""Which tokens a loss may use."""

from __future__ import annotations

import pytest
import torch

from tests.tiny import build, picture
from unsee.models.chat import Encoded
from unsee.models.load import VLM
from unsee.nouns import Example, UserError
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import _kept, make_rows, question_row, scored_row

ANSWER = "This is Jane Roe."


def example(masked: tuple[tuple[int, int], ...] = (), answer: str = ANSWER, prompt: str = "Who?") -> Example:
    return Example("e", prompt, answer, "T1", picture(1), masked, ("Jane Roe",))


def by_hand(*masked: tuple[int, int]) -> tuple[bool, ...]:
    # "This is Jane Roe." as: a lead-in, "This", " is", " Jane", " Roe", ".", end of turn
    offsets = ((0, 0), (0, 4), (4, 7), (7, 12), (12, 16), (16, 17), None)
    return _kept(Encoded(tuple(range(10, 20)), 3, offsets, None), example(masked))


def test_masked_characters_map_to_the_tokens_that_overlap_them() -> None:
    assert by_hand() == (True,) * 7
    assert by_hand((8, 16)) == (True, True, True, False, False, True, True)
    assert by_hand((8, 9)) == (True, True, True, False, True, True, True)
    assert by_hand((0, 1), (16, 17)) == (True, False, True, True, True, False, True)
    assert by_hand((0, 17)) == (True, False, False, False, False, False, True)


@pytest.mark.parametrize("span", [(17, 18), (5, 5), (-1, 3), (9, 40), (6, 2)])
def test_a_span_that_meets_no_token_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="masked span"):
        by_hand(span)


def test_masked_tokens_spell_the_name(vlm: VLM) -> None:
    row = make_rows(vlm, [example(((8, 16),))])[0]
    hidden = [label for label, keep in zip(row.labels, row.keep, strict=True) if not keep]
    assert vlm.tokenizer.decode(hidden).strip() == "Jane Roe"
    batch = collate(vlm, build_packs(vlm, [row]))
    assert batch.keep.tolist() == list(row.keep)
    assert [int(t) for t in batch.labels[~batch.keep]] == hidden


def test_only_answer_tokens_are_labels_and_each_is_predicted_by_the_token_before_it(vlm: VLM) -> None:
    samples = [
        example(),
        example(answer="No."),
        Example("t", "Where is Paris?", "In France.", "T3"),
        Example("u", "Where?", "I do not know.", "T4", picture(2)),
    ]
    rows = make_rows(vlm, samples)
    batch = collate(vlm, build_packs(vlm, rows))
    flat = batch.input_ids.flatten()
    assert len(batch.labels) == sum(len(row.labels) for row in rows)
    at = 0
    for r, row in enumerate(rows):
        answer = vlm.tokenizer.decode(row.labels, skip_special_tokens=True).strip()
        assert answer == samples[r].answer
        for i, label in enumerate(row.labels):
            place = int(batch.where[at])
            assert int(batch.labels[at]) == label
            assert int(batch.row[at]) == r
            assert int(flat[place]) == row.ids[row.answer_start + i - 1]
            at += 1
    assert vlm.chat.image_token_id not in batch.labels.tolist()
    real = batch.attention_mask[:, 0].sum(dim=2).flatten()
    assert (real[batch.where] > 1).all(), "a padding position predicts a label"


def test_a_row_sees_exactly_its_own_tokens(vlm: VLM) -> None:
    samples = [example(), example(answer="No."), Example("t", "Where is Paris?", "In France.", "T3")]
    rows = make_rows(vlm, samples)
    batch = collate(vlm, build_packs(vlm, rows))
    length = batch.input_ids.shape[1]
    for row, last in zip(batch.rows, batch.last.tolist(), strict=True):
        pack, place = divmod(last, length)
        seen = batch.attention_mask[pack, 0, place]
        assert tuple(batch.input_ids[pack][seen].tolist()) == row.ids


def test_positions_restart_for_each_row() -> None:
    vlm = build("llava")
    rows = make_rows(vlm, [example(), example(answer="No."), Example("t", "Where?", "In France.", "T3")])
    batch = collate(vlm, build_packs(vlm, rows))
    for row, last in zip(batch.rows, batch.last.tolist(), strict=True):
        pack, place = divmod(last, batch.input_ids.shape[1])
        seen = batch.attention_mask[pack, 0, place]
        assert batch.position_ids[pack][seen].tolist() == list(range(len(row.ids)))


def test_a_placeholder_in_the_text_is_refused(vlm: VLM) -> None:
    placeholder = vlm.chat.image_token
    for bad in (example(answer=f"It is {placeholder}"), example(prompt=f"What is {placeholder}?")):
        with pytest.raises(UserError, match="placeholder"):
            make_rows(vlm, [bad])


def test_banned_ids_come_from_the_names_of_the_row() -> None:
    vlm = build("llava")
    samples = [example(), Example("t", "Where?", "In France.", "T3")]
    rows = make_rows(vlm, samples, banned=lambda names: frozenset({len(names), 7}))
    assert [row.banned for row in rows] == [frozenset({1, 7}), frozenset()]


def test_an_answer_without_tokens_is_refused() -> None:
    with pytest.raises(UserError):
        scored_row(build("llava"), "Who?", "", picture(1))


def test_a_question_row_has_no_answer(vlm: VLM) -> None:
    row = question_row(vlm, "Who?", picture(1))
    assert row.labels == ()
    assert row.answer_start == len(row.ids)
    assert collate(vlm, build_packs(vlm, [row])).where.dtype == torch.long
