"""Which rows a step takes, and which packs share a forward pass."""

from collections import Counter

from unsee.packs.pack import share_forwards
from unsee.packs.rows import Row
from unsee.training.plan import plan_steps


class Sized:
    """A pack of which only the length and where it may run count."""

    route, apart = "", False

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


def rows(main, anchors):
    roles = ["T1"] * main + ["anchor"] * anchors
    return [Row(f"{role}-{i}", role, (0, 1), 1, (True,)) for i, role in enumerate(roles)]


def test_steps_are_passes_over_the_main_rows():
    assert plan_steps(rows(16, 0), batch=16, anchors=4, passes=6, seed=0).draws == 6
    assert plan_steps(rows(25, 30), batch=16, anchors=4, passes=3, seed=0).draws == 6
    assert plan_steps(rows(1, 0), batch=16, anchors=4, passes=1, seed=0).draws == 1


def test_every_pass_takes_every_main_row_once():
    plan = plan_steps(rows(25, 5), batch=16, anchors=2, passes=2, seed=1)
    for turn in (0, 1):
        taken = [i for step in (2 * turn, 2 * turn + 1) for i in plan.rows(step) if i < 25]
        assert sorted(taken) == list(range(25))
    assert plan.rows(0) != plan.rows(2)


def test_anchors_come_in_rounds():
    plan = plan_steps(rows(4, 6), batch=4, anchors=4, passes=6, seed=0)
    assert all(len(plan.rows(step)) == 8 for step in (0, 3))
    counts = Counter(i for step in range(6) for i in plan.rows(step) if i >= 4)
    assert set(counts) == set(range(4, 10))
    assert max(counts.values()) - min(counts.values()) <= 2
    assert len(plan_steps(rows(4, 2), batch=4, anchors=4, passes=1, seed=0).rows(0)) == 6


def test_a_step_depends_on_seed_and_number_alone():
    one = plan_steps(rows(20, 9), batch=8, anchors=3, passes=4, seed=5)
    two = plan_steps(rows(20, 9), batch=8, anchors=3, passes=4, seed=5)
    assert [one.rows(s) for s in range(12)] == [two.rows(s) for s in reversed(range(12))][::-1]
    other = plan_steps(rows(20, 9), batch=8, anchors=3, passes=4, seed=6)
    assert [one.rows(s) for s in range(12)] != [other.rows(s) for s in range(12)]


def test_used_rows():
    plan = plan_steps(rows(4, 50), batch=4, anchors=2, passes=3, seed=0)
    assert plan.used() == tuple(sorted({i for s in range(3) for i in plan.rows(s)}))
    assert len(plan.used()) == 10


def test_anchors_alone_are_the_main_set():
    plan = plan_steps(rows(0, 5), batch=2, anchors=3, passes=1, seed=0)
    assert plan.draws == 3
    assert plan.used() == (0, 1, 2, 3, 4)


def test_packs_of_similar_length_share_a_forward():
    packs = [Sized(n) for n in (700, 100, 120, 110, 90, 600)]
    lengths = [[len(p) for p in group] for group in share_forwards(packs, 2000)]
    assert lengths == [[700, 600], [120, 110, 100, 90]]
    assert [[len(p) for p in g] for g in share_forwards(packs, 250)] == [[700], [600], [120, 110], [100, 90]]
