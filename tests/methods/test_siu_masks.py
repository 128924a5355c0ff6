"""The two masks of SIU switched off: the KL of each row against a plain double sum over the vocabulary."""

from __future__ import annotations

import math

import pytest
import torch

from tests.tiny import picture
from unsee.methods.siu import SIU, dual_masked_loss
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

VOCABULARY, BANNED = 6, frozenset({1, 4})
ROWS = (
    Row("a", "T1", (0, 1, 2, 3), 1, (True, False, True), picture(1), (0, 1), BANNED),
    Row("b", "T2", (0, 4, 5), 1, (False, False), picture(1), (0, 1), BANNED),
)


def tables() -> tuple[TokenTable, TokenTable]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([1, 2, 3, 4, 5])
    row, keep = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([True, False, True, False, False])
    logits = [torch.randn(5, VOCABULARY, generator=generator) for _ in range(2)]
    student, reference = (TokenTable(each, labels, row, keep, ROWS) for each in logits)
    return student, reference


def plain(
    student: TokenTable, reference: TokenTable, keep: list[bool], banned: frozenset[int]
) -> list[float]:
    """Mean over kept positions of the sum over the vocabulary; 0 where no position is kept."""
    found = []
    for r in range(2):
        values = []
        for i in (i for i in range(5) if int(student.row[i]) == r and keep[i]):
            p, q = (t.logits[i].double().softmax(0).tolist() for t in (reference, student))
            values.append(sum(p[v] * math.log(p[v] / q[v]) for v in range(VOCABULARY) if v not in banned))
        found.append(sum(values) / len(values) if values else 0.0)
    return found


@pytest.mark.parametrize("token_mask", [True, False])
@pytest.mark.parametrize("vocabulary_mask", [True, False])
def test_each_mask_alone(token_mask: bool, vocabulary_mask: bool) -> None:
    student, reference = tables()
    knobs = SIU(token_mask=token_mask, vocabulary_mask=vocabulary_mask)
    keep = student.keep.tolist() if token_mask else [True] * 5
    wanted = plain(student, reference, keep, BANNED if vocabulary_mask else frozenset())
    assert dual_masked_loss(student, reference, knobs).tolist() == pytest.approx(wanted, abs=1e-6)
