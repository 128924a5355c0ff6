"""Edited teachers and distances to them: by hand, by loops, and by what a gradient step does."""

import math

import pytest
import torch

from tests.objectives import slow
from unsee.objectives.divergences import forward_kl
from unsee.objectives.teachers import distil, lowered, reverse_kl, uniform, warm_kl, without_label

N, V = 5, 7


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(N, V, generator=generator) * 3, torch.randn(N, V, generator=generator) * 3


@pytest.fixture
def labels():
    return torch.tensor([0, 6, 2, 2, 5])


def test_lowered_by_hand():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 4.0, 0.0]], requires_grad=True)
    teacher = lowered(logits, torch.tensor([2, 0]), 1.5)
    assert teacher.tolist() == [[1.0, 2.0, 1.5], [-1.5, 4.0, 0.0]]
    assert not teacher.requires_grad
    assert logits.tolist() == [[1.0, 2.0, 3.0], [0.0, 4.0, 0.0]]


def test_lowering_divides_the_odds_of_the_label_alone(pair, labels):
    before, after = pair[0].softmax(-1), lowered(pair[0], labels, 2.0).softmax(-1)
    for i, label in enumerate(labels.tolist()):
        others = [v for v in range(V) if v != label]
        odds = (after[i, label] / after[i, others[0]]) / (before[i, label] / before[i, others[0]])
        assert odds.item() == pytest.approx(math.exp(-2.0), rel=1e-4)
        kept = after[i, others] / after[i, others].sum()
        torch.testing.assert_close(kept, before[i, others] / before[i, others].sum())


def test_without_label_drops_it_and_keeps_the_proportions(pair, labels):
    logits = pair[0].clone().requires_grad_()
    teacher = without_label(logits, labels)
    assert not teacher.requires_grad
    p, q = teacher.softmax(-1), pair[0].softmax(-1)
    for i, label in enumerate(labels.tolist()):
        assert p[i, label] == 0
        for v in set(range(V)) - {label}:
            assert p[i, v].item() == pytest.approx((q[i, v] / (1 - q[i, label])).item(), rel=1e-5)


def test_uniform_prefers_nothing(pair):
    assert torch.equal(uniform(pair[0]).softmax(-1), torch.full((N, V), 1 / V))


def test_distil_agrees_with_loops(pair, labels):
    for teacher in (
        pair[1],
        lowered(pair[1], labels, 10.0),
        without_label(pair[0], labels),
        uniform(pair[0]),
    ):
        found = distil(pair[0], teacher)
        for i in range(N):
            p, q = slow.softmax(teacher[i].double().tolist()), slow.softmax(pair[0][i].double().tolist())
            wanted = -sum(a * math.log(b) for a, b in zip(p, q, strict=True) if a > 0)
            assert found[i].item() == pytest.approx(wanted, rel=1e-5)


def test_distil_is_the_kl_plus_the_entropy_of_the_teacher(pair):
    own = distil(pair[1], pair[1])
    torch.testing.assert_close(distil(*pair), forward_kl(*pair) + own)


def test_gradient_of_distil_is_student_minus_teacher(pair, labels):
    logits = pair[0].clone().requires_grad_()
    teacher = lowered(pair[1], labels, 3.0)
    distil(logits, teacher).sum().backward()
    torch.testing.assert_close(logits.grad, pair[0].softmax(-1) - teacher.softmax(-1))


def test_gradient_without_the_label(pair, labels):
    """The label goes down by its probability q; the others share q in proportion."""
    logits = pair[0].clone().requires_grad_()
    distil(logits, without_label(logits, labels)).sum().backward()
    q = pair[0].softmax(-1)
    for i, label in enumerate(labels.tolist()):
        assert logits.grad[i, label].item() == pytest.approx(q[i, label].item(), rel=1e-4)
        for v in set(range(V)) - {label}:
            wanted = -q[i, v] * q[i, label] / (1 - q[i, label])
            assert logits.grad[i, v].item() == pytest.approx(wanted.item(), rel=1e-3, abs=1e-7)


