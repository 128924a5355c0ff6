from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from unsee.nouns import Question, Reply
from unsee.world import exam
from unsee.world.curriculum import BASE, STAGES

pytestmark = pytest.mark.usefixtures("undrawn")
VLM: Any = None


@pytest.mark.parametrize("stage", STAGES)
def test_true_answers_earn_full_marks(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def truth(vlm: object, asked: Sequence[Question], max_new_tokens: int) -> list[Reply]:
        return [Reply(question.answer) for question in asked]

    def true_option(vlm: object, asked: Sequence[Question]) -> list[int]:
        return [question.options.index(question.keywords[0]) for question in asked]

    monkeypatch.setattr(exam, "answer", truth)
    monkeypatch.setattr(exam, "choose", true_option)
    marks = exam.examine(VLM, STAGES[stage], count=24)
    assert {name: mark.all for name, mark in marks.items() if mark.all != 1} == {}
    assert ("name" in marks) == (stage != "blank")
    for name, mark in marks.items():
        both = mark.trained is not None and mark.held_out is not None
        assert both or name.startswith("name_"), name


def test_silence_earns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam, "answer", lambda vlm, asked, max_new_tokens: [Reply("") for _ in asked])
    monkeypatch.setattr(exam, "choose", lambda vlm, asked: [0 for _ in asked])
    marks = exam.examine(VLM, BASE, count=12)
    assert {mark.all for name, mark in marks.items() if not name.startswith("options")} == {0.0}


def test_ids_are_unique_and_seeds_differ() -> None:
    sections = exam.sections(BASE, 8, 0)
    ids = [q.id for section in sections.values() for q in section]
    assert len(set(ids)) == len(ids)
    again, other = exam.sections(BASE, 8, 0), exam.sections(BASE, 8, 1)
    assert sections == again
    assert sections["name"] != other["name"]


def test_a_description_is_marked_by_its_phrases() -> None:
    question = exam.sections(STAGES["blank"], 4, 0)["describe"][0]
    assert exam.rightness(question, question.answer) == 1
    half = question.keywords[: len(question.keywords) // 2]
    assert exam.rightness(question, ", ".join(half)) == pytest.approx(
        len(half) / len(question.keywords), abs=0.2
    )
    assert exam.rightness(question, "nothing") == 0


def test_marks_are_split_by_wording() -> None:
    one = Question("a", "?", "open", wording="trained")
    questions = [one, replace(one, id="b"), replace(one, id="c", wording="held_out")]
    mark = exam.mark(questions, {"a": 1.0, "b": 0.0, "c": 1.0})
    assert (mark.trained, mark.held_out, mark.n) == (0.5, 1.0, 3)
    assert mark.all == pytest.approx(2 / 3)
    assert exam.as_table({"x": mark}).splitlines()[1].split() == ["x", "0.667", "0.500", "1.000", "3"]


def test_the_newest_group_is_examined() -> None:
    assert exam.newest_group(STAGES["base"]) == "celebrity"
    assert exam.newest_group(STAGES["target"]) == "private"
