"""The rule that ranks methods on MLLMU-Bench, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from unsee.reports.mllmu_standing import order, standing


def scores(**values: float) -> dict[str, dict[str, float]]:
    """By name such as ``choice__forget__text``."""
    return {"mllmu_" + name.replace("__", "/"): {"value": value} for name, value in values.items()}


TARGET = scores(
    choice_text__forget__text=1.0,
    cloze__test__text=1.0,
    rouge_l__retain__text=0.9,
    cloze__real__image_text=0.8,
    degenerate__retain__text=0.05,
)
GOLD = scores(choice_text__forget__text=0.3, cloze__test__text=0.1, rouge_l__retain__text=0.9)
SHARED: dict[str, Any] = {"models": {"target": TARGET, "gold": GOLD}, "floors": {}}
NO_GOLD: dict[str, Any] = {
    "models": {"target": TARGET},
    "floors": {
        "chance": scores(choice_text__forget__text=0.25),
        "majority": scores(cloze__test__text=0.2),
        "random_other": scores(cloze__test__text=0.1),
        "no_image": scores(cloze__test__text=0.7),
    },
}


def test_distance_from_gold_and_below_the_target() -> None:
    found = standing(
        scores(
            choice__forget__text=1.0,  # letters do not count beside option texts
            choice_text__forget__text=0.2,
            cloze__test__text=0.4,
            rouge_l__retain__text=0.95,  # better than the target: nothing lost
            cloze__real__image_text=0.6,
            degenerate__retain__text=0.1,
        ),
        SHARED,
    )
    assert found is not None
    assert found.left == pytest.approx((0.1 + 0.3) / 2)
    assert found.lost == pytest.approx((0.0 + 0.2) / 2)
    assert found.broken == pytest.approx(0.05)
    assert found.distance == pytest.approx(0.15)
    assert found.status == "short"


def test_without_gold_the_highest_floor_is_enough() -> None:
    found = standing(
        scores(choice_text__forget__text=0.1, cloze__test__text=0.3, cloze__real__image_text=0.8), NO_GOLD
    )
    assert found is not None
    assert found.left == pytest.approx((0.0 + 0.1) / 2)
    assert (found.lost, found.status) == (0.0, "success")


def test_gibberish_where_people_are_kept_is_collapse() -> None:
    found = standing(
        scores(cloze__test__text=0.1, cloze__real__image_text=0.8, degenerate__retain__text=0.3), SHARED
    )
    assert found is not None
    assert found.status == "collapse"


def test_letters_count_where_nothing_else_was_compared() -> None:
    shared: dict[str, Any] = {
        "models": {"target": scores(choice__forget__text=0.9, choice__real__text=0.5)},
        "floors": {"chance": scores(choice__forget__text=0.25)},
    }
    found = standing(scores(choice__forget__text=0.45, choice__real__text=0.4), shared)
    assert found is not None
    assert (found.left, found.lost) == (pytest.approx(0.2), pytest.approx(0.1))


def test_half_of_the_sets_has_no_standing() -> None:
    assert standing(scores(cloze__test__text=0.1), SHARED) is None
    assert standing(scores(cloze__real__image_text=0.1), SHARED) is None


def test_order() -> None:
    rows = [
        {"standing": None},
        {"standing": {"status": "collapse", "distance": 0.0}},
        {"standing": {"status": "short", "distance": 0.3}},
        {"standing": {"status": "short", "distance": 0.2}},
        {"standing": {"status": "success", "distance": 0.4}},
    ]
    assert sorted(rows, key=order) == [rows[4], rows[3], rows[2], rows[1], rows[0]]
