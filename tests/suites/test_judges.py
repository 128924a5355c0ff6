"""A model in a folder as a judge: asked once, noise has no grade, another model's answers are not reused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.make import save_model
from unsee.metrics.judging import AskingJudge, Case
from unsee.nouns import Concept, Question, UserError
from unsee.suites import judges
from unsee.suites.judges import LocalModel, asked


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "grader")


def case(reply: str) -> Case:
    return Case(Concept("Jane Roe", "person"), Question("q", "Who is this?", "name"), reply)


def test_it_is_asked_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = LocalModel(folder, tmp_path)
    local.check()
    token = local._vlm.chat.image_token
    judge = AskingJudge(local.name, local.ask)
    grades = judge.grade([case("A cat."), case(""), case(f"A {token} dog."), case("A cat.")])
    assert [g.problem for g in grades] == ["unreadable", "degenerate", "unreadable", "unreadable"]
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(judges, "load", None)  # nothing is loaded for what was said already
    again = LocalModel(folder, tmp_path)
    assert AskingJudge(again.name, again.ask).grade([case("A cat.")]) == grades[:1]
    with pytest.raises(TypeError):
        LocalModel(folder, tmp_path, longest_reply=3).ask(["another length is another answer"])


def test_answers_come_in_order(folder: Path, tmp_path: Path) -> None:
    local = LocalModel(folder, tmp_path)
    prompts = [f"{i} apples" for i in range(judges.BATCH + 3)]
    assert local.ask(prompts) == [asked(local._vlm, [prompt], 8)[0] for prompt in prompts]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    for wrong, said in ((tmp_path, "not a model"), (tmp_path / "nowhere", "no such model folder")):
        with pytest.raises(UserError, match=said):
            LocalModel(wrong, tmp_path).check()
