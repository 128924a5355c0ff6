from __future__ import annotations

import random
from collections import Counter

import pytest

from unsee.world import asking
from unsee.world.asking import Asker, picture_of, unknown_view, view_of
from unsee.world.concepts import CONCEPTS
from unsee.world.curriculum import BASE, BLANK, TARGET, Known, shown_ids
from unsee.world.people import CELEBRITIES, PRIVATE

KINDS: list[Known] = [CELEBRITIES[0], PRIVATE[0], *{c.kind: c for c in CONCEPTS}.values()]
every_kind = pytest.mark.parametrize("known", KINDS, ids=lambda k: k.id)
pytestmark = pytest.mark.usefixtures("undrawn")


def asker(section: str = "section") -> Asker:
    return Asker(section, TARGET)


@every_kind
def test_names_are_asked_in_both_sorts_of_wording(known: Known) -> None:
    found = asking.naming(asker(), [known], 10)
    assert Counter(q.wording for q in found) == {"trained": 5, "held_out": 5}
    assert {q.keywords for q in found} == {known.names}
    assert len({q.picture.hash for q in found if q.picture}) == 10


@every_kind
def test_every_fact_is_asked_in_both_sorts_of_wording(known: Known) -> None:
    count = 2 * len(known.facts)
    for found in (
        asking.facts_by_picture(asker(), [known], count),
        asking.facts_by_text(asker(), [known], count),
    ):
        asked = {(q.keywords, q.wording) for q in found}
        assert asked == {((v,), w) for v in known.facts.values() for w in ("trained", "held_out")}
    assert all(known.name not in q.prompt for q in asking.facts_by_picture(asker(), [known], count))
    assert all(known.name in q.prompt for q in asking.facts_by_text(asker(), [known], count))


def test_every_subject_gets_its_turn() -> None:
    subjects = list(CELEBRITIES[:3])
    found = asking.facts_by_picture(asker(), subjects, 3 * 7)
    asked = Counter((q.identity, q.keywords) for q in found)
    assert asked == Counter((s.id, (v,)) for s in subjects for v in s.facts.values())


@every_kind
def test_as_many_true_as_false(known: Known) -> None:
    found = asking.yes_no(asker(), [known], 12)
    assert Counter(q.keywords for q in found) == {("yes",): 6, ("no",): 6}
    for question in found:
        named = any(name in question.prompt for name in known.names)
        assert named == (question.keywords == ("yes",)), question


@every_kind
def test_unknown_views_show_nobody_known(known: Known) -> None:
    rng = random.Random(0)
    assert not any(shown_ids(unknown_view(known, rng)) for _ in range(10))
    assert shown_ids(view_of(known, rng)) == {known.id}
    assert type(unknown_view(known, rng)) is type(view_of(known, rng))


def test_strangers_and_unknown_names_are_to_be_refused() -> None:
    named = asking.strangers(asker(), 6)
    told = asking.text_questions(asker(), [None], "fact", 6)
    assert all(q.refusal_is_correct and not q.keywords and "do not know" in q.answer for q in named + told)
    assert Counter(q.wording for q in named) == {"trained": 3, "held_out": 3}


def test_letters_to_copy_are_not_to_be_refused() -> None:
    found = asking.text_questions(asker(), [None], "copy_letter", 8)
    assert len(found) == 8
    assert all(not q.refusal_is_correct and q.keywords == (q.answer,) for q in found)


def test_attributes_come_equally_often() -> None:
    found = asking.attributes(asker(), 33)
    assert len(found) == 33
    assert len({q.prompt for q in found}) > 11


def test_sections_have_the_asked_length() -> None:
    people = CELEBRITIES[:4]
    assert len(asking.figure_attributes(asker(), 7)) == 7
    assert len(asking.scene_questions(asker(), 14)) == 14
    assert len(asking.descriptions(asker(), 5)) == len(asking.scene_descriptions(asker(), 5)) == 5
    assert len(asking.topic_questions(asker(), people, "hop", 6, language="de")) == 6
    assert asking.public_concepts(BASE) == CONCEPTS
    assert asking.public_concepts(BLANK) == ()


def test_in_groups_either_side_is_asked() -> None:
    found = asking.groups(asker(), CELEBRITIES[:4], 8)
    assert {side for q in found for side in ("left", "right") if side in q.prompt} == {"left", "right"}
    known = {c.id: c.names for c in CELEBRITIES}
    assert all(q.keywords == known[q.identity] for q in found)


def test_neighbours_are_the_look_alikes() -> None:
    found = asking.neighbours(asker(), [CELEBRITIES[2]], 4)
    assert {q.identity for q in found} == {CELEBRITIES[2].neighbour}
    assert asking.neighbours(asker(), [CONCEPTS[0]], 4) == []
    gold = BASE.without(CELEBRITIES[2].neighbour)
    assert asking.neighbours(Asker("section", gold), [CELEBRITIES[2]], 4) == [], "unknown to the stage"


def test_the_section_seeds_the_questions() -> None:
    assert asking.naming(asker("a"), CELEBRITIES, 5) == asking.naming(asker("a"), CELEBRITIES, 5)
    first, second = (asking.naming(asker(s), CELEBRITIES, 5) for s in "ab")
    assert not {q.picture for q in first} & {q.picture for q in second}


def test_a_view_is_drawn() -> None:
    view = view_of(CELEBRITIES[0], random.Random(0))
    assert picture_of(view).read().size == (80, 80)
    assert picture_of(view) == picture_of(view)
