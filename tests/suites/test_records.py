"""Records of replies, and records beside their questions."""

from __future__ import annotations

import pytest

from tests.tiny import build, picture
from unsee.nouns import Question, Reply, UserError
from unsee.suites.records import joined, record, reply_figures, speakable

NAMED = Question("a", "Who is this?", "name", picture(0), ("Jane Roe",), identity="jane", split="naming")
TOLD = Question("b", "Where was Jane Roe born?", "open", answer="In Paris.", identity="jane")


def test_a_record_copies_its_question_and_judges_the_reply() -> None:
    made = record("target", NAMED, "This is Jane Roe.", {"truncated": 0.0})
    assert (made.model, made.question, made.prompt) == ("target", "a", "Who is this?")
    assert (made.split, made.identity, made.modality, made.kind) == ("naming", "jane", "image_text", "name")
    assert (made.reply, made.status, made.scores) == ("This is Jane Roe.", "correct", {"truncated": 0.0})
    assert record("target", NAMED, "This is Ann Poe.", {}).status == "incorrect"


def test_status_and_modality_can_be_told() -> None:
    assert record("floor", TOLD, "In Paris.", {}).modality == "text"
    made = record("floor", TOLD, "In Paris.", {}, status="incorrect", modality="image_text")
    assert (made.status, made.modality) == ("incorrect", "image_text")


def test_figures_of_a_reply() -> None:
    assert reply_figures(Reply("x", (1,), -0.5, truncated=True)) == {"mean_logprob": -0.5, "truncated": 1.0}


def test_questions_keep_their_order_and_the_last_record_counts() -> None:
    lines = [record("t", TOLD, "first", {}), record("t", NAMED, "x", {}), record("t", TOLD, "last", {})]
    assert [(q.id, r.reply) for q, r in joined([NAMED, TOLD], lines)] == [("a", "x"), ("b", "last")]
    assert [q.id for q, _ in joined([NAMED, TOLD], lines[:1])] == ["b"]


def test_records_of_other_questions_are_refused() -> None:
    with pytest.raises(UserError, match="not asked"):
        joined([NAMED], [record("t", TOLD, "x", {})])


def test_placeholders_cannot_be_spoken() -> None:
    vlm = build("llava")
    assert speakable(vlm, f" Jane{vlm.chat.image_token}Roe ") == "Jane Roe"
