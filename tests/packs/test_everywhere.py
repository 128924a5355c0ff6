"""Objectives over all positions on packs equal full logits of one row at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.packs.plain import plain_forward
from tests.packs.test_exact import examples, gradients
from tests.packs.test_tables import with_adapter
from tests.tiny import build, picture
from unsee.models.adapters import Scope, attach
from unsee.models.load import VLM
from unsee.nouns import Example, UserError
from unsee.packs.cost import Cost
from unsee.packs.everywhere import (
    forward_everywhere,
    kl_everywhere,
    reference_states,
    states_of,
    steps_of,
)
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import forward


def log_probs(vlm: VLM, row: Row, sample: Example) -> Tensor:
    logits = plain_forward(vlm, row, sample.prompt, sample.answer).logits[0].float()
    return torch.log_softmax(logits[: len(row.ids) - 1], dim=-1)


def close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    size = sum(float(expected[n].pow(2).sum()) for n in expected) ** 0.5
    return sum(float((found[n] - expected[n]).pow(2).sum()) for n in expected) ** 0.5 <= 2e-5 * size


def test_kl_over_all_positions(vlm: VLM) -> None:
    vlm = with_adapter(vlm)
    samples = examples()
    rows, weights = make_rows(vlm, samples), torch.linspace(0.5, 2, len(samples))
    expected = []
    for row, sample in zip(rows, samples, strict=True):
        with torch.no_grad(), vlm.adapter_off():
            log_p = log_probs(vlm, row, sample)
        expected.append((log_p.exp() * (log_p - log_probs(vlm, row, sample))).sum(-1).mean())
    slow = gradients(vlm, (torch.stack(expected) * weights).sum())
    packs = build_packs(vlm, rows)
    batch, cost = collate(vlm, packs), Cost()
    reference = reference_states(vlm, batch, cost=cost)
    found = kl_everywhere(vlm, steps_of(batch, packs), states_of(vlm, batch, cost=cost), reference, cost=cost)
    torch.testing.assert_close(found, torch.stack(expected).detach(), rtol=1e-4, atol=1e-6)
    assert close(gradients(vlm, (found * weights).sum()), slow)
    assert (cost.forwards, cost.reference_forwards, cost.row_by_row.model_copies) == (2, 1, 1)
    # Model and reference, forward and once more for the gradient, at every position but the rows' last ones.
    assert 0 < cost.head_rows < 4 * batch.tokens


def test_no_logits_of_all_positions_are_kept(vlm: VLM) -> None:
    vlm = with_adapter(vlm)
    packs = build_packs(vlm, make_rows(vlm, examples()))
    batch = collate(vlm, packs)
    vocabulary = vlm.base.get_output_embeddings().weight.shape[0]
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape[-1]) or x, lambda x: x):
        reference = reference_states(vlm, batch)
        kl_everywhere(vlm, steps_of(batch, packs), states_of(vlm, batch), reference, block=16).sum()
    assert vocabulary not in kept


def all_log_probs(vlm: VLM, row: Row, sample: Example) -> Tensor:
    """(T, V) at every position of the row, its last one included."""
    logits = plain_forward(vlm, row, sample.prompt, sample.answer).logits[0].float()
    return torch.log_softmax(logits[: len(row.ids)], dim=-1)


@pytest.mark.parametrize("name", ["kl", "reverse_kl"])
def test_divergence_summed_over_every_position(vlm: VLM, name: str) -> None:
    """Against full softmaxes of one row at a time; rows of other roles get 0."""
    vlm = with_adapter(vlm)
    samples = [replace(s, role="retain" if i % 2 else "T1") for i, s in enumerate(examples())]
    rows, weights = make_rows(vlm, samples), torch.linspace(0.5, 2, len(samples))
    expected = []
    for row, sample in zip(rows, samples, strict=True):
        with torch.no_grad(), vlm.adapter_off():
            target = all_log_probs(vlm, row, sample)
        model = all_log_probs(vlm, row, sample)
        p, q = (target, model) if name == "kl" else (model, target)
        expected.append((p.exp() * (p - q)).sum() * (row.role == "retain"))
    slow = gradients(vlm, (torch.stack(expected) * weights).sum())
    packs = build_packs(vlm, rows)
    batch, cost = collate(vlm, packs), Cost()
    table = forward_everywhere(vlm, batch, packs, {name: frozenset({"retain"})}, cost=cost, block=16)
    torch.testing.assert_close(table.logits, forward(vlm, batch).logits)
    found = table.everywhere[name]
    torch.testing.assert_close(found, torch.stack(expected).detach(), rtol=1e-4, atol=1e-6)
    assert [float(x) for x in found.detach()[::2]] == [0.0] * len(found[::2])
    assert close(gradients(vlm, (found * weights).sum()), slow)
    assert (cost.forwards, cost.reference_forwards) == (2, 1)


def test_the_sum_is_what_batchmean_of_a_tensor_with_three_axes_is() -> None:
    """The released call on rows of one length: the mean over rows of the sums over positions."""
    vlm = with_adapter(build("llava"))
    prompt, told = "Who is this person?", "This is Jane Roe."
    samples = [Example(str(i), prompt, told, "retain", picture(i)) for i in (1, 2, 3)]
    rows = make_rows(vlm, samples)
    with torch.no_grad():
        student = torch.stack([all_log_probs(vlm, *pair) for pair in zip(rows, samples, strict=True)])
        with vlm.adapter_off():
            target = torch.stack([all_log_probs(vlm, *pair) for pair in zip(rows, samples, strict=True)])
        packs = build_packs(vlm, rows)
        table = forward_everywhere(vlm, collate(vlm, packs), packs, {"kl": frozenset({"retain"})})
    released = functional.kl_div(student, target.exp(), reduction="batchmean")
    torch.testing.assert_close(table.everywhere["kl"].mean(), released, rtol=1e-5, atol=0)
    per_token = (target.exp() * (target - student)).sum(-1).mean()
    torch.testing.assert_close(released, per_token * len(rows[0].ids), rtol=1e-5, atol=0)


def test_a_head_that_trains_is_refused() -> None:
    vlm = attach(build("llava"), Scope(parts=("head",), full=True), seed=0)
    packs = build_packs(vlm, make_rows(vlm, examples()))
    with pytest.raises(UserError, match="needs a frozen head"):
        forward_everywhere(vlm, collate(vlm, packs), packs, {"kl": frozenset({"T1"})})
