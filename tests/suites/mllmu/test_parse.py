"""Golden readings of replies: the releases' misreadings are kept, ``corrected`` does not make them."""

from __future__ import annotations

import pytest

from unsee.suites.mllmu import parse

LETTERS = "ABCD"


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("Answer: B", "A"),
        ("Correct Answer: D", "C"),
        ("A person who sings", "A"),
        ("Based on C", "B"),
        ("The answer is B", None),
        ("(B) Rome", None),
        ("b", "B"),
        ("D", "D"),
        ("E", None),
        ("", None),
        ("None of these", None),
        (" B", None),
    ],
)
def test_first_letter_misreads_as_the_releases_do(reply: str, letter: str | None) -> None:
    assert parse.first_letter(reply, LETTERS) == letter


@pytest.mark.parametrize(
    ("reply", "with_picture", "without"),
    [
        ("(B) Rome", "B", "B"),
        ("**c**", "C", "C"),
        ("Answer: B", "A", "A"),
        ("The answer is B", None, "T"),
        ("...", None, None),
        ("\u00e9 B", "B", "B"),
    ],
)
def test_mmunlearner_reads_the_first_plain_character(
    reply: str, with_picture: str | None, without: str | None
) -> None:
    assert parse.first_plain_character(reply, LETTERS) == with_picture
    assert parse.first_plain_character(reply, None) == without


@pytest.mark.parametrize(
    ("decoded", "response"),
    [
        ("ER: \nWho?\nASSISTANT: Jane Roe ", "Jane Roe"),
        ("ER: \nWho?\nASSISTANT: Jane\nUSER: And?\nASSISTANT: Roe", "Jane\nUSER: And?"),
        ("ER: \nWho?\nASSISTANT:", ""),
        ("no prompt, Answer: B. Answer: C", "B."),
        (" nothing ", "nothing"),
    ],
)
def test_the_response_is_what_follows_assistant(decoded: str, response: str) -> None:
    assert parse.official_response(decoded) == response


@pytest.mark.parametrize(
    ("truth", "reply", "released", "corrected"),
    [
        ("male", "She is female.", True, False),
        ("17", "He is 170 cm tall.", True, False),
        ("art", "a party", True, False),
        ("", "anything", True, False),
        ("Rome", "in ROME, Italy", True, True),
        ("Rome", "not Rome", True, False),
        ("José Ñandú", "It is Jose Nandu.", False, True),
        ("New York", "New-York", False, True),
        ("Rome", "Oslo", False, False),
    ],
)
def test_cloze_by_substring_and_by_whole_words(
    truth: str, reply: str, released: bool, corrected: bool
) -> None:
    assert parse.contains(truth, reply) is released
    assert parse.fills_gap(truth, reply) is corrected


def test_aliases_fill_a_gap() -> None:
    assert not parse.fills_gap("United States", "the USA")
    assert parse.fills_gap("United States", "the USA", aliases=["USA"])


@pytest.mark.parametrize(
    ("truth", "reply", "fills"),
    [
        ("the United States (USA)", "She is from the USA.", True),
        ("the United States (USA)", "It is United States", True),
        ("$45,000", "about 45000 dollars", True),
        ("45000", "$45,000 a year", True),
        ("170 cm", "He is 170cm tall.", True),
        ("170cm", "170 cm", True),
        ("a baker", "Baker.", True),
        ("teacher/tutor", "works as a tutor", True),
        ("12/05/1990", "1990", False),
        ("170 cm", "170", False),
        ("45,000", "45", False),
        ("Rome (Italy)", "Oslo (Norway)", False),
        ("the", "a", False),
    ],
)
def test_other_ways_to_write_the_missing_words(truth: str, reply: str, fills: bool) -> None:
    assert parse.fills_gap(truth, reply, parse.aliases_of(truth)) is fills


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("She is Dr. Roe. She sings.", "She is Dr. Roe."),
        ("He lives in St. Louis! Really.", "He lives in St. Louis!"),
        ("It costs 3.5 euros. Yes", "It costs 3.5 euros."),
        ("no end", "no end"),
        ("J. R. Roe is it. No.", "J. R. Roe is it."),
        ("... well. More", "... well."),
        ("one\ntwo", "one"),
        ("  ", ""),
    ],
)
def test_first_sentence(text: str, first: str) -> None:
    assert parse.first_sentence(text) == first


def test_key_words_are_what_question_and_template_do_not_give() -> None:
    asked, truth = "What is the job of this person?", "This person works as a marine biologist."
    others = [f"This person works as a {job}." for job in ("cook", "baker", "pilot")]
    template = parse.template_words([truth, *others])
    assert template == {"this", "person", "works", "as", "a"}
    keys = parse.key_words(asked, truth, template)
    assert keys == ("marine", "biologist")
    assert parse.key_fact(keys, "She is a marine biologist, I think.") == 1.0
    assert parse.key_fact(keys, "She is a biologist.") == 0.5
    assert parse.key_fact(keys, "She is not a marine biologist.") == 0.0
    assert parse.key_words("Is it red?", "It is red.") == ("it", "is", "red"), "nothing new: all words"
    assert parse.template_words(["a b", "a c", "a d"]) == frozenset(), "three answers make no template"


def test_questions_without_names_are_equal() -> None:
    assert parse.pattern("Where was Jane Roe born?", "Jane Roe") == parse.pattern(
        "Where was José Ñandú born?", "José Ñandú"
    )
    assert parse.pattern("Where was he born?", "") == "where was he born"


def test_cyclic_orders_show_every_option_at_every_place_once() -> None:
    options = {"A": "w", "B": "x", "C": "y", "D": "z"}
    orders = parse.cyclic_orders(options)
    assert orders[0] == options
    assert orders[1] == {"A": "x", "B": "y", "C": "z", "D": "w"}
    for letter in options:
        assert sorted(order[letter] for order in orders) == ["w", "x", "y", "z"]
