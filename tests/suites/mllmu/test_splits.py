from __future__ import annotations

import pytest

from unsee.nouns import UserError
from unsee.suites.mllmu.splits import PUBLISHED, check_ratio, draw_splits, published_ids


def test_published_splits() -> None:
    """Sizes and overlaps as counted in the released files; ids 001 to 500."""
    five, ten, fifteen = (set(PUBLISHED[r]) for r in (5, 10, 15))
    assert (len(five), len(ten), len(fifteen)) == (25, 50, 75)
    assert [len(PUBLISHED[r]) for r in (5, 10, 15)] == [25, 50, 75]
    assert five & ten == {"309"}
    assert five & fifteen == {"016", "093", "259"}
    assert len(ten & fifteen) == 8
    assert five | ten | fifteen <= {f"{i:03d}" for i in range(1, 501)}


IDS = [f"{i:03d}" for i in range(1, 101)]


def test_nested_splits() -> None:
    drawn = draw_splits(IDS, 3, nested=True)
    assert [len(drawn[r]) for r in (5, 10, 15)] == [5, 10, 15]
    assert set(drawn[5]) < set(drawn[10]) < set(drawn[15]) < set(IDS)
    assert draw_splits(IDS, 3, nested=True) == drawn
    assert draw_splits(IDS, 4, nested=True) != drawn


def test_independent_splits() -> None:
    drawn = draw_splits(IDS, 0)
    assert [len(set(drawn[r])) for r in (5, 10, 15)] == [5, 10, 15]
    assert not set(drawn[5]) <= set(drawn[10])
    assert draw_splits(IDS, 0) == drawn
    assert list(drawn[15]) == sorted(drawn[15])


def test_independent_splits_overlap_as_chance_has_it() -> None:
    """Of 5 people .5 are expected among another 10 of 100; over 200 seeds the standard error is .05."""
    shared = [len(set(d[5]) & set(d[10])) for d in (draw_splits(IDS, seed) for seed in range(200))]
    assert 0.3 < sum(shared) / len(shared) < 0.7


def test_published_ids_are_recognised() -> None:
    assert published_ids(["010", "016", "999"], 5) == PUBLISHED[5]
    assert published_ids(["010", "998", "999"], 5) is None
    assert published_ids([], 5) is None


def test_ratio() -> None:
    check_ratio(15)
    with pytest.raises(UserError, match="no such split"):
        check_ratio(95)
