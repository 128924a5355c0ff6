"""The kept reference equals the computed one, and both are the target."""

from dataclasses import replace

import pytest
import torch

from tests.tiny import build
from tests.training.rows import SCOPE, examples
from unsee.methods.parts import Teacher
from unsee.models.adapters import attach
from unsee.packs.cost import Cost
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.reference import kept_bytes, make_reference


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
    torch.testing.assert_close(computed(vlm, rows).logits, before, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        assert not torch.allclose(forward(vlm, whole).logits, before, atol=1e-3)
    forwards = cost.forwards
    torch.testing.assert_close(kept(vlm, rows).logits, before, rtol=1e-4, atol=1e-4)
    part = [rows[8], rows[0], rows[4]]
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
    width = vlm.base.get_input_embeddings().weight.shape[1]
    tokens = sum(len(row.labels) for row in rows)
    assert kept_bytes(vlm, rows) == tokens * width * 4
    assert kept_bytes(vlm, rows, layers=(0, 1)) == 3 * tokens * width * 4


@pytest.mark.parametrize("kept", [True, False])
def test_a_view_and_a_gold_model_give_their_own_tables(kept):
    """The teacher without the picture, and another model, each against one row alone."""
    target, gold = build("llava"), build("llava", seed=7)
    chosen = [e for e in examples() if e.picture is not None]
    rows = make_rows(target, chosen)
    vlm = attach(target, SCOPE, seed=0)
    sizes = {"pack_tokens": 1536, "forward_tokens": 8192, "max_bytes": 2**30 if kept else 0}
    blind = make_reference(vlm, rows, teacher=Teacher(view="text"), examples=chosen, **sizes)
    other = make_reference(vlm, rows, teacher=Teacher("gold"), examples=chosen, gold=gold, **sizes)
    asked = [rows[2], rows[0]]
    for reference, model, change in ((blind, target, {"picture": None}), (other, gold, {})):
        table = reference(vlm, asked)
        alone = [replace(chosen[i], **change) for i in (2, 0)]
        with vlm.adapter_off(), torch.no_grad():
            tables = [
                forward(model, collate(model, build_packs(model, make_rows(model, [e])))) for e in alone
            ]
        wanted = torch.cat([t.logits for t in tables])
        torch.testing.assert_close(table.logits, wanted, rtol=1e-4, atol=1e-4)
        assert [row.example for row in table.rows] == [e.id for e in alone]


def test_states_of_a_layer_are_those_of_the_row_alone():
    target = build("llava")
    rows = make_rows(target, examples())
    vlm = attach(target, SCOPE, seed=0)
    sizes = {"pack_tokens": 1536, "forward_tokens": 8192}
    kept = make_reference(vlm, rows, max_bytes=2**30, layers=(1,), **sizes)
    computed = make_reference(vlm, rows, max_bytes=0, layers=(1,), **sizes)
    for row in (rows[0], rows[3]):
        alone = forward(vlm, collate(vlm, build_packs(vlm, [row])), layers=(1,))
        assert alone.states[1].shape == (len(row.labels), vlm.base.get_input_embeddings().weight.shape[1])
        for reference in (kept, computed):
            torch.testing.assert_close(reference(vlm, [row]).states[1], alone.states[1], rtol=1e-4, atol=1e-4)
