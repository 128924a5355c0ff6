"""The kept reference equals the computed one, and both are the target."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from tests.packs.plain import plain_forward
from tests.packs.test_tables import with_adapter
from tests.tiny import build
from tests.training.rows import SCOPE, examples, settings
from unsee.methods.parts import Teacher
from unsee.methods.registry import get
from unsee.models.adapters import attach
from unsee.packs.cost import Cost
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.reference import kept_bytes, make_reference
from unsee.training.trainer import train


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_kept_equals_computed(family):
    target = build(family)
    rows = make_rows(target, examples())
    whole = collate(target, build_packs(target, rows))
    with torch.no_grad():
        before = forward(target, whole).logits
    vlm = with_adapter(target)
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


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_sums_over_all_positions_are_those_of_the_row_alone(family):
    """Of the target and of a gold model, kept and computed; rows of other roles get none."""
    target, gold = build(family), build(family, seed=7)
    chosen = examples()
    rows = make_rows(target, chosen)
    vlm = with_adapter(target)
    wanted = {"nll": frozenset(row.role for row in rows) - {"anchor"}}
    sizes = {"pack_tokens": 1536, "forward_tokens": 8192, "everywhere": wanted, "gold": gold}
    asked = [rows[4], rows[0], rows[8]]
    assert asked[2].role == "anchor"
    for teacher, model in ((Teacher(), target), (Teacher("gold"), gold)):
        expected = []
        for row in asked[:2]:
            sample = next(e for e in chosen if e.id == row.example)
            with vlm.adapter_off(), torch.no_grad():
                logits = plain_forward(model, row, sample.prompt, sample.answer).logits[0].float()
            ids = torch.tensor(row.ids)
            expected.append(functional.cross_entropy(logits[: len(ids) - 1], ids[1:], reduction="sum"))
        for limit in (2**30, 0):
            table = make_reference(vlm, rows, teacher=teacher, max_bytes=limit, **sizes)(vlm, asked)
            found = table.everywhere["nll"]
            assert not found.requires_grad
            torch.testing.assert_close(found, torch.stack([*expected, torch.tensor(0.0)]), rtol=1e-5, atol=0)


def test_the_released_npo_compares_the_losses_of_two_models_over_the_whole_batch(tmp_path):
    """The first step's loss is that of stock models given their input as labels, one scalar for the batch."""
    target, gold = build("llava"), build("llava", seed=7)
    chosen = [e for e in examples() if e.role == "original"]
    method, wanted = get("npo", {"variant": "released_code"}), settings(passes=1, anchors_per_step=0)
    rows = make_rows(target, chosen)
    losses = []
    for model in (target, gold):
        with torch.no_grad():
            logits = [
                plain_forward(model, r, e.prompt, e.answer).logits[0]
                for r, e in zip(rows, chosen, strict=True)
            ]
        nlls = [
            functional.cross_entropy(x[: len(r.ids) - 1].float(), torch.tensor(r.ids[1:]), reduction="sum")
            for x, r in zip(logits, rows, strict=True)
        ]
        losses.append(sum(nlls) / sum(len(row.ids) - 1 for row in rows))
    expected = -2 / 0.4 * functional.logsigmoid(0.4 * (losses[0] - losses[1]))
    for limit in (2**30, 0):
        told = train(
            build("llava"),
            method,
            examples(),
            replace(wanted, reference_bytes=limit),
            tmp_path / str(limit),
            gold=build("llava", seed=7),
        )
        assert told.lines[0]["terms"]["npo"] == pytest.approx(expected.item(), rel=1e-5)
