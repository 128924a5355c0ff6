import random
from dataclasses import replace

import pytest

from unsee.nouns import UserError
from unsee.world.looks import (
    ATTRIBUTES,
    NUISANCES,
    Look,
    distance,
    labels,
    make_pairs,
    random_look,
    random_setting,
    stranger,
    visible,
)


@pytest.fixture(scope="module")
def people() -> list[Look]:
    return make_pairs(65, seed=0)


@pytest.fixture
def plain() -> Look:
    values = {"skin": "tan", "hair_style": "short", "hair_color": "red", "eyes": "blue"}
    rest = {"glasses": "no glasses", "beard": "no beard", "mark": "a mole"}
    return replace(random_look(random.Random(0)), **values, **rest)


def test_distance_counts_visible_differences(plain: Look) -> None:
    other = replace(plain, skin="pale", mark="no mark")
    assert distance(plain, plain) == 0
    assert distance(plain, other) == distance(other, plain) == 2


def test_hidden_attributes_do_not_count(plain: Look) -> None:
    dark = replace(plain, glasses="dark glasses", eyes="green")
    bald = replace(plain, hair_style="bald", hair_color="blue")
    assert distance(plain, dark) == 1
    assert distance(plain, bald) == 1
    assert distance(dark, replace(dark, eyes="grey")) == 0


def test_geometry_is_not_an_attribute(plain: Look) -> None:
    assert distance(plain, replace(plain, geometry=random_look(random.Random(5)).geometry)) == 0


def test_visible(plain: Look) -> None:
    setting = replace(random_setting(random.Random(0)), hat="a cap")
    assert all(visible(plain, setting, name) for name in (*ATTRIBUTES, *NUISANCES))
    assert not visible(replace(plain, glasses="dark glasses"), setting, "eyes")
    assert not visible(replace(plain, hair_style="bald"), setting, "hair_color")


def test_labels_name_all_eleven_attributes(plain: Look) -> None:
    setting = random_setting(random.Random(1))
    named = labels(plain, setting)
    assert set(named) == set(ATTRIBUTES) | set(NUISANCES)
    assert len(named) == 11
    assert named["skin"] == "tan"
    assert named["clothing"] == setting.clothing
    assert all(value in (ATTRIBUTES | NUISANCES)[name] for name, value in named.items())


def test_pairs_are_three_apart_and_everybody_else_four(people: list[Look]) -> None:
    assert len(people) == 130
    for i, a in enumerate(people):
        for j, b in enumerate(people[:i]):
            assert (distance(a, b) == 3) if i // 2 == j // 2 else (distance(a, b) >= 4), (i, j)


def test_pairs_avoid_others_and_repeat(people: list[Look]) -> None:
    more = make_pairs(5, seed=1, avoid=people)
    assert more == make_pairs(5, seed=1, avoid=people)
    assert more != make_pairs(5, seed=2, avoid=people)
    assert min(distance(a, b) for a in more for b in people) >= 4


def test_pairs_are_varied(people: list[Look]) -> None:
    for name, values in ATTRIBUTES.items():
        assert {getattr(look, name) for look in people} == set(values), name


def test_too_many_pairs_is_the_users_mistake() -> None:
    rng = random.Random(0)
    crowd = [random_look(rng) for _ in range(1500)]
    with pytest.raises(UserError, match="ask for fewer people"):
        make_pairs(10, seed=0, avoid=crowd)


def test_strangers_keep_their_distance(people: list[Look]) -> None:
    rng = random.Random(4)
    assert all(distance(stranger(rng, people), other) >= 3 for other in people)


def test_nobody_is_a_stranger_to_an_impossible_demand(people: list[Look]) -> None:
    with pytest.raises(UserError, match="different enough"):
        stranger(random.Random(0), people, minimum=8)


def test_settings_do_not_leave_the_picture() -> None:
    rng = random.Random(0)
    for setting in (random_setting(rng) for _ in range(200)):
        assert abs(setting.dx) <= 0.06
        assert 0.9 < setting.scale < 1.1
        assert setting.hat in NUISANCES["hat"]
