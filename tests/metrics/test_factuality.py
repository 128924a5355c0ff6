"""Judges of facts: strict readings, rules worked by hand, failures counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from unsee.metrics.factuality import (
    AskingFactJudge,
    FactCase,
    KeyFactJudge,
    fact_prompt,
    parse_score,
)

CASE = FactCase(
    "What is her job?", "She is a marine biologist.", "She is a biologist.", ("marine", "biologist")
)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"score": 7}', 7),
        (' {"score":10}\n', 10),
        ('```json\n{"score": 1}\n```', 1),
        ('{"score": 0}', None),
        ('{"score": 11}', None),
        ('{"score": "7"}', None),
        ('{"score": 7.5}', None),
        ('{"score": true}', None),
        ('{"score": 7, "why": "x"}', None),
        ("7", None),
        ("8/10", None),
        ('The score is {"score": 7}', None),
        ("", None),
        ("[7]", None),
    ],
)
def test_only_strict_json_is_a_score(text: str, score: int | None) -> None:
    assert parse_score(text) == score


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("She is a marine biologist.", 10),
        ("She is a biologist.", 6),  # 1 + 9 / 2, rounded up
        ("She is a cook.", 1),
        ("She is not a marine biologist.", 1),
        ("", None),
        ("x x x x x x x x x x", None),
    ],
)
def test_key_facts(reply: str, value: int | None) -> None:
    (grade,) = KeyFactJudge().grade([FactCase(CASE.question, CASE.truth, reply, CASE.keys)])
    assert grade.value == value
    assert grade.problem == ("" if value else "degenerate")


def test_a_judge_that_is_asked_never_sees_what_is_no_language() -> None:
    seen: list[str] = []

    def ask(prompts: Sequence[str]) -> list[str]:
        seen.extend(prompts)
        return ['{"score": 5}', "five"]

    cases = [CASE, FactCase("q", "t", ""), FactCase("q", "t", "It is so.")]
    grades = AskingFactJudge("x", ask).grade(cases)
    assert [(g.value, g.problem) for g in grades] == [(5, ""), (None, "degenerate"), (None, "unreadable")]
    assert seen == [fact_prompt(cases[0]), fact_prompt(cases[2])]
    assert CASE.reply in seen[0]
    assert CASE.truth in seen[0]
