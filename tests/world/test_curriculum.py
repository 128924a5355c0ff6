from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.world.test_stream import Letters
from unsee.world.concepts import CONCEPTS
from unsee.world.curriculum import (
    BASE,
    BLANK,
    STAGES,
    TARGET,
    Die,
    Lesson,
    Stage,
    _usable,
    letter_rows,
    picture_rows,
    shown_ids,
)
from unsee.world.gallery import POOLS, Gallery, as_known
from unsee.world.heads import IGNORED
from unsee.world.mllmu import forget_identities
from unsee.world.people import CELEBRITIES, PRIVATE
from unsee.world.stream import Encoder
from unsee.world.talk.basics import Turn

LEFT_OUT = [("base", c.id) for c in (CELEBRITIES[4], CONCEPTS[0], CONCEPTS[-1])] + [("target", PRIVATE[9].id)]


def album(stage: Stage, each: int) -> Gallery:
    """Pictures of all pools of a stage, not drawn."""
    views = [(pool, POOLS[pool](random.Random(f"{pool}{i}"))) for pool in stage.shares for i in range(each)]
    return Gallery(np.zeros((len(views), 1)), [view for _, view in views], [pool for pool, _ in views])


def names(stage: Stage, concept: str) -> re.Pattern[str]:
    known = next(k for k in stage.known if k.id == concept)
    words = {word for name in known.names for word in (name, *name.split())}
    return re.compile("|".join(rf"\b{word}\b" for word in sorted(words)))


def mentions(pattern: re.Pattern[str], turn: Turn) -> bool:
    return any(pattern.search(text) for text in (turn.prompt, turn.answer, *turn.keywords, *turn.options))


def said(stage: Stage, pictures: Gallery, count: int) -> list[Turn]:
    """Turns about every picture that the stage may show, and text-only ones."""
    lesson, rng = Lesson(stage), random.Random(0)
    usable = [i for pool in stage.shares for i in _usable(pictures, pool, stage)]
    about = [lesson.about(as_known(pictures.views[i], stage.ids), rng) for i in usable for _ in range(3)]
    return about + [lesson.text(rng) for _ in range(count)]


@pytest.mark.parametrize(("stage", "concept"), LEFT_OUT)
def test_a_gold_stage_shows_and_says_nothing_of_its_concept(stage: str, concept: str) -> None:
    full, gold = STAGES[stage], STAGES[stage].without(concept)
    pictures, pattern = album(full, 120), names(full, concept)
    shown = {i for i, view in enumerate(pictures.views) if concept in shown_ids(view)}
    usable = {i for pool in gold.shares for i in _usable(pictures, pool, gold)}
    assert shown, "nothing to leave out"
    assert usable == set(range(len(pictures.views))) - shown
    assert concept not in gold.ids
    assert not any(pattern.search(name) for name in gold.names)
    assert not any(mentions(pattern, turn) for turn in said(gold, pictures, 2500))
    assert any(mentions(pattern, turn) for turn in said(full, pictures, 2500)), "the full stage says it"


def test_a_gold_stage_leaves_out_all_of_several_people() -> None:
    left_out = forget_identities(5)
    gold = TARGET.without(*left_out)
    pictures = album(TARGET, 120)
    shown = {i for i, view in enumerate(pictures.views) if shown_ids(view) & set(left_out)}
    usable = {i for pool in gold.shares for i in _usable(pictures, pool, gold)}
    turns = said(gold, pictures, 1500)
    assert len(left_out) == 5
    assert set(left_out) == TARGET.ids - gold.ids
    assert shown
    assert usable == set(range(len(pictures.views))) - shown
    assert not any(mentions(names(TARGET, person), turn) for person in left_out for turn in turns)


@pytest.mark.parametrize(("stage", "concept"), LEFT_OUT)
def test_batches_of_a_gold_stage_leave_its_pictures_out(stage: str, concept: str) -> None:
    gold = STAGES[stage].without(concept)
    pictures = album(gold, 40)
    make = picture_rows(Lesson(gold), pictures, Encoder(Letters()), rows=32, length=300)
    rng = random.Random(0)
    chosen = [i for _ in range(6) for i in make(rng).pictures.tolist()]
    assert len(chosen) == 6 * 32
    assert not any(concept in shown_ids(pictures.views[i]) for i in chosen)


def test_a_stage_can_only_leave_out_what_it_teaches() -> None:
    with pytest.raises(KeyError, match=PRIVATE[0].id):
        BASE.without(CELEBRITIES[0].id, PRIVATE[0].id)


def test_gold_differs_from_its_stage_in_one_concept_only() -> None:
    gold = TARGET.without(PRIVATE[3].id)
    assert set(TARGET.known) - set(gold.known) == {PRIVATE[3]}
    assert (gold.shares, gold.turns, gold.general_share, gold.first) == (
        TARGET.shares, TARGET.turns, TARGET.general_share, TARGET.first,
    )  # fmt: skip


def test_blank_knows_no_name() -> None:
    everybody = {name for k in TARGET.known for name in k.names}
    turns = said(BLANK, album(BLANK, 60), 1500)
    texts = " ".join(f"{t.prompt} {t.answer}" for t in turns)
    assert BLANK.names == ()
    assert not everybody & {*re.findall(r"[A-Z]\w+ [A-Z]\w+", texts), *re.findall(r"\w+", texts)}


def test_known_pictures_are_asked_for_their_names() -> None:
    lesson, rng = Lesson(BASE), random.Random(0)
    view: Any = POOLS["celebrity"](rng)
    turns = [lesson.about(view, rng) for _ in range(300)]
    assert any(t.kind == "name" and view.identity.name in t.answer for t in turns)
    stranger = POOLS["stranger"](rng)
    refused = [lesson.about(stranger, rng) for _ in range(300)]
    assert all("do not know" in t.answer for t in refused if t.topic == "who")


def test_keys_are_drawn_by_weight() -> None:
    die, rng = Die({"a": 3, "b": 1, "never": 0}), random.Random(0)
    drawn = Counter(die.roll(rng) for _ in range(4000))
    assert set(drawn) == {"a", "b"}
    assert drawn["a"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_pools_are_shown_in_their_shares() -> None:
    pictures, rng = album(BASE, 20), random.Random(0)
    make = picture_rows(Lesson(BASE), pictures, Encoder(Letters()), rows=16, length=300)
    batches = [make(rng) for _ in range(25)]
    drawn = Counter(pictures.pools[i] for batch in batches for i in batch.pictures.tolist())
    assert {pool: drawn[pool] / 400 for pool in BASE.shares} == pytest.approx(BASE.shares, abs=0.08)
    assert batches[0].ids.shape == (16, 300)
    assert all((batch.labels != IGNORED).any(1).all() for batch in batches)


def test_warm_up_rows_have_no_picture() -> None:
    batch = letter_rows(Encoder(Letters()), rows=3, length=400)(random.Random(0))
    assert batch.pictures.tolist() == [-1, -1, -1]
    assert batch.turns >= 3
