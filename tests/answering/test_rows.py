"""Raw texts with several pictures: the replies of ``generate``, one at a time, and nothing computed twice."""

from __future__ import annotations

import pytest
import torch

from tests.models.test_raw import MARKS
from tests.tiny import FAMILIES, build, picture
from unsee.answering import answer_rows
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.cost import Cost
from unsee.packs.rows import raw_row

DEMOS = (
    "USER: <image>\nQuestion: Who?\nCorrect Answer: A\nUSER: <image>\nQuestion: What?\nCorrect Answer: B\n"
)
ASKED = [
    (DEMOS + "USER: <image>\nWho is this?\nASSISTANT:", (1, 1, 2)),
    (DEMOS + "USER: <image>\nIs this Jane Roe?\nASSISTANT:", (1, 1, 2)),
    (DEMOS + "USER: <image>\nWho is this?\nASSISTANT:", (1, 1, 3)),
    ("USER: <image>\nDescribe the picture.\nASSISTANT: ", (2,)),
    ("USER:\nWhere does Jane Roe live?\nASSISTANT:", ()),
]


def generated(vlm: VLM, text: str, pictures: list[Picture]) -> list[int]:
    own = text.replace("<image>", MARKS[vlm.name.removeprefix("tiny-")])
    images = {"images": [[one.read() for one in pictures]]} if pictures else {}
    inputs = vlm.processor(text=[own], return_tensors="pt", **images)
    out = vlm.model.generate(
        **inputs, do_sample=False, max_new_tokens=8, eos_token_id=list(vlm.chat.end_ids), pad_token_id=0
    )
    tokens = out[0, inputs["input_ids"].shape[1] :].tolist()
    return [token for token in tokens if token not in vlm.chat.end_ids]


@pytest.mark.parametrize("family", FAMILIES)
def test_replies_equal_generate_one_by_one(family: str) -> None:
    vlm = build(family)
    with torch.no_grad():
        rows = [
            raw_row(vlm, text, [picture(i) for i in seeds], example=str(n))
            for n, (text, seeds) in enumerate(ASKED)
        ]
        replies = answer_rows(vlm, rows, max_new_tokens=8)
        assert len({reply.tokens for reply in replies}) > 2, "the test model answers all alike"
        for (text, seeds), reply in zip(ASKED, replies, strict=True):
            assert list(reply.tokens) == generated(vlm, text, [picture(i) for i in seeds])


def test_examples_are_computed_once_for_all_questions_about_a_picture() -> None:
    vlm, together, apart = build("llava"), Cost(), Cost()
    rows = [raw_row(vlm, text, [picture(i) for i in seeds], example=text) for text, seeds in ASKED[:2]]
    answer_rows(vlm, rows, max_new_tokens=1, cost=together)
    for row in rows:
        answer_rows(vlm, [row], max_new_tokens=1, cost=apart)
    assert (together.images_encoded, together.forwards) == (2, 1)
    assert (apart.images_encoded, apart.forwards) == (4, 2)
    assert together.lm_tokens < 0.7 * apart.lm_tokens


def test_examples_are_computed_once_for_all_pictures_asked_about() -> None:
    vlm, together, apart = build("llava"), Cost(), Cost()
    text = DEMOS + "USER: <image>\nWho is this?\nASSISTANT:"
    rows = [raw_row(vlm, text, [picture(1), picture(1), picture(i)], example=str(i)) for i in range(2, 6)]
    replies = answer_rows(vlm, rows, max_new_tokens=3, cost=together)
    alone = [answer_rows(vlm, [row], max_new_tokens=3, cost=apart)[0] for row in rows]
    assert [reply.tokens for reply in replies] == [reply.tokens for reply in alone]
    assert (together.images_encoded, apart.images_encoded) == (5, 8)
    assert together.lm_tokens < 0.6 * apart.lm_tokens
    shared = rows[0].several[-1][1][0]  # everything before the last picture
    prompts = shared + sum(len(row.ids) - shared for row in rows)
    assert prompts <= together.lm_tokens <= prompts + 3 * len(rows)
