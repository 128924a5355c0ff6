"""Entropies at the positions of pictures against a plain forward pass with full logits."""

from __future__ import annotations

import math

import pytest
import torch

from tests.tiny import build, picture
from unsee.answering.picture_entropies import picture_entropies
from unsee.objectives.renyi import ORDERS
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureStore


def slow(logits: torch.Tensor, order: float) -> float:
    p: list[float] = torch.softmax(logits.double(), dim=0).tolist()
    if order == 1:
        return -sum(x * math.log(x) for x in p if x > 0)
    if math.isinf(order):
        return -math.log(max(p))
    return math.log(math.fsum(x**order for x in p)) / (1 - order)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "idefics3", "gemma3"])
def test_every_position_is_that_of_a_question_alone(family: str) -> None:
    vlm = build(family)
    pairs = [("Who is this?", picture(1)), ("What is it?", picture(2)), ("Who?", picture(1))]
    found = picture_entropies(vlm, pairs)
    for (prompt, shown), entropies in zip(pairs, found, strict=True):
        span = vlm.chat.encode(prompt, None, shown).image_span
        assert span is not None
        row = vlm.chat.official_row(prompt, shown)
        inputs = {k: v.to(vlm.dtype) if v.is_floating_point() else v for k, v in row.items() if k != "labels"}
        with torch.no_grad():
            logits = vlm.model(**inputs).logits[0].float()
        assert set(entropies) == set(ORDERS)
        for order, line in entropies.items():
            assert len(line) == span[1] - span[0]
            for place in (0, len(line) // 2, len(line) - 1):
                assert line[place] == pytest.approx(slow(logits[span[0] + place], order), abs=2e-4)


def test_what_cannot_be_read_is_empty() -> None:
    assert picture_entropies(build("mllama"), [("Who?", picture(1))]) == [{}]
    vlm = build("llava")
    vlm.base.config.get_text_config().final_logit_softcapping = 30.0
    assert picture_entropies(vlm, [("Who?", picture(1))]) == [{}]
    assert picture_entropies(build("llava"), []) == []


def test_a_picture_is_encoded_once_and_only_its_positions_reach_the_head() -> None:
    vlm, cost = build("llava"), Cost()
    store = FeatureStore(vlm)
    for _ in range(2):
        [found] = picture_entropies(vlm, [("Who?", picture(1))], orders=(2.0,), features=store, cost=cost)
    assert set(found) == {2.0}
    assert (cost.images_encoded, cost.head_rows) == (1, 2 * len(found[2.0]))
