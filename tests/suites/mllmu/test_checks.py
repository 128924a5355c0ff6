from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from unsee.models.pictures import from_image
from unsee.suites.mllmu.checks import leaks, notes_on
from unsee.suites.mllmu.data import Choice, Item, Mllmu, Person, Tasks

FOUR = {"A": "red", "B": "blue", "C": "green", "D": "grey"}
PICTURE = from_image(Image.new("RGB", (2, 2)))


def tasks(choices: int = 5) -> Tasks:
    made = tuple(Choice(f"Which {n}?", FOUR, "B") for n in range(choices))
    return Tasks(
        made, tuple(Item(f"G{n}?", f"T{n}.") for n in range(2)), tuple(Item(f"__ {n}", "x") for n in range(2))
    )


def person(key: str) -> Person:
    return Person(key, f"N {key}", (PICTURE,), tasks(), tasks())


@pytest.fixture
def whole() -> Mllmu:
    a, b, c, r = (person(k) for k in "abcr")
    return Mllmu((a,), (a,), (b, c), (r,), (a, b, c), 5, "x")


def test_nothing_to_say(whole: Mllmu) -> None:
    assert len(whole.forget[0].text) == 9
    assert notes_on(whole) == ()
    assert notes_on(whole, ["a"]) == ()


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"retain": (person("a"), person("b"))}, "id a both to be forgotten and to be kept"),
        ({"retain": (person("b"), person("b"))}, "retain: id b more than once"),
        ({"test": ()}, "test: id a of the forget set missing"),
        ({"full": (person("b"),)}, "full: id a of the forget set missing"),
        ({"real": (replace(person("r"), pictures=()),)}, "real: id r without a picture"),
        ({"real": (replace(person("r"), name=""),)}, "real: id r without a name"),
        (
            {"retain": (replace(person("b"), text=tasks(4)),)},
            "retain: id b without exactly 5 + 2 + 2 questions in each modality",
        ),
        (
            {"real": (person("c"),)},
            "real: id c also the id of a fictitious person; a few-shot example found by id would show the "
            "wrong one",
        ),
    ],
)
def test_one_note_each(whole: Mllmu, change: dict[str, object], note: str) -> None:
    assert notes_on(replace(whole, **change)) == (note,)  # type: ignore[arg-type]


def test_ids_missing_from_a_split(whole: Mllmu) -> None:
    expected = [f"{i:02d}" for i in range(10)]
    listed = "00, 01, 02, 03, 04, 05, 06, 07"
    assert notes_on(whole, expected) == (f"forget: ids {listed} and 2 more of the split missing",)


def test_no_demo_pool_is_no_defect(whole: Mllmu) -> None:
    assert notes_on(replace(whole, full=())) == ()


def test_leaks_are_the_same_question_with_the_same_answer() -> None:
    training = (
        ("which 0", "It is Blue, as ever."),  # the right option of the choice question, in both modalities
        ("Which 1?", "It is red."),  # another answer
        ("G1?", "t1"),  # the truth of a generation question
        ("__ 9", "x"),  # another question
    )
    assert leaks(person("a"), training) == 4
    assert leaks(person("a"), ()) == 0


def test_leaks_are_noted_with_their_share(whole: Mllmu) -> None:
    known = replace(whole.forget[0], training=(("G1?", "T1."),))
    notes = notes_on(replace(whole, forget=(known,)))
    assert notes == tuple(
        f"{name}: 2 of 18 questions stand in the training data with their answer"
        for name in ("forget", "test")
    )
