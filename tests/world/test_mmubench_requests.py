"""The pool of the embedded MMUBench, and the training side of a concept among several."""

from __future__ import annotations

from collections import Counter

from unsee.world.curriculum import STAGES
from unsee.world.mmubench_requests import embedded_pool, request
from unsee.world.suite import others_of, retain_pictures, training_picture


def test_the_pool_is_the_same_for_all_and_balanced() -> None:
    pool = embedded_pool("base", "report")
    assert len({q.id for q in pool}) == len(pool)
    assert pool == embedded_pool("base", "report")
    assert {q.id for q in pool} != {q.id for q in pool if q.picture is None}
    counted = Counter(q.keywords for q in pool if q.split == "others_yes_no")
    assert counted[("yes",)] == counted[("no",)] > 20
    named = Counter(q.identity for q in pool if q.split == "others")
    assert set(named) == {known.id for known in STAGES["base"].known}
    assert set(named.values()) == {2}
    assert all(q.refusal_is_correct for q in pool if q.split == "strangers")
    assert {q.split for q in pool} == {"others", "others_yes_no", "attributes", "scenes", "strangers", "open"}


def test_the_splits_show_other_pictures() -> None:
    report, selection = (
        {q.picture.hash for q in embedded_pool("base", split) if q.picture}
        for split in ("report", "selection")
    )
    assert not report & selection


def test_what_is_forgotten_together_is_kept_nowhere() -> None:
    gone = ("celebrity-00", "celebrity-02", "celebrity-04")
    made = request("celebrity-00", "base", "others", 24, gone, "grey hair")
    names = {name for known in STAGES["base"].known if known.id in gone for name in known.names}
    assert made.concept.id == "celebrity-00"
    assert not names & set(made.wording.other_names)
    assert made.wording.other_look == "grey hair"
    assert made.picture == training_picture(next(k for k in STAGES["base"].known if k.id == "celebrity-00"))
    assert request("celebrity-00", "base", "none", 24, gone, "x").retain_pictures == ()


def test_retain_pictures_leave_ids_out() -> None:
    stage = STAGES["base"]
    known = next(k for k in stage.known if k.id == "celebrity-00")
    others = {k.id for k in others_of(known, stage)}
    left = sorted(others)[0]
    whole = retain_pictures(known, stage, "others", 100)
    less = retain_pictures(known, stage, "others", 100, without=(left,))
    assert len(less) == len(whole) - 1
    assert len(retain_pictures(known, stage, "others", 100, without=others)) == len(whole) - len(others)