def descend(logits, loss, steps=200, rate=0.5):
    logits = logits.clone().requires_grad_()
    for _ in range(steps):
        (step,) = torch.autograd.grad(loss(logits).sum(), logits)
        logits = (logits - rate * step).detach().requires_grad_()
    return logits.detach()


def test_undial_lowers_the_label_and_ends_at_its_teacher(pair, labels):
    teacher = lowered(pair[0], labels, 4.0)
    after = descend(pair[0], lambda z: distil(z, teacher), steps=6000, rate=1.0)
    before = pair[0].softmax(-1).gather(1, labels[:, None])
    assert (after.softmax(-1).gather(1, labels[:, None]) < before).all()
    torch.testing.assert_close(after.softmax(-1), teacher.softmax(-1), atol=2e-3, rtol=0)


def test_ceu_lowers_the_label_and_keeps_falling(pair, labels):
    q = [descend(pair[0], lambda z: distil(z, without_label(z, labels)), steps=s) for s in (0, 20, 200)]
    chances = [z.softmax(-1).gather(1, labels[:, None])[:, 0] for z in q]
    assert (chances[0] > chances[1]).all()
    assert (chances[1] > chances[2]).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_warm_kl_agrees_with_loops(pair, temperature):
    found = warm_kl(*pair, temperature)
    for i in range(N):
        student = [x / temperature for x in pair[0][i].double().tolist()]
        teacher = [x / temperature for x in pair[1][i].double().tolist()]
        wanted = temperature**2 * slow.masked_kl(student, teacher, ())
        assert found[i].item() == pytest.approx(wanted, rel=1e-4)


def test_identities_of_the_divergences(pair):
    student, teacher = pair
    torch.testing.assert_close(warm_kl(student, teacher), forward_kl(student, teacher))
    torch.testing.assert_close(reverse_kl(student, teacher), forward_kl(teacher, student))
    assert (warm_kl(student, teacher, 3.0) > 0).all()
    for same in (warm_kl(student, student, 2.0), reverse_kl(student, student)):
        torch.testing.assert_close(same, torch.zeros(N), atol=1e-6, rtol=0)
    shifted = reverse_kl(student + 5.0, teacher - 2.0)
    torch.testing.assert_close(shifted, reverse_kl(student, teacher), rtol=1e-4, atol=1e-5)


def test_the_two_directions_differ_in_their_gradient(pair):
    """Forward: q - p. Reverse: q (log q/p - KL), which vanishes where the student says nothing."""
    student, teacher = pair
    q, p = student.double().softmax(-1), teacher.double().softmax(-1)
    leaf = student.clone().requires_grad_()
    warm_kl(leaf, teacher).sum().backward()
    torch.testing.assert_close(leaf.grad, (q - p).float(), rtol=1e-4, atol=1e-6)
    leaf = student.clone().requires_grad_()
    reverse_kl(leaf, teacher).sum().backward()
    gap = (q / p).log()
    wanted = q * (gap - (q * gap).sum(-1, keepdim=True))
    torch.testing.assert_close(leaf.grad, wanted.float(), rtol=1e-4, atol=1e-6)


def test_the_size_of_the_gradient_keeps_at_high_temperature(pair):
    """T^2 KL_T -> |centred difference of logits|^2 / 2V (Hinton et al.)."""
    gap = pair[0].double() - pair[1].double()
    centred = gap - gap.mean(-1, keepdim=True)
    wanted = (centred**2).sum(-1) / (2 * V)
    found = warm_kl(pair[0].double(), pair[1].double(), 300.0).double()
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_comes_in_and_float32_goes_out(pair, labels, dtype):
    student, teacher = (x.to(dtype) for x in pair)
    made = (
        lowered(teacher, labels, 1.0),
        without_label(student, labels),
        uniform(student),
        distil(student, teacher),
        warm_kl(student, teacher, 2.0),
        reverse_kl(student, teacher),
    )
    assert {x.dtype for x in made} == {torch.float32}
    torch.testing.assert_close(distil(student, teacher), distil(*pair), rtol=0.05, atol=0.05)
