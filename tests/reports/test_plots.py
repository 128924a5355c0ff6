"""Figures leave room for what they show: marks stay inside, and no label squeezes the field to nothing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from unsee.reports.measures import MEASURES
from unsee.reports.plots import measures, trade_off, training

SHARES = [key for key, measure in MEASURES.items() if measure.unit == "share" and key != "generality_name"]
MODELS = ("target", "unlearned", "gold", "blind", "base")


@pytest.fixture(autouse=True)
def _nothing_collapses() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def results(values: Mapping[str, float]) -> dict[str, Any]:
    found = {k: {"value": v, "low": v, "high": v, "n": 9, "better": "higher"} for k, v in values.items()}
    return {"models": dict.fromkeys(MODELS, found)}


def field(figure: str) -> tuple[float, float]:
    """Width of the figure and of its first field, in points."""
    whole = re.search(r'viewBox="0 0 ([\d.]+) ', figure)
    first = re.search(r'patch_2">\s*<path d="M ([\d.]+) [\d.]+ *\nL ([\d.]+) ', figure)
    assert whole is not None
    assert first is not None
    return float(whole[1]), float(first[2]) - float(first[1])


def test_the_longest_titles_leave_room_for_the_marks() -> None:
    figure = measures(results(dict.fromkeys(SHARES, 0.5)))
    assert figure is not None
    assert len(SHARES) > 60
    whole, inner = field(figure)
    assert inner > 0.35 * whole


def test_a_count_of_words_is_no_share() -> None:
    """The paper's diversity counts words: 12 would lie eleven fields to the right."""
    figure = measures(results({"em": 0.5, "efficacy": 1.0, "diversity": 12.0}))
    assert figure is not None
    assert MEASURES["em"].title in figure
    assert MEASURES["diversity"].title not in figure
    share = measures(results({"em": 0.5, "diversity": 0.7}))
    assert share is not None
    assert MEASURES["diversity"].title in share
    assert measures(results({"diversity": 12.0})) is None


def test_long_names_of_losses_leave_room_for_the_lines() -> None:
    names = [f"a loss with a very long name, number {n}" for n in range(9)]
    steps = [{"step": s, "loss": 1.0, "terms": dict.fromkeys(names, 0.5)} for s in range(4)]
    figure = training(steps)
    assert figure is not None
    whole, inner = field(figure)
    assert inner > 0.6 * whole


def test_one_row_and_every_row_fit() -> None:
    for count in (1, 5, len(SHARES)):
        found = results(dict.fromkeys(SHARES[:count], 0.5))
        assert measures(found) is not None
        assert trade_off(found) is not None
