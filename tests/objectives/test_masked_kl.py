"""Identities of the dual-masked KL, hand-worked numbers, and agreement with a slow implementation."""

import math

import pytest
import torch

from tests.objectives import slow
from unsee.objectives import (
    concept_mass,
    dual_masked_kl,
    forward_kl,
    masked_kl,
    misaligned_keep,
    released_kl,
)


def logits_of(*probabilities):
    return torch.tensor([list(probabilities)], dtype=torch.float64).log()


def ban(size, *ids):
    mask = torch.zeros(1, size, dtype=torch.bool)
    mask[0, list(ids)] = True
    return mask


@pytest.fixture
def table():
    generator = torch.Generator().manual_seed(3)
    student = torch.randn(9, 7, generator=generator) * 2
    reference = torch.randn(9, 7, generator=generator) * 2
    row = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2])
    keep = torch.tensor([True, False, True, True, True, False, True, False, False])
    banned = torch.zeros(3, 7, dtype=torch.bool)
    banned[0, [1, 4]] = True
    banned[1, 6] = True
    banned[2, 0] = True
    return student, reference, keep, banned, row


def test_forward_kl_by_hand():
    # p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): 1/2 ln 2 + 0 - 1/4 ln 2 = 1/4 ln 2
    value = forward_kl(logits_of(0.25, 0.25, 0.5), logits_of(0.5, 0.25, 0.25))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(0.25 * math.log(2), rel=1e-6)


def test_masked_kl_by_hand():
    student, reference = logits_of(0.25, 0.25, 0.5), logits_of(0.5, 0.25, 0.25)
    # without token 0: 0 + 1/4 ln(1/2)
    assert masked_kl(student, reference, ban(3, 0)).item() == pytest.approx(-0.25 * math.log(2), rel=1e-6)
    # renormalised: p' = (1/2, 1/2), q' = (1/3, 2/3): 1/2 ln(3/2) + 1/2 ln(3/4)
    expected = 0.5 * math.log(1.5) + 0.5 * math.log(0.75)
    found = masked_kl(student, reference, ban(3, 0), renormalise=True).item()
    assert found == pytest.approx(expected, rel=1e-6)


def test_no_ban_is_the_plain_kl(table):
    student, reference, *_ = table
    nothing = torch.zeros(9, 7, dtype=torch.bool)
    torch.testing.assert_close(masked_kl(student, reference, nothing), forward_kl(student, reference))
    renormalised = masked_kl(student, reference, nothing, renormalise=True)
    torch.testing.assert_close(renormalised, forward_kl(student, reference))


def test_minimum_is_reached_with_the_name_at_zero():
    reference = logits_of(0.334, 0.4, 0.266)
    best = torch.tensor([[-1e4, math.log(0.4 / 0.666), math.log(0.266 / 0.666)]])
    bound = 0.666 * math.log(0.666)
    assert bound == pytest.approx(-0.271, abs=5e-4)
    assert masked_kl(best, reference, ban(3, 0)).item() == pytest.approx(bound, rel=1e-5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        other = torch.randn(1, 3, generator=generator) * 3
        assert masked_kl(other, reference, ban(3, 0)).item() >= bound - 1e-6


def test_gradient_at_the_reference_pushes_the_name_down():
    p = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    student = p.log().requires_grad_()
    value = masked_kl(student, p.log(), ban(4, 0, 2))
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    (gradient,) = torch.autograd.grad(value.sum(), student)
    # p_C = 0.4: (1 - p_C) p_c for the name, -p_C p_v for the rest
    expected = torch.tensor([[0.6 * 0.1, -0.4 * 0.2, 0.6 * 0.3, -0.4 * 0.4]])
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-7)


def test_renormalised_gives_the_name_no_gradient(table):
    student, reference, _, banned, row = table
    student = student.clone().requires_grad_()
    masked_kl(student, reference, banned[row], renormalise=True).sum().backward()
    assert student.grad[banned[row]].abs().max() == 0
    assert student.grad.abs().max() > 0


