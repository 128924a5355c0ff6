"""Token weights and preference losses: by hand, by loops, and as identities between methods."""

import math

import pytest
import torch

from tests.objectives import slow
from unsee.objectives import (
    answer_nll,
    batch_preference_loss,
    clear_npo,
    preference_loss,
    preference_weight,
    probability_weight,
    sum_by_row,
    token_logp,
    weighted_logp,
)

ROW = torch.tensor([0, 0, 0, 1, 1])
LABELS = torch.tensor([3, 0, 6, 5, 5])


def logits(seed):
    return torch.randn(5, 7, generator=torch.Generator().manual_seed(seed)) * 2


def spans(values):
    """Numbers per token as lists per row."""
    return [values[:3], values[3:]]


def test_probability_weight_by_hand():
    logp = torch.tensor([0.5, 0.25]).log().requires_grad_()
    torch.testing.assert_close(probability_weight(logp, 2.0), torch.tensor([0.25, 0.0625]))
    torch.testing.assert_close(probability_weight(logp, 1.0, 2.0), torch.tensor([0.125, 0.25 * 0.5625]))
    assert probability_weight(logp, 0.0).tolist() == [1, 1]
    assert not probability_weight(logp, 2.0, 1.0).requires_grad


def test_a_certain_token_has_weight_one_for_wga_and_none_for_satimp():
    certain = torch.zeros(1)
    assert probability_weight(certain, 3.0).item() == 1
    assert probability_weight(certain, 3.0, 1.0).item() == 0


@pytest.mark.parametrize(("reduction", "expected"), [("sum", [-4.0, -3.0]), ("mean", [-4.0 / 3, -1.5])])
def test_weighted_logp_by_hand(reduction, expected):
    logp = torch.tensor([-1.0, -2.0, -3.0, -4.0, -1.0], requires_grad=True)
    weight = torch.tensor([2.0, 1.0, 0.0, 0.5, 1.0], requires_grad=True)
    found = weighted_logp(logp, weight, ROW, 2, reduction=reduction)
    torch.testing.assert_close(found, torch.tensor(expected))
    found.sum().backward()
    share = torch.tensor([3.0, 3.0, 3.0, 2.0, 2.0]) if reduction == "mean" else torch.ones(5)
    torch.testing.assert_close(logp.grad, weight.detach() / share)
    assert weight.grad is None


def test_preference_loss_by_hand():
    found = preference_loss(torch.tensor([0.0, math.log(3.0), -math.log(3.0)]), 1.0)
    torch.testing.assert_close(found, 2 * torch.tensor([2.0, 4.0, 4.0 / 3.0]).log())
    assert preference_loss(torch.zeros(()), 0.1).item() == pytest.approx(20 * math.log(2))


def test_preference_loss_is_finite_far_away():
    found = preference_loss(torch.tensor([1e6, -1e6]), 0.5)
    torch.testing.assert_close(found, torch.tensor([2e6, 0.0]))


def test_preference_loss_needs_a_positive_beta():
    with pytest.raises(AssertionError, match="0"):
        preference_loss(torch.zeros(1), 0.0)


@pytest.mark.parametrize("beta", [0.05, 0.4, 4.5])
def test_preference_weight_is_the_slope(beta):
    excess = torch.linspace(-4, 4, 17, dtype=torch.float64, requires_grad=True)
    preference_loss(excess, beta).sum().backward()
    torch.testing.assert_close(preference_weight(excess, beta), excess.grad, rtol=0, atol=1e-12)
    p, reference = (0.3, 0.8)
    closed = 2 * p**beta / (p**beta + reference**beta)
    found = preference_weight(torch.tensor(math.log(p / reference), dtype=torch.float64), beta)
    assert found.item() == pytest.approx(closed, rel=1e-9)


