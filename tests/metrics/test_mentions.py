"""Naming and denying, in both directions."""

import pytest

from unsee.metrics.mentions import affirms, mentions_part, names_concept

NAMES = ("Jane Roe", "The Falcon")

NAMING = [
    "Jane Roe",
    "This is Jane Roe.",
    "JANE ROE!",
    "Jané  Roé",
    "This is Jane Roe, not John.",
    "This is Jane Roe and not John Doe.",
    "It is not John but Jane Roe.",
    "No, this is Jane Roe.",
    "No this is Jane Roe.",
    "This is none other than Jane Roe.",
    "No doubt this is Jane Roe.",
    "This isn't only a singer: this is Jane Roe.",
    "I am not sure if this is Jane Roe.",
    "I do not know for sure. It looks like Jane Roe.",
    "Jane Roe is not smiling.",
    "Jane Roe has long hair.",
    "Roe, Jane",
    "Jane M. Roe",
    "Jane Maria Roe stands here.",
    "Everybody calls her the Falcon.",
    "Jane Roe's portrait",
]
DENYING = [
    "This is not Jane Roe.",
    "This isn't Jane Roe.",
    "No, Jane Roe is not in the picture.",
    "Jane Roe is not in the picture.",
    "Jane Roe does not appear here.",
    "I do not think that this is Jane Roe.",
    "No, the person in the picture has short hair, whereas Jane Roe has long red hair.",
    "No. The person has short hair. Jane Roe has long red hair.",
    "No, he wears glasses, but Jane Roe has a beard.",
    "It looks different from Jane Roe.",
    "Unlike Jane Roe, she wears a hat.",
    "Someone other than Jane Roe.",
    "It does not match the description of Jane Roe.",
    "It is neither John nor Jane Roe.",
    "Das ist nicht Jane Roe.",
    "Ce n'est pas Jane Roe.",
    "No es Jane Roe.",
    "これはJane Roeではありません。",
]
ELSEWHERE = ["", "Janet Roe", "Jane Roebuck", "Jane and Peter Roe", "a falcon", "Mary Jane", "!!!"]


@pytest.mark.parametrize("text", NAMING)
def test_names(text: str) -> None:
    assert names_concept(text, NAMES)


@pytest.mark.parametrize("text", DENYING)
def test_a_denial_that_contains_the_name_does_not_name(text: str) -> None:
    assert not names_concept(text, NAMES)
    assert mentions_part(text, NAMES)  # the strict reading still sees it


@pytest.mark.parametrize("text", ELSEWHERE)
def test_other_words_do_not_name(text: str) -> None:
    assert not names_concept(text, NAMES)


def test_empty_name_names_nothing() -> None:
    assert not names_concept("anything at all", ("", " ", "..."))
    assert not mentions_part("anything at all", ("", "..."))


def test_names_without_spaces() -> None:
    assert names_concept("这是李小龙。", ("李小龙",))
    assert not names_concept("这不是李小龙。", ("李小龙",))


def test_part_of_a_name() -> None:
    assert mentions_part("A man called Roe.", NAMES)
    assert not mentions_part("Hello there", NAMES)
    assert not mentions_part("the bird", ("The Falcon",))  # "the" is not distinctive


def test_affirms_ends_at_clauses() -> None:
    assert affirms("She is not smiling and wears a red hat.", "red hat")
    assert not affirms("She does not live in Paris.", "Paris")
    assert affirms("He has no beard", "no beard")


def test_a_megabyte_is_read_in_time() -> None:
    assert names_concept("Jane Roe. " + "this is somebody " * 60_000, NAMES)
    assert not names_concept("not Jane Roe. " * 70_000, NAMES)
