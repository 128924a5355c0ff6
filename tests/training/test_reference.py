"""The kept reference equals the computed one, and both are the target."""

import pytest
import torch

from tests.tiny import build
from tests.training.rows import SCOPE, examples
from unsee.models.adapters import attach
from unsee.packs.cost import Cost
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.reference import make_reference, table_bytes


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_kept_equals_computed(family):
    target = build(family)
    rows = make_rows(target, examples())
    whole = collate(target, build_packs(target, rows))
    with torch.no_grad():
        before = forward(target, whole).logits
    vlm = attach(target, SCOPE, seed=0)
    with torch.no_grad():
        for name, weight in vlm.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    cost = Cost()
    sizes = {"pack_tokens": 1536, "forward_tokens": 8192, "cost": cost}
    kept = make_reference(vlm, rows, max_bytes=2**30, **sizes)
    computed = make_reference(vlm, rows, max_bytes=0, **sizes)
    assert len(kept.kept) == len(rows)
    assert not computed.kept
    assert torch.equal(computed(vlm, whole).logits, before)
    with torch.no_grad():
        assert not torch.allclose(forward(vlm, whole).logits, before, atol=1e-3)
    forwards = cost.forwards
    torch.testing.assert_close(kept(vlm, whole).logits, before, rtol=1e-4, atol=1e-4)
    part = collate(vlm, build_packs(vlm, [rows[8], rows[0], rows[4]]))
    table = kept(vlm, part)
    assert cost.forwards == forwards
    student = computed(vlm, part)
    torch.testing.assert_close(table.logits, student.logits, rtol=1e-4, atol=1e-4)
    assert torch.equal(table.labels, student.labels)
    assert torch.equal(table.row, student.row)
    assert [row.example for row in table.rows] == ["anchor-0", "T1-0", "T4-0"]


def test_size_is_counted():
    vlm = build("llava")
    rows = make_rows(vlm, examples()[:2])
    vocabulary = vlm.base.get_output_embeddings().weight.shape[0]
    assert table_bytes(vlm, rows) == sum(len(row.labels) for row in rows) * vocabulary * 4