def test_npo_and_its_gradient_by_loops():
    beta, student, reference = 0.3, logits(0).requires_grad_(), logits(1)
    gap = token_logp(student, LABELS) - token_logp(reference, LABELS)
    losses = preference_loss(sum_by_row(gap, ROW, 2), beta)
    losses.sum().backward()

    def logp(table):
        rows = table.detach().double().tolist()
        return spans([-slow.nll(z, y) for z, y in zip(rows, LABELS.tolist(), strict=True)])

    chances = [slow.softmax(z) for z in student.detach().double().tolist()]
    for r, (mine, theirs) in enumerate(zip(logp(student), logp(reference), strict=True)):
        ratio = math.exp(sum(mine) - sum(theirs))
        assert losses[r].item() == pytest.approx(2 / beta * math.log(1 + ratio**beta), rel=1e-5)
        weight = 2 * ratio**beta / (ratio**beta + 1)
        for t in (r == ROW).nonzero()[:, 0].tolist():
            for v in range(7):
                expected = weight * ((v == LABELS[t].item()) - chances[t][v])
                assert student.grad[t, v].item() == pytest.approx(expected, abs=1e-6)


def test_npo_becomes_ascent_for_small_beta():
    climbed, ascended = (logits(0).requires_grad_() for _ in range(2))
    gap = token_logp(climbed, LABELS) - token_logp(logits(1), LABELS)
    preference_loss(sum_by_row(gap, ROW, 2), 1e-6).sum().backward()
    (-answer_nll(ascended, LABELS, ROW, 2, reduction="sum")).sum().backward()
    torch.testing.assert_close(climbed.grad, ascended.grad, rtol=0, atol=2e-5)


def test_batch_preference_loss_is_one_scalar():
    beta = 0.4
    logp = torch.tensor([-3.5, -3.5], requires_grad=True)
    reference = torch.tensor([-6.0, -2.0])
    values = batch_preference_loss(logp, reference, torch.tensor([3.0, 2.0]), beta)
    scalar = 2 / beta * math.log(1 + math.exp(beta * (-7.0 + 8.0) / 5))
    torch.testing.assert_close(values, torch.tensor([3 * scalar, 2 * scalar]))
    (values.sum() / 5).backward()
    weight = 2 / (1 + math.exp(-beta / 5)) / 5
    torch.testing.assert_close(logp.grad, torch.full((2,), weight))


def test_the_batch_ratio_differs_from_a_ratio_per_row():
    """One row far above the reference and one far below: the released scalar sees no difference at all."""
    logp, reference = torch.tensor([-1.0, -9.0]), torch.tensor([-9.0, -1.0])
    released = batch_preference_loss(logp, reference, torch.ones(2), 1.0)
    torch.testing.assert_close(released, torch.full((2,), 2 * math.log(2)))
    per_row = preference_loss(logp - reference, 1.0)
    assert per_row[0] > 15
    assert per_row[1] < 1e-2


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_clear_npo_by_loops(beta):
    student, reference = logits(0), logits(1)
    expected = []
    for mine, theirs in zip(student.double().tolist(), reference.double().tolist(), strict=True):
        ratios = [p / (q + 1e-8) for p, q in zip(slow.softmax(mine), slow.softmax(theirs), strict=True)]
        expected.append(sum(2 / beta * math.log(1 + x**beta) for x in ratios) / len(ratios))
    found = clear_npo(student, reference, ROW, 2, beta)
    assert found.tolist() == pytest.approx([sum(part) for part in spans(expected)], rel=1e-5)


def test_clear_npo_never_looks_at_the_answer_and_sharpens():
    """At the reference its gradient is 1/V - p: descent raises whatever is likely."""
    student = logits(0).requires_grad_()
    clear_npo(student, student.detach(), ROW, 2, 1.0).sum().backward()
    expected = 1 / 7 - torch.softmax(student.detach(), dim=-1)
    torch.testing.assert_close(student.grad, expected, rtol=0, atol=1e-5)  # the 1e-8 in the ratio


def test_descent_on_clear_npo_raises_a_known_answer_and_npo_lowers_it():
    known = torch.zeros(5, 7).scatter(1, LABELS[:, None], 3.0)
    before = token_logp(known, LABELS)
    after = {}
    for name in ("clear", "npo"):
        student = known.clone().requires_grad_()
        for _ in range(5):
            gap = sum_by_row(token_logp(student, LABELS) - before, ROW, 2)
            clear = clear_npo(student, known, ROW, 2, 1.0)
            loss = clear.sum() if name == "clear" else preference_loss(gap, 0.1).sum()
            (slope,) = torch.autograd.grad(loss, student)
            student = (student - 0.5 * slope).detach().requires_grad_()
        after[name] = token_logp(student.detach(), LABELS)
    assert (after["clear"] > before + 0.05).all()
    assert (after["npo"] < before - 0.05).all()
