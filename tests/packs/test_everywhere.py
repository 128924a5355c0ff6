"""Objectives over all positions on packs equal full logits of one row at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.packs.plain import plain_forward
from tests.packs.test_exact import examples, gradients
from tests.packs.test_tables import with_adapter
from unsee.models.load import VLM
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.everywhere import kl_everywhere, nll_everywhere, reference_states, states_of, steps_of
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows


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


def test_likelihood_of_all_tokens(vlm: VLM) -> None:
    vlm = with_adapter(vlm)
    samples = examples()
    rows, weights = make_rows(vlm, samples), torch.linspace(0.5, 2, len(samples))
    expected = torch.stack([
        -log_probs(vlm, row, sample).gather(1, torch.tensor(row.ids[1:])[:, None]).mean()
        for row, sample in zip(rows, samples, strict=True)
    ])  # fmt: skip
    slow = gradients(vlm, (expected * weights).sum())
    packs = build_packs(vlm, rows)
    batch = collate(vlm, packs)
    found = nll_everywhere(vlm, steps_of(batch, packs), states_of(vlm, batch), block=16)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-6)
    assert close(gradients(vlm, (found * weights).sum()), slow)


def test_no_logits_of_all_positions_are_kept(vlm: VLM) -> None:
    vlm = with_adapter(vlm)
    packs = build_packs(vlm, make_rows(vlm, examples()))
    batch = collate(vlm, packs)
    vocabulary = vlm.base.get_output_embeddings().weight.shape[0]
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape[-1]) or x, lambda x: x):
        nll_everywhere(vlm, steps_of(batch, packs), states_of(vlm, batch), block=16).sum()
    assert vocabulary not in kept
