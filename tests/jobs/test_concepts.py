"""Names, looks and facts as users write them."""

from __future__ import annotations

import pytest

from unsee.config import resolve
from unsee.jobs.concepts import check_name, make_concept, slug, split_fact
from unsee.nouns import UserError


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * 201, "longer"),
        ("x" * 1_000_000, "longer"),
        ("Jane\x07Roe", "control"),
        ("Jane\nRoe", "control"),
        ("\u202e\u200f", "no letter"),
        ("...", "no letter"),
    ],
)
def test_bad_names(name: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        check_name(name, "--name")
    assert problem in caught.value.what
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "محمد\u200f", "李明", "O'Brien-Smith", "Ｊane"]
)
def test_unusual_names_are_names(name: str) -> None:
    assert check_name(name, "--name") == name


def test_facts() -> None:
    assert split_fact("What does Jane do? She paints.", "Jane") == ("What does Jane do?", "She paints.")
    assert split_fact("Jane paints.", "Jane") == ("What do you know about Jane?", "Jane paints.")
    assert split_fact("Really?", "Jane") == ("What do you know about Jane?", "Really?")
    for bad in ("", " \n", "x" * 3000):
        with pytest.raises(UserError):
            split_fact(bad, "Jane")


def test_concept_of_the_configuration() -> None:
    values = {"name": " Jane  Roe ", "alias": ["J.R."], "kind": "character", "fact": ["Who is she? A cat."]}
    concept = make_concept(resolve({"model": "m", **values}))
    assert concept.names == ("Jane Roe", "J.R.")
    assert concept.facts == (("Who is she?", "A cat."),)
    assert concept.id == slug("Jane Roe")


def test_slugs_are_safe_and_distinct() -> None:
    slugs = [slug(name) for name in ("../../etc/passwd", "李明", "王明", "Jane Roe", "jane-roe", "x" * 200)]
    assert len(set(slugs)) == len(slugs)
    for text in slugs:
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(text) <= 40


def test_looks_reach_the_concept_in_one_line() -> None:
    values = {"model": "m", "name": "Jane Roe"}
    assert make_concept(resolve({**values, "looks": " long  red\nhair "})).looks == "long red hair"
    with pytest.raises(UserError, match="looks are too long"):
        make_concept(resolve({**values, "looks": "x" * 3000}))
