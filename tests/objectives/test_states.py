"""States: by hand, by loops, and the direction that a seed gives."""

import math

import pytest
import torch

from unsee.objectives.states import random_direction, scaled_direction, state_error


def test_error_by_hand():
    states = torch.tensor([[1.0, 2.0], [0.0, -4.0]])
    target = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    assert state_error(states, target).tolist() == [2.0, 12.5]
    assert state_error(states, target, reduction="sum").tolist() == [4.0, 25.0]
    assert state_error(states, torch.tensor([1.0, 1.0])).tolist() == [0.5, 13.0]


def test_gradient_reaches_the_states_and_not_the_target():
    states = torch.tensor([[1.0, 2.0]], requires_grad=True)
    target = torch.tensor([[0.0, 0.0]], requires_grad=True)
    state_error(states, target, reduction="sum").sum().backward()
    assert states.grad.tolist() == [[2.0, 4.0]]
    assert target.grad is None


def test_half_precision_states_are_compared_in_float32():
    """The square of 300 is beyond float16."""
    states = torch.full((1, 4), 300.0, dtype=torch.float16)
    found = state_error(states, torch.zeros(4))
    assert found.dtype == torch.float32
    assert found.item() == 90000.0


@pytest.mark.parametrize("positive", [False, True])
def test_a_direction_is_a_unit_vector_of_its_seed(positive):
    one, two, other = (random_direction(64, seed, positive=positive) for seed in (5, 5, 6))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.norm().item() == pytest.approx(1.0, rel=1e-6)
    assert bool((one >= 0).all()) is positive


def test_positive_directions_are_nearly_parallel_and_free_ones_nearly_orthogonal():
    """E cos of two vectors of uniform [0, 1) entries is E[x]^2 / E[x^2] = (1/4) / (1/3)."""
    pairs = [
        [random_direction(4096, seed, positive=positive) for seed in (1, 2)] for positive in (True, False)
    ]
    positive, free = ((a @ b).item() for a, b in pairs)
    assert positive == pytest.approx(0.75, abs=0.02)
    assert abs(free) < 4 / math.sqrt(4096)


def test_scaled_by_hand():
    direction = torch.tensor([0.6, 0.8])
    torch.testing.assert_close(scaled_direction(direction, 10.0), torch.tensor([6.0, 8.0]))
    states = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    wanted = torch.tensor([[6.0, 8.0], [2.4, 3.2]])
    torch.testing.assert_close(scaled_direction(direction, 2.0, states), wanted)
