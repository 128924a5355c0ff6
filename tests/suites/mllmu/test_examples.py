from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tiny import picture
from unsee.nouns import UserError
from unsee.suites.mllmu.data import Person, Tasks
from unsee.suites.mllmu.examples import (
    alternative_rows,
    decoupled_rows,
    mismatch_rows,
    original_rows,
    pairs_of,
    refusal_rows,
    retain_rows,
    text_form,
)

WHO, WORK, BORN = (
    "What is the name of this person?",
    "What does this person do?",
    "Where was this person born?",
)


def somebody(number: int, name: str, job: str) -> Person:
    told = ((WHO, f"The name of this person is {name}."), (WORK, f"{name} works as a {job}."))
    return Person(f"{number:03d}", name, (picture(number),), Tasks(), Tasks(), told)


ANN, BO, CY, DI = (
    somebody(1, "Ann Lee", "baker"),
    somebody(2, "Bo Kim", "pilot"),
    somebody(3, "Cy Roe", "baker"),
    somebody(4, "Di Fox", "nurse"),
)


@pytest.mark.parametrize(
    ("prompt", "answer", "expected"),
    [
        (WORK, "This person is a baker.", ("What does Ann Lee do?", "Ann Lee is a baker.")),
        ("What is this person's pet?", "A cat.", ("What is Ann Lee's pet?", "A cat.")),
        (WHO, "The name of this person is Ann Lee.", None),
        (WHO, "This is Ann Lee.", None),
        ("Who is shown?", "Ann Lee works as a baker.", None),
    ],
)
def test_the_text_form_puts_the_name_and_never_answers_itself(
    prompt: str, answer: str, expected: tuple[str, str] | None
) -> None:
    assert text_form("Ann Lee", prompt, answer) == expected


def test_a_backslash_in_a_name_stays_what_it_is() -> None:
    assert text_form(r"A\1b", WORK, "A baker.") == (r"What does A\1b do?", "A baker.")


@pytest.mark.parametrize(
    ("form", "ids"),
    [
        ("image_text", ["001/original-0", "001/original-1"]),
        ("text", ["001/original-t1"]),
        ("both", ["001/original-0", "001/original-1", "001/original-t1"]),
    ],
)
def test_pairs_in_each_form(form: str, ids: list[str]) -> None:
    rows = original_rows(pairs_of([ANN], form))  # type: ignore[arg-type]
    assert [row.id for row in rows] == ids
    assert all((row.picture is None) == ("-t" in row.id) for row in rows)
    assert {row.picture for row in rows if row.picture} <= set(ANN.pictures)


def test_alternatives_are_true_of_others_and_false_of_the_person() -> None:
    pairs, others = pairs_of([ANN], "both"), pairs_of([BO, CY, DI], "both")
    rows = alternative_rows(pairs, others, ["I do not know."], count=5, seed=1)
    said: dict[str, set[str]] = {}
    for row in rows:
        said.setdefault(row.prompt, set()).add(row.answer)
    assert said[WHO] == {f"The name of this person is {p.name}." for p in (BO, CY, DI)}
    assert said[WORK] == {"Ann Lee works as a pilot.", "Ann Lee works as a nurse."}
    assert said["What does Ann Lee do?"] == {"Ann Lee works as a pilot.", "Ann Lee works as a nurse."}
    assert {row.id for row in rows} >= {"001/alternative-0", "001/alternative-1-0", "001/alternative-t1"}


def test_nobody_else_was_asked_leaves_a_refusal() -> None:
    alone = replace(ANN, training=((BORN, "In Rome."),))
    rows = alternative_rows(pairs_of([alone]), pairs_of([BO]), ["I do not know."])
    assert [row.answer for row in rows] == ["I do not know."]


def test_mismatched_answers_are_never_the_truth() -> None:
    pairs = pairs_of([ANN, CY])
    rows = mismatch_rows(pairs, pairs_of([BO, CY]), count=3, seed=0)
    truth = {(pair.person.id, pair.prompt): pair.answer for pair in pairs}
    assert len(rows) == 12
    assert all(row.answer != truth[row.id.partition("/")[0], row.prompt] for row in rows)


def test_decoupled_rows_show_somebody_else_with_the_truth() -> None:
    rows = decoupled_rows(pairs_of([ANN]), pairs_of([BO, DI]), seed=2)
    assert [row.prompt for row in rows] == [WHO, WORK]
    for row in rows:
        other = next(p for p in (BO, DI) if row.picture in p.pictures)
        assert (row.prompt, row.answer) in other.training


def test_retain_rows_are_drawn_by_the_seed() -> None:
    pairs = pairs_of([BO, CY, DI])
    assert len(retain_rows(pairs)) == len(retain_rows(pairs, limit=99)) == 6
    some = [retain_rows(pairs, limit=3, seed=seed) for seed in (0, 0, 1)]
    assert some[0] == some[1]
    assert some[0] != some[2]
    assert [len(rows) for rows in some] == [3, 3, 3]


def test_refusals_take_turns() -> None:
    assert [row.answer for row in refusal_rows(pairs_of([ANN, BO]), ["No.", "?"])] == ["No.", "?", "No.", "?"]


@pytest.mark.parametrize(
    ("change", "form", "lacks"),
    [
        ({"training": ()}, "image_text", "training pairs"),
        ({"pictures": ()}, "image_text", "picture"),
        ({"name": ""}, "text", "name"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, object], form: str, lacks: str) -> None:
    with pytest.raises(UserError, match=rf"(?s)no {lacks}.*ID 001"):
        pairs_of([replace(ANN, **change)], form)  # type: ignore[arg-type]
    unpictured = replace(ANN, pictures=())
    assert len(pairs_of([unpictured], "text")) == 1