def test_kl_cross_entropy_and_released_form_share_their_gradient(table):
    student, reference, _, banned, row = table
    gradients = []
    for loss in (masked_kl, released_kl):
        leaf = student.clone().requires_grad_()
        loss(leaf, reference, banned[row]).sum().backward()
        gradients.append(leaf.grad)
    leaf = student.clone().requires_grad_()
    p = torch.softmax(reference, -1).masked_fill(banned[row], 0.0)
    (-(p * torch.log_softmax(leaf, -1)).sum()).backward()
    torch.testing.assert_close(gradients[0], leaf.grad, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradients[1], leaf.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("renormalise", [False, True])
def test_gradient_agrees_with_finite_differences(table, renormalise):
    student, reference, _, banned, row = table
    leaf = student[:4].clone().requires_grad_()
    masked_kl(leaf, reference[:4], banned[row][:4], renormalise=renormalise).sum().backward()
    step = 1e-5
    for i in range(4):
        ids = set(banned[row][i].nonzero().flatten().tolist())
        for v in range(7):
            up, down = student[i].double().tolist(), student[i].double().tolist()
            up[v] += step
            down[v] -= step
            teacher = reference[i].double().tolist()
            slope = slow.masked_kl(up, teacher, ids, renormalise) - slow.masked_kl(
                down, teacher, ids, renormalise
            )
            assert leaf.grad[i, v].item() == pytest.approx(slope / (2 * step), abs=2e-5)


def loop(table, variant, renormalise=False):
    """Per-row values by Python loops in float64."""
    student, reference, keep, banned, row = table
    totals = []
    for r in range(banned.shape[0]):
        ids = set(banned[r].nonzero().flatten().tolist())
        values = []
        for i in range(len(row)):
            if row[i] != r or not keep[i]:
                continue
            pair = student[i].double().tolist(), reference[i].double().tolist()
            if variant == "released_code":
                values.append(slow.released_kl(*pair, ids) / student.shape[1])
            else:
                values.append(slow.masked_kl(*pair, ids, renormalise))
        total = sum(values)
        totals.append(total / max(1, len(values)) if variant == "corrected" else total)
    return torch.tensor(totals, dtype=torch.float32)


@pytest.mark.parametrize("variant", ["paper", "released_code", "corrected"])
def test_rows_agree_with_the_slow_implementation(table, variant):
    torch.testing.assert_close(
        dual_masked_kl(*table, variant=variant), loop(table, variant), rtol=1e-5, atol=1e-6
    )


def test_renormalised_rows_agree_with_the_slow_implementation(table):
    found = dual_masked_kl(*table, renormalise=True)
    torch.testing.assert_close(found, loop(table, "corrected", renormalise=True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant", ["paper", "released_code", "corrected"])
def test_a_row_masked_everywhere_is_zero_without_nan(table, variant):
    student, reference, keep, banned, row = table
    student = student.clone().requires_grad_()
    value = dual_masked_kl(student, reference, keep, banned, row, variant=variant)
    assert value[2].item() == 0
    value.sum().backward()
    assert torch.isfinite(student.grad).all()
    assert student.grad[row == 2].abs().max() == 0
    everything = dual_masked_kl(student, reference, torch.zeros_like(keep), banned, row, variant=variant)
    assert everything.tolist() == [0, 0, 0]


def test_masked_tokens_may_hold_nan(table):
    student, reference, keep, banned, row = table
    student = torch.where(keep[:, None], student, torch.nan)
    assert torch.isfinite(dual_masked_kl(student, reference, keep, banned, row)).all()


def test_released_normaliser_is_the_vocabulary():
    """Mean per token / released value = V: 32000 for LLaVA-1.5."""
    generator = torch.Generator().manual_seed(1)
    student, reference = torch.randn(2, 2, 32000, generator=generator)
    banned = torch.zeros(1, 32000, dtype=torch.bool)
    keep, row = torch.ones(2, dtype=torch.bool), torch.zeros(2, dtype=torch.long)
    per_token = released_kl(student, reference, banned[row]).mean()
    released = dual_masked_kl(student, reference, keep, banned, row, variant="released_code").sum() / 2
    assert (per_token / released).item() == pytest.approx(32000.0, rel=1e-5)


def test_misaligned_keep_is_one_late_within_each_row():
    keep = torch.tensor([False, True, True, True, False, False])
    row = torch.tensor([0, 0, 0, 1, 1, 1])
    assert misaligned_keep(keep, row).tolist() == [True, False, True, True, True, False]


def test_mass_threshold_masks_positions_full_of_the_name():
    reference = torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]).log()
    student = torch.tensor([[0.2, 0.4, 0.4], [0.3, 0.3, 0.4]]).log()
    banned, row = ban(3, 0), torch.tensor([0, 0])
    torch.testing.assert_close(concept_mass(reference, banned[row]), torch.tensor([0.8, 0.2]))
    keep = torch.tensor([True, True])
    only_second = torch.tensor([False, True])
    torch.testing.assert_close(
        dual_masked_kl(student, reference, keep, banned, row, mass_threshold=0.5),
        dual_masked_kl(student, reference, only_second, banned, row),
    )


def test_half_precision_is_computed_in_float32():
    generator = torch.Generator().manual_seed(2)
    student, reference = (torch.randn(2, 5, 1000, generator=generator) * 4).to(torch.bfloat16)
    none = torch.zeros(5, 1000, dtype=torch.bool)
    value = masked_kl(student, reference, none)
    pairs = zip(student.double().tolist(), reference.double().tolist(), strict=True)
    exact = [slow.masked_kl(s, r, ()) for s, r in pairs]
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, torch.tensor(exact, dtype=torch.float32), rtol=1e-5, atol=1e-5)


def test_extreme_logits_stay_finite():
    student = torch.tensor([[300.0, -300.0, 0.0]], requires_grad=True)
    reference = torch.tensor([[-300.0, 300.0, -torch.inf]])
    value = masked_kl(student, reference, ban(3, 0))
    value.sum().backward()
    assert value.item() == pytest.approx(600.0)
    assert torch.isfinite(student.grad).all()


def test_reference_gets_no_gradient(table):
    student, reference, keep, banned, row = table
    reference = reference.clone().requires_grad_()
    value = dual_masked_kl(student.clone().requires_grad_(), reference, keep, banned, row)
    value.sum().backward()
    assert reference.grad is None
