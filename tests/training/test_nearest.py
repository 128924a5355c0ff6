"""Which other pictures are taken."""

import pytest

from tests.tiny import build, picture
from unsee.answering.score import TokenScores, score
from unsee.nouns import Concept
from unsee.training import nearest
from unsee.training.examples import Mixture, build_examples
from unsee.training.nearest import nearest_first
from unsee.training.wording import english

JANE = Concept("Jane Roe")
ONE = picture(1)
OTHERS = [picture(i) for i in range(2, 8)]
WORDS = english("person")


@pytest.fixture(scope="module")
def vlm():
    return build("llava")


@pytest.fixture(scope="module")
def by_hand(vlm):
    """The same order, each picture asked about alone."""

    def nearness(shown):
        return score(vlm, [("Who is the person in this picture?", "This is Jane Roe.", shown)])[0].total

    return sorted(OTHERS, key=nearness, reverse=True)


def test_the_likelier_the_name_the_nearer(vlm, by_hand):
    assert nearest_first(vlm, JANE, WORDS, OTHERS) == by_hand
    assert nearest_first(vlm, JANE, WORDS, OTHERS[::-1]) == by_hand
    assert nearest_first(vlm, JANE, WORDS, []) == []


def test_equally_near_pictures_are_ordered_by_hash(vlm, monkeypatch):
    monkeypatch.setattr(nearest, "score", lambda vlm, pairs, cost: [TokenScores((), 0.0, 0.0)] * len(pairs))
    found = nearest_first(vlm, JANE, WORDS, OTHERS)
    assert found == sorted(OTHERS, key=lambda picture: picture.hash) != OTHERS


def test_only_so_many_are_compared(vlm, monkeypatch):
    monkeypatch.setattr(nearest, "MOST_COMPARED", 2)
    found = nearest_first(vlm, JANE, WORDS, OTHERS)
    assert set(found[:2]) == set(OTHERS[:2])
    assert found[2:] == OTHERS[2:]


def made(vlm, **arguments):
    return build_examples(
        vlm,
        JANE,
        ONE,
        ask=lambda questions: ["A wall."] * len(questions),
        mixture=Mixture(anchors=4, anchors_per_picture=2),
        **arguments,
    )


def shown(vlm, **arguments):
    return [e.picture.hash for e in made(vlm, **arguments).of(["anchor"])]


def test_the_nearest_pictures_become_anchors_and_each_is_asked_for_its_name(vlm, by_hand):
    rows = made(vlm, retain=[*OTHERS, ONE], anchor_choice="near", roles=("anchor",)).examples
    assert [e.picture.hash for e in rows] == [by_hand[0].hash] * 2 + [by_hand[1].hash] * 2
    named = [e.picture.hash for e in rows if e.prompt == WORDS.name_questions[0]]
    assert named == [p.hash for p in by_hand[:2]]


def test_the_seed_decides_without_it(vlm):
    assert len({tuple(shown(vlm, retain=OTHERS, roles=("anchor",), seed=seed)) for seed in range(6)}) > 1


def test_rows_about_the_concept_do_not_depend_on_the_choice(vlm):
    roles = ("T1", "T2", "anchor")
    near = made(vlm, retain=OTHERS, anchor_choice="near", roles=roles)
    any_ = made(vlm, retain=OTHERS, roles=roles)
    assert near.of(["T1", "T2"]) == any_.of(["T1", "T2"])
    assert near.of(["anchor"]) != any_.of(["anchor"])


def test_nothing_is_compared_when_all_pictures_are_taken_or_none_is_looked_at(vlm, monkeypatch):
    monkeypatch.setattr(nearest, "score", None)
    few = shown(vlm, retain=OTHERS[:2], anchor_choice="near", roles=("anchor",))
    assert few == shown(vlm, retain=OTHERS[:2], roles=("anchor",))
    assert made(vlm, retain=OTHERS, anchor_choice="near", roles=("original",)).of(["anchor"]) == []
