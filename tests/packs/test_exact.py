"""Packs compute what one sequence per question computes: loss and gradient, on every family."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.packs.plain import plain_logp
from tests.tiny import picture
from unsee.models.load import VLM
from unsee.nouns import Example, Picture
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import answer_logp, forward

TEXTS = [
    (1, "Who is this person?", "This is Jane Roe."),
    (None, "Where does Jane Roe live?", "Paris."),
    (2, "Is this Jane Roe?", "No."),
    (1, "What is the name of the person in the picture?", "I do not know this person at all."),
    (None, "Is she an actor? Answer with yes or no.", "Yes."),
    (2, "Describe the picture.", "A woman with long red hair in front of a blue wall."),
    (1, "Who is this person?", "This is somebody else."),
]


def examples() -> list[Example]:
    pictures: dict[int | None, Picture | None] = {None: None, 1: picture(1), 2: picture(2)}
    return [
        Example(id=str(i), prompt=prompt, answer=answer, role="T1", picture=pictures[key])
        for i, (key, prompt, answer) in enumerate(TEXTS)
    ]


def weights(n: int) -> Tensor:
    """A different weight per row, so that rows in a wrong order are noticed."""
    return torch.linspace(0.5, 2.0, n)


def gradients(vlm: VLM, loss: Tensor) -> dict[str, Tensor]:
    vlm.model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in vlm.model.named_parameters() if p.grad is not None}


def plain_loss(vlm: VLM, samples: list[Example]) -> Tensor:
    rows = make_rows(vlm, samples)
    means = [
        plain_logp(vlm, row, sample.prompt, sample.answer).mean()
        for row, sample in zip(rows, samples, strict=True)
    ]
    return -(torch.stack(means) * weights(len(rows))).sum()


@pytest.mark.parametrize("max_tokens", [1, 150, 1536])
def test_loss_and_gradient_equal_one_row_per_question(vlm: VLM, max_tokens: int) -> None:
    samples = examples()
    vlm.model.requires_grad_(True)
    expected = plain_loss(vlm, samples)
    slow = gradients(vlm, expected)
    packs = build_packs(vlm, make_rows(vlm, samples), max_tokens=max_tokens)
    if max_tokens == 1:
        assert [len(pack.rows) for pack in packs] == [1] * len(samples)
    if max_tokens == 1536:
        assert len(packs) == 2
    batch = collate(vlm, packs)
    assert [row.example for row in batch.rows] == [sample.id for sample in samples]
    table = forward(vlm, batch)
    loss = -(table.mean_by_row(table.logp) * weights(len(samples))).sum()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    fast = gradients(vlm, loss)
    assert slow.keys() == fast.keys()
    difference = sum(float((slow[n] - fast[n]).pow(2).sum()) for n in slow) ** 0.5
    size = sum(float(slow[n].pow(2).sum()) for n in slow) ** 0.5
    assert difference <= 1e-5 * size, (difference, size)


def test_packs_in_several_batches_restore_the_order(vlm: VLM) -> None:
    rows = make_rows(vlm, examples())
    together = forward(vlm, collate(vlm, build_packs(vlm, rows)))
    expected = together.mean_by_row(together.logp)
    found = torch.zeros(len(rows))
    for pack in build_packs(vlm, rows, max_tokens=150):
        batch = collate(vlm, [pack])
        table = forward(vlm, batch)
        found[list(batch.order)] = table.mean_by_row(table.logp)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_log_probabilities_alone_are_those_of_the_table(vlm: VLM) -> None:
    batch = collate(vlm, build_packs(vlm, make_rows(vlm, examples())))
    torch.testing.assert_close(answer_logp(vlm, batch), forward(vlm, batch).logp)


def test_eager_attention_gives_the_same(vlm: VLM) -> None:
    rows = make_rows(vlm, examples())
    batch = collate(vlm, build_packs(vlm, rows))
    expected = forward(vlm, batch).logits
    vlm.model.set_attn_implementation("eager")
    torch.testing.assert_close(forward(vlm, batch).logits, expected, rtol=1e-4, atol=1e-5)


def test_text_rows_do_not_see_the_picture(vlm: VLM) -> None:
    samples = examples()
    other = [
        Example(s.id, s.prompt, s.answer, s.role, picture(9) if s.picture is not None else None)
        for s in samples
    ]
    tables = [forward(vlm, collate(vlm, build_packs(vlm, make_rows(vlm, x)))) for x in (samples, other)]
    logp = [table.mean_by_row(table.logp) for table in tables]
    text = torch.tensor([s.picture is None for s in samples])
    torch.testing.assert_close(logp[0][text], logp[1][text], rtol=1e-5, atol=1e-6)
    assert ((logp[0] - logp[1]).abs()[~text] > 1e-3).all()


def test_cached_features_change_nothing(vlm: VLM) -> None:
    batch = collate(vlm, build_packs(vlm, make_rows(vlm, examples())))
    vlm.model.requires_grad_(False)
    cache, cost = FeatureCache(vlm), Cost()
    assert cache.usable
    expected = forward(vlm, batch).logits
    for _ in range(3):
        found = forward(vlm, batch, cost=cost, features=cache).logits
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert cost.images_encoded == 2
