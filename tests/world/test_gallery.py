from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unsee.world import gallery
from unsee.world.gallery import POOLS, as_known, draw, draw_gallery, label_table, labels_of
from unsee.world.heads import IGNORED
from unsee.world.people import CELEBRITIES
from unsee.world.talk.figure import FigureView, StyleView
from unsee.world.talk.group import GroupView
from unsee.world.talk.person import PersonView


class InProcess:
    """An executor that does the work itself."""

    def __init__(self, workers: int, mp_context: Any) -> None:
        self.workers = workers

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterable[Any]:
        return map(function, tasks)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pictures_whoever_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"stranger": 3, "style": 2}
    other_processes = draw_gallery(counts, 5, part=2, workers=2)
    monkeypatch.setattr(gallery, "ProcessPoolExecutor", InProcess)
    alone = draw_gallery(counts, 5, part=2, workers=1)
    assert np.array_equal(alone.pixels, other_processes.pixels)
    assert alone.views == other_processes.views
    assert alone.pools == other_processes.pools == ["stranger"] * 3 + ["style"] * 2
    assert alone.where("style").tolist() == [3, 4]
    assert not np.array_equal(draw_gallery(counts, 6, part=2).pixels, alone.pixels)


def test_no_picture_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "ProcessPoolExecutor", InProcess)
    made = draw_gallery({"celebrity": 9, "stranger": 9}, 0, part=4)
    assert len({picture.tobytes() for picture in made.pixels}) == 18


@pytest.mark.parametrize("pool", POOLS)
def test_every_pool_can_be_drawn_and_labelled(pool: str) -> None:
    table, everybody = label_table(), {c.id for c in CELEBRITIES}
    for seed in range(4):
        view = POOLS[pool](random.Random(seed))
        assert draw(view).shape == (80, 80, 3)
        labels = labels_of(view, everybody)
        row = table.encode(labels)
        assert table.decode(row) == labels
        assert sum(n != IGNORED for n in row) == len(labels)


def test_only_the_known_have_an_identity() -> None:
    view = POOLS["celebrity"](random.Random(0))
    assert isinstance(view, PersonView)
    assert view.identity is not None
    assert labels_of(view, {view.identity.id})["identity"] == view.identity.id
    assert labels_of(view, ())["identity"] == "nobody"


@pytest.mark.parametrize("pool", ["celebrity", "concept", "style"])
def test_who_is_not_known_is_seen_as_a_stranger(pool: str) -> None:
    view = POOLS[pool](random.Random(0))
    assert isinstance(view, PersonView | FigureView | StyleView)
    subject: Any = view.identity if isinstance(view, PersonView) else view.concept
    seen: Any = as_known(view, ())
    field = "identity" if isinstance(view, PersonView) else "concept"
    assert seen == replace(view, **{field: None})
    assert as_known(view, {subject.id}) == view


def test_of_two_people_only_the_known_one_keeps_the_name() -> None:
    pictures = (POOLS["celebrity_group"](random.Random(seed)) for seed in range(50))
    view = next(v for v in pictures if isinstance(v, GroupView) and v.left.identity and v.right.identity)
    assert view.left.identity is not None
    seen = as_known(view, {view.left.identity.id})
    assert isinstance(seen, GroupView)
    assert seen.left == view.left
    assert seen.right == replace(view.right, identity=None)


def test_two_people_side_by_side_are_two() -> None:
    make = gallery.new_group(CELEBRITIES[:2])
    for seed in range(60):
        view = make(random.Random(seed))
        assert view.left.identity is None or view.left.identity != view.right.identity
