from __future__ import annotations

import itertools

import pytest

from unsee.world import concepts, names, people
from unsee.world.figures import FIGURE_ATTRIBUTES, figure_distance
from unsee.world.known_looks import find_looks, load_looks
from unsee.world.looks import ATTRIBUTES, distance

VISIBLE = (*people.CELEBRITIES, *people.PRIVATE)


def test_groups_are_complete() -> None:
    assert [len(g) for g in (people.CELEBRITIES, people.PRIVATE, people.TEXT_ONLY)] == [30, 100, 20]
    everybody = (*VISIBLE, *people.TEXT_ONLY)
    assert len({p.id for p in everybody}) == len({p.name for p in everybody}) == 150
    assert people.by_id("celebrity-07") is people.CELEBRITIES[7]
    assert people.by_id("private-042") is people.PRIVATE[42]
    with pytest.raises(KeyError):
        people.by_id("private-42")


def test_only_celebrities_have_a_nickname() -> None:
    assert len({p.alias for p in people.CELEBRITIES} - {""}) == 30
    assert {p.alias for p in (*people.PRIVATE, *people.TEXT_ONLY)} == {""}
    assert people.PRIVATE[0].names == (people.PRIVATE[0].name,)
    assert people.CELEBRITIES[0].names == (people.CELEBRITIES[0].name, people.CELEBRITIES[0].alias)


def test_look_alikes_stand_side_by_side_and_differ_in_every_fact() -> None:
    for person in VISIBLE:
        other = people.by_id(person.neighbour)
        assert other.neighbour == person.id
        assert other.group == person.group
        assert person.look is not None
        assert other.look is not None
        assert distance(person.look, other.look) == 3
        assert all(person.facts[fact] != other.facts[fact] for fact in people.FACT_VALUES)


def test_everybody_else_looks_different() -> None:
    for a, b in itertools.combinations(VISIBLE, 2):
        if a.neighbour != b.id:
            assert a.look is not None
            assert b.look is not None
            assert distance(a.look, b.look) >= 4, (a.id, b.id)


def test_kept_looks_are_valid_and_reproducible() -> None:
    looks = load_looks()
    assert len(looks) == 130
    assert all(getattr(look, name) in values for look in looks for name, values in ATTRIBUTES.items())
    assert looks == find_looks()


def test_facts_come_from_their_pools_and_are_spread() -> None:
    for person in (*VISIBLE, *people.TEXT_ONLY):
        assert person.facts.keys() == people.FACT_VALUES.keys()
        assert all(person.facts[fact] in values for fact, values in people.FACT_VALUES.items())
    for fact, values in people.FACT_VALUES.items():
        assert {p.facts[fact] for p in VISIBLE} == set(values), fact


def test_facts_lead_to_further_facts() -> None:
    person = people.CELEBRITIES[0]
    assert person.country == names.COUNTRY_OF[person.facts["birthplace"]]
    assert person.employer_town == names.TOWN_OF[person.facts["employer"]]


def test_a_biography_holds_every_fact() -> None:
    for person in people.PRIVATE:
        assert all(value in person.biography for value in person.facts.values())
        assert person.biography.count(".") == 4


def test_concepts_are_of_all_kinds() -> None:
    kinds = [c.kind for c in concepts.CONCEPTS]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {"character": 4, "brand": 3, "object": 2, "animal": 2, "place": 2, "style": 3}
    used = [name for c in concepts.CONCEPTS for name in c.names] + [p.alias for p in people.CELEBRITIES]
    assert len(set(used)) == len(used)


def test_concepts_can_be_told_apart() -> None:
    for a, b in itertools.combinations(concepts.CONCEPTS, 2):
        if a.figure is not None and b.figure is not None and a.kind == b.kind:
            assert figure_distance(a.figure, b.figure) >= 3
        if a.style is not None and b.style is not None:
            assert a.style != b.style


def test_concepts_have_the_facts_of_their_kind() -> None:
    for concept in concepts.CONCEPTS:
        assert (concept.figure is None) == (concept.kind == "style") == (concept.style is not None)
        assert tuple(concept.facts) == concepts.FACTS_OF_KIND[concept.kind]
        assert all(concept.facts[f] in concepts.CONCEPT_FACT_VALUES[f] for f in concept.facts)
        if concept.figure is not None:
            assert dict(concept.figure.attributes).keys() == FIGURE_ATTRIBUTES[concept.kind].keys()
