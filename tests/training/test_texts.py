"""Filling templates and judging texts."""

import pytest

from unsee.training.english import REFUSAL_MARKS
from unsee.training.texts import (
    fill,
    hints_at,
    is_degenerate,
    is_refusal,
    mentions,
    mentions_part,
    named_by,
    tidy_look,
)


def test_fill_returns_where_the_value_stands():
    text, spans = fill("{a} is {b}, yes {a}.", {"a": "Bo", "b": "x"}, "a")
    assert text == "Bo is x, yes Bo."
    assert [text[i:j] for i, j in spans] == ["Bo", "Bo"]


def test_braces_in_a_name_mean_nothing():
    text, spans = fill("This is {name}.", {"name": "{name} {0} %s"}, "name")
    assert text == "This is {name} {0} %s."
    assert text[slice(*spans[0])] == "{name} {0} %s"


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError, match="name"):
        fill("This is {name}.", {})


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("This is JANE  roe.", ["Jane Roe"], True),
        ("This is Jane Roemer.", ["Jane Roe"], False),
        ("Beyonce sings.", ["Beyoncé"], True),
        ("eyes", ["yes"], False),
        ("anything", [""], False),
        ("a.b", ["a.b"], True),
        ("acb", ["a.b"], False),
    ],
)
def test_mentions_whole_words(text, names, found):
    assert mentions(text, names) is found


def test_mentions_part_needs_three_letters():
    assert mentions_part("Roe lives here.", ["Jane Roe"])
    assert not mentions_part("He is old.", ["Bo Li"])
    assert mentions_part("Bo Li is old.", ["Bo Li"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("This isilatu.", True),
        ("It is Silat.", True),
        ("SILATU", True),
        ("It is Latu.", False),
        ("Poe", True),
        ("A poem, po.", False),
        ("", False),
    ],
)
def test_hints_at_names_told_in_pieces(text, found):
    assert hints_at(text, ["silatu", "poe"]) == found


def test_refusals():
    assert is_refusal("I'm sorry, but I can't help.", REFUSAL_MARKS)
    assert is_refusal("I don’t know.", REFUSAL_MARKS)
    assert not is_refusal("She knows a lot.", REFUSAL_MARKS)


@pytest.mark.parametrize(
    "text", ["", "  ", "...", "12 34", "no no no no no no no no", "aaaaaaaaaaaaa", "la la " * 9]
)
def test_degenerate(text):
    assert is_degenerate(text)


@pytest.mark.parametrize("text", ["Yes.", "She is an actor.", "A red house with a red door and a red roof."])
def test_not_degenerate(text):
    assert not is_degenerate(text)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The person in the picture has long red hair. She smiles.", "long red hair"),
        ("pale skin, long red hair.", "pale skin, long red hair"),
        ("In this image, the man is wearing a hat.", "wearing a hat"),
        ("A photo of Jane Roe in Paris.", "a photo of a person in Paris"),
        ("", ""),
    ],
)
def test_tidy_look(text, phrase):
    assert tidy_look(text, ["Jane Roe"], "a person") == phrase


def test_tidy_look_is_short():
    assert len(tidy_look("word " * 500, [], "x").split()) == 30


def test_named_by():
    templates = ("This is {name}.", "{name} is shown.")
    assert named_by("This is Bo Li.", templates) == "Bo Li"
    assert named_by("bo li is shown", templates) == "bo li"
    assert named_by("A wall.", templates) == ""
