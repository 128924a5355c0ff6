"""What is asked of a model: sets, limits, and the pool without what is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tiny import picture
from unsee.nouns import Concept, Question, UserError
from unsee.suites.mmubench.data import EFFICACY, GENERALITY, Entry, efficacy, paired
from unsee.suites.mmubench.generate import em_questions
from unsee.suites.mmubench.sheet import OPEN, OTHERS, OTHERS_YES_NO, at_most, folder_pool, kept, make_sheet


def entry(name: str, first: int) -> Entry:
    concept = Concept(name, id=name.split()[0].lower())
    train, *test = (picture(first + i) for i in range(3))
    asked = em_questions(concept, 20)
    return Entry(
        concept,
        (train,),
        tuple(test),
        efficacy(concept, asked, train),
        paired(concept, GENERALITY, asked, test),
        others=(picture(first + 5),),
    )


ANN, BOB, EVE = entry("Ann Lee", 0), entry("Bob Day", 10), entry("Eve Fox", 20)


def test_sets_and_limits() -> None:
    whole = make_sheet(ANN)
    assert {q.split for q in whole.questions} == {"efficacy", "generality", "balanced"}
    some = make_sheet(ANN, splits=(EFFICACY,), limit=2)
    assert {q.split for q in some.questions} == {EFFICACY}
    assert sorted(q.kind for q in some.questions) == ["name", "name", "yes_no", "yes_no"]
    assert len(make_sheet(ANN, limit=3).of("balanced")) == 3
    with pytest.raises(UserError, match="no such set"):
        make_sheet(ANN, splits=("general",))


def test_a_limit_counts_every_form_answer_and_language_apart() -> None:
    asked = [
        Question(f"{i}-{language}-{word}", "?", "yes_no", keywords=(word,), split="s", language=language)
        for i in range(3)
        for language in ("en", "de")
        for word in ("yes", "no")
    ]
    assert len(list(at_most(asked, 2))) == 8
    assert list(at_most(asked, 0)) == asked


def test_a_folder_is_its_own_pool() -> None:
    pool = folder_pool([ANN, BOB, EVE])
    assert len({q.id for q in pool}) == len(pool)
    assert {q.identity for q in pool if q.split == OTHERS} == {"ann", "bob", "eve"}
    yes_no = [q for q in pool if q.split == OTHERS_YES_NO]
    assert sum(q.keywords == ("yes",) for q in yes_no) == sum(q.keywords == ("no",) for q in yes_no) > 0
    assert [q.identity for q in pool if q.split == OTHERS][:3] == ["ann", "bob", "eve"]
    assert any(q.split == OPEN and q.picture is None for q in pool)


def test_what_is_forgotten_is_not_kept() -> None:
    pool = folder_pool([ANN, BOB, EVE])
    left = kept(pool, [ANN])
    assert "ann" not in {q.identity for q in left}
    assert {"bob", "eve"} <= {q.identity for q in left}
    named = replace(pool[0], id="x", identity="bob", prompt="Is this Ann Lee?")
    assert named not in kept([*pool, named], [ANN])
    assert {q.identity for q in kept(pool, [ANN], alike=("eve",))} & {"ann", "eve"} == set()
