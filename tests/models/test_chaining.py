"""Hooks of several requests on one model: as if each were applied by hand, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.test_hooks import expert, pairs, questions, steering
from tests.tiny import build, picture
from unsee.answering import answer, score
from unsee.models.adapters import load_adapter, save_adapter
from unsee.models.chaining import Chain, together
from unsee.models.hooks import Hook
from unsee.models.load import VLM
from unsee.models.prompting import Instruction
from unsee.models.routing import Router
from unsee.models.steering import Steering
from unsee.nouns import UserError


def said(vlm: VLM) -> tuple[object, object]:
    return answer(vlm, questions(), max_new_tokens=5), score(vlm, pairs())


def test_steering_of_different_layers_is_one_steering_of_both() -> None:
    vlm = build("llava")
    whole = steering("after", (0, 1))
    assert isinstance(whole, Steering)
    parts = [Steering({layer: push}, whole.strength, "after") for layer, push in whole.pushes.items()]
    assert said(together(parts).install(vlm)) == said(whole.install(vlm))
    assert said(together(parts[:1]).install(vlm)) != said(whole.install(vlm))


@pytest.mark.parametrize("reach", ["after", "before"])
def test_off_is_the_target(reach: str) -> None:
    vlm = build("llava")
    before = said(vlm)
    chained = together([steering(reach, (0,)), steering(reach, (1,))]).install(vlm)
    assert said(chained) != before
    with chained.adapter_off():
        assert said(chained) == before
    assert said(vlm) == before


def test_every_router_takes_its_own_picture() -> None:
    vlm = build("llava")
    one, two = Router((expert(vlm, 1),)), Router((expert(vlm, 2),))
    chained = together([one, two]).install(vlm)
    assert [chained.route(picture(key)) for key in (1, 2, 3)] == ["0", "1", ""]
    assert said(chained) == said(Router((*one.experts, *two.experts)).install(vlm))


def test_a_chain_sends_each_picture_the_ways_of_its_parts() -> None:
    vlm = build("llava")
    router, push = Router((expert(vlm, 1),)), steering("after", (0,))
    chained = together([push, router]).install(vlm)
    assert isinstance(chained.hook, Chain)
    assert [chained.route(picture(key)) for key in (1, 3)] == ["|0", ""]
    rest = [q for q in questions() if q.picture is None or q.picture.hash != picture(1).hash]
    alone = answer(push.install(vlm), rest, max_new_tokens=5)
    assert [r.text for r in answer(chained, rest, max_new_tokens=5)] == [r.text for r in alone]


def test_instructions_are_said_below_each_other_once() -> None:
    hooks = [Instruction("Not Jane."), Instruction("Not John."), Instruction("Not Jane.")]
    assert together(hooks) == Instruction("Not Jane.\nNot John.")


@pytest.mark.parametrize("hooks", [[], [Instruction("Not Jane."), steering("after")]])
def test_what_cannot_act_together_is_refused(hooks: list[Hook]) -> None:
    with pytest.raises(UserError, match="cannot act together"):
        together(hooks)


def test_a_chain_is_saved_and_loaded(tmp_path: Path) -> None:
    vlm = build("llava")
    chained = together([steering("after", (0,)), steering("after", (1,))]).install(vlm)
    save_adapter(chained, tmp_path / "adapter")
    loaded = load_adapter(vlm, tmp_path / "adapter")
    assert isinstance(loaded.hook, Chain)
    assert said(loaded) == said(chained)
