"""Log-probabilities of questions against a plain forward pass of one question at a time."""

from __future__ import annotations

import pytest
import torch

from tests.tiny import build, picture
from unsee.answering.prompts import read_prompts
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureStore

PAIRS = [
    ("Who is this?", 1),
    ("Is this Jane Roe?", 1),
    ("What do you know about the sea?", None),
    ("Who?", 2),
]


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "idefics3"])
def test_every_position_is_that_of_the_question_alone(family: str) -> None:
    vlm = build(family)
    pairs = [(text, None if seed is None else picture(seed)) for text, seed in PAIRS]
    for (prompt, shown), found in zip(pairs, read_prompts(vlm, pairs, watched=(7, 9)), strict=True):
        encoded = vlm.chat.encode(prompt, None, shown)
        row = {"input_ids": torch.tensor([encoded.ids])}
        if shown is not None:
            row = vlm.chat.official_row(prompt, shown)
        inputs = {k: v.to(vlm.dtype) if v.is_floating_point() else v for k, v in row.items() if k != "labels"}
        with torch.no_grad():
            logp = vlm.model(**inputs).logits[0].float().log_softmax(dim=1)
        start = encoded.image_span[1] if encoded.image_span else 1
        ids = list(encoded.ids)
        assert len(found.logprobs) == len(ids) - start > 3
        for k, token in enumerate(ids[start:]):
            place = start + k - 1
            assert found.logprobs[k] == pytest.approx(float(logp[place, token]), abs=2e-4)
            for watched, line in zip((7, 9), found.watched, strict=True):
                assert line[k] == pytest.approx(float(logp[place, watched]), abs=2e-4)
            if k < len(found.late):
                assert found.late[k] == pytest.approx(float(logp[place + 1, token]), abs=2e-4)
        assert len(found.late) == len(found.logprobs) - 1


def test_a_picture_is_encoded_once() -> None:
    vlm, cost = build("llava"), Cost()
    store = FeatureStore(vlm)
    pairs = [("Who is this?", picture(1)), ("Is it so?", picture(1)), ("Who is this?", picture(2))]
    read_prompts(vlm, pairs, features=store, cost=cost)
    read_prompts(vlm, pairs, features=store, cost=cost)
    assert cost.images_encoded == 2
