"""Shapes of the logits: by hand, by loops, and by what a gradient step does."""

import math

import pytest
import torch

from tests.objectives import slow
from unsee.objectives.shapes import confidence, entropy, margin


@pytest.fixture
def logits():
    return torch.randn(6, 9, generator=torch.Generator().manual_seed(1)) * 2


def test_entropy_by_hand():
    found = entropy(torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0], [80.0, 0.0]]))
    three_to_one = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    torch.testing.assert_close(found, torch.tensor([math.log(2), three_to_one, 0.0]))


def test_entropy_and_confidence_agree_with_loops(logits):
    for i, row in enumerate(logits.double().tolist()):
        p = slow.softmax(row)
        assert entropy(logits)[i].item() == pytest.approx(-sum(x * math.log(x) for x in p), rel=1e-5)
        to_uniform = sum(x * math.log(x * len(p)) for x in p)
        assert confidence(logits)[i].item() == pytest.approx(to_uniform, rel=1e-4)


def test_confidence_lies_between_nothing_and_log_v():
    found = confidence(torch.tensor([[2.0] * 5, [200.0, 0.0, 0.0, 0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([0.0, math.log(5)]), atol=1e-6, rtol=1e-6)


def test_margin_by_hand():
    found = margin(torch.tensor([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0], [-3.0, 0.0, 3.0]]))
    assert found.tolist() == [9.0, 0.0, 9.0]


def test_margin_ignores_a_shift(logits):
    torch.testing.assert_close(margin(logits + 7.0), margin(logits), rtol=1e-4, atol=1e-4)


def test_gradient_of_the_margin_by_hand():
    """d (max - mean)^2 = 2 (max - mean) (1[max] - 1/V): 6 * 2/3 at the largest, 6 * -1/3 elsewhere."""
    logits = torch.tensor([[1.0, 2.0, 6.0]], requires_grad=True)
    margin(logits).sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[-2.0, -2.0, 4.0]]))


@pytest.mark.parametrize("loss", [confidence, margin])
def test_descent_raises_the_entropy(logits, loss):
    leaf = logits.clone().requires_grad_()
    loss(leaf).sum().backward()
    assert (entropy(logits - 0.1 * leaf.grad) > entropy(logits)).all()


def test_half_precision_comes_in_and_float32_goes_out(logits):
    for shape in (entropy, confidence, margin):
        assert shape(logits.bfloat16()).dtype == torch.float32
        torch.testing.assert_close(shape(logits.bfloat16()), shape(logits), rtol=0.05, atol=0.05)
