from __future__ import annotations

import json

import pytest

from unsee.models.scopes import PARTS, Scope, check_layers, part_holds
from unsee.nouns import UserError


@pytest.mark.parametrize(
    ("part", "role", "held"),
    [
        ("language", "language.mlp[3]", True),
        ("language", "language.embeddings", True),
        ("language", "vision.mlp[3]", False),
        ("language", "head", False),
        ("language.mlp", "language.mlp[0]", True),
        ("language.mlp", "language.attention[0]", False),
        ("language.mlp[7..13]", "language.mlp[6]", False),
        ("language.mlp[7..13]", "language.mlp[7]", True),
        ("language.mlp[7..13]", "language.mlp[13]", True),
        ("language.mlp[7..13]", "language.mlp[14]", False),
        ("language.mlp[7..13]", "vision.mlp[8]", False),
        ("language[1]", "language.attention[1]", True),
        ("language[1]", "language.attention[11]", False),
        ("language[1]", "language.norm", False),
        ("vision.mlp", "vision.mlp[0]", True),
        ("projector", "projector", True),
        ("projector", "vision.other", False),
        ("full", "head", True),
        ("full", "vision.other", True),
    ],
)
def test_parts_hold_roles(part: str, role: str, held: bool) -> None:
    assert part_holds(part, role) is held


@pytest.mark.parametrize(
    "part", ["langage", "q_proj", "language.mlp[", "language.mlp[9..7]", "head[1]", "full[2]", "", "Language"]
)
def test_unknown_parts_list_the_valid_ones(part: str) -> None:
    with pytest.raises(UserError) as error:
        Scope((part,))
    assert all(name in error.value.expected for name in PARTS)


def test_the_nearest_part_is_named() -> None:
    with pytest.raises(UserError, match="did you mean 'language.attention'"):
        Scope(("language.atention[2]",))


def test_an_empty_scope_and_bad_numbers_are_refused() -> None:
    with pytest.raises(UserError, match="empty"):
        Scope(())
    for settings in ({"rank": 0}, {"alpha": 0}, {"dropout": 1.0}):
        with pytest.raises(UserError, match="out of range"):
            Scope(**settings)  # type: ignore[arg-type]


def test_layers_must_exist() -> None:
    check_layers(("language.mlp[0..5]", "vision[2]", "projector"), language=6, vision=3)
    with pytest.raises(UserError, match=r"layers 0..5 of language"):
        check_layers(("language.mlp[4..6]",), language=6, vision=30)
    with pytest.raises(UserError, match=r"layers 0..2 of vision"):
        check_layers(("vision[3]",), language=6, vision=3)


def test_json_round_trip() -> None:
    scope = Scope(("language.mlp[1..2]", "projector"), rank=4, alpha=8, dropout=0.1, full=True)
    assert Scope.from_json(scope.as_json()) == scope
    chosen = Scope(("language",), modules=("model.layers.1.mlp",), sine=("projector",))
    assert Scope.from_json(json.loads(json.dumps(chosen.as_json()))) == chosen
    older = {"parts": ["language"], "rank": 4, "alpha": 8, "dropout": 0.0, "full": False}
    assert Scope.from_json(older) == Scope(("language",), rank=4, alpha=8)


def test_modules_narrow_a_scope_down() -> None:
    scope = Scope(("language.mlp",), modules=("m.layers.1",))
    assert scope.holds("language.mlp[1]", "m.layers.1.mlp.down_proj.weight")
    assert not scope.holds("language.mlp[1]", "m.layers.11.mlp.down_proj")
    assert not scope.holds("language.attention[1]", "m.layers.1.self_attn.q_proj")
    assert scope.holds("language.mlp[0]")


def test_sine_parts_stand_apart() -> None:
    scope = Scope(("language",), sine=("projector",))
    assert scope.sines("projector")
    assert not scope.sines("language.mlp[0]")
    assert not scope.holds("projector")
