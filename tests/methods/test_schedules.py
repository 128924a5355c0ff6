"""Turns of the schedules and the price of the constraint, by hand."""

import pytest

from unsee.methods.schedules import JOINT, Alternate, Dual, Sequential, Turn


def turns(schedule, draws):
    return [schedule.at(step, draws, [])[:2] for step in range(schedule.steps(draws))]


def test_joint_takes_both_sides_of_each_draw():
    assert turns(JOINT, 3) == [(0, 0), (1, 1), (2, 2)]
    assert JOINT.at(1, 3, []) == Turn(1, 1, 1.0, 1.0)


def test_sequential_forgets_first():
    assert turns(Sequential(), 2) == [(0, None), (1, None), (None, 0), (None, 1)]


def test_alternate_takes_turns():
    assert turns(Alternate(), 2) == [(0, None), (None, 0), (1, None), (None, 1)]


def test_alternate_with_two_retain_steps_goes_round_the_retain_draws():
    assert turns(Alternate(2), 3) == [
        (0, None),
        (None, 0),
        (None, 1),
        (1, None),
        (None, 2),
        (None, 0),
        (2, None),
        (None, 1),
        (None, 2),
    ]


def test_alternate_ends_forgetting_early():
    """Of four draws half are climbed; every draw's retain step stays."""
    assert turns(Alternate(1, 0.5), 4) == [
        (0, None),
        (None, 0),
        (1, None),
        (None, 1),
        (None, 2),
        (None, 3),
    ]


def test_alternate_always_forgets_once():
    found = turns(Alternate(1, 0.01), 3)
    assert [forget for forget, _ in found if forget is not None] == [0]
    assert [retain for _, retain in found if retain is not None] == [0, 1, 2]


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("until", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("draws", [1, 2, 5, 7])
def test_alternate_uses_every_retain_draw_equally_often(every, until, draws):
    found = turns(Alternate(every, until), draws)
    retain = [r for _, r in found if r is not None]
    assert len(found) == len(retain) + max(1, round(until * draws))
    assert sorted(retain) == sorted(list(range(draws)) * every)
    assert all((f is None) != (r is None) for f, r in found)


def test_price_by_hand():
    """Epsilon is 1.5 * 0.4 = 0.6; the price moves by twice the violation."""
    dual = Dual(mu=1.0, eta=2.0, slack=1.5)
    assert dual.price([]) == 1.0
    assert dual.price([0.4]) == pytest.approx(1.0 + 2 * (0.4 - 0.6))
    assert dual.price([0.4, 1.1]) == pytest.approx(0.6 + 2 * (1.1 - 0.6))
    assert dual.price([0.4, 1.1, 0.1]) == pytest.approx(1.6 + 2 * (0.1 - 0.6))


def test_price_never_falls_below_zero_and_recovers():
    dual = Dual(mu=0.1, eta=1.0, slack=2.0)
    assert dual.price([1.0]) == 0.0  # 0.1 + (1 - 2) is negative
    assert dual.price([1.0, 2.5]) == pytest.approx(0.5)


def test_floor_and_warmup():
    assert Dual(1.0, 1.0, 1.5, floor=0.3).price([0.0]) == pytest.approx(0.7)
    warm = Dual(1.0, 1.0, 1.0, warmup=2)
    assert warm.price([0.5, 9.0]) == 1.0
    assert warm.price([0.5, 9.0, 0.75]) == pytest.approx(1.25)


def test_the_price_of_a_step_comes_from_the_steps_before_it():
    dual = Dual(mu=1.0, eta=2.0, slack=1.5)
    losses = [0.4, 1.1, 0.1]
    factors = [dual.at(step, 3, losses).retain_factor for step in range(3)]
    assert factors == [pytest.approx(dual.price(losses[:step])) for step in range(3)]
    assert dual.at(1, 3, losses[:1])[:3] == (1, 1, 1.0)
