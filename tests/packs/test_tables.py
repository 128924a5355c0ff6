"""Token table, cost, packs' limits, reference and feature cache."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from transformers import LlavaForConditionalGeneration

from tests.packs.test_exact import examples
from tests.tiny import build, picture
from unsee.models.adapters import Scope, attach
from unsee.models.load import VLM, wrap
from unsee.nouns import Example, UserError
from unsee.packs import vision
from unsee.packs.cost import Cost
from unsee.packs.families import check_packable, evaluating
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Batch, build_packs, collate, room_for
from unsee.packs.reference import as_target
from unsee.packs.rows import Row, make_rows, scored_row
from unsee.packs.tokens import TokenTable, forward


def batch_of(vlm: VLM) -> Batch:
    return collate(vlm, build_packs(vlm, make_rows(vlm, examples())))


def with_adapter(vlm: VLM, part: str = "language") -> VLM:
    """An adapter with weights that change the output."""
    adapted = attach(vlm, Scope(parts=(part,), rank=4, alpha=8), seed=0)
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.5)
    return adapted


def test_rows_are_averaged_and_added_by_hand() -> None:
    def row(ids: tuple[int, ...], banned: frozenset[int]) -> Row:
        return Row("e", "T1", ids, 1, (True,) * (len(ids) - 1), banned=banned)

    rows = (row((0, 1, 2), frozenset({1, 3})), row((0, 1), frozenset()))
    logits = torch.tensor([[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 5.0, 0.0]])
    table = TokenTable(
        logits, torch.tensor([1, 2, 1]), torch.tensor([0, 0, 1]), torch.ones(3, dtype=torch.bool), rows
    )
    expected = torch.log_softmax(logits, dim=1)[torch.arange(3), torch.tensor([1, 2, 1])]
    torch.testing.assert_close(table.logp, expected)
    x = torch.tensor([1.0, 3.0, 5.0])
    assert table.sum_by_row(x).tolist() == [4.0, 5.0]
    assert table.mean_by_row(x).tolist() == [2.0, 5.0]
    assert table.banned_mask().tolist() == [[False, True, False, True], [False] * 4]


def test_logits_are_float32_in_a_bfloat16_model(vlm: VLM) -> None:
    vlm.model.to(torch.bfloat16)
    table = forward(vlm, batch_of(vlm))
    assert table.logits.dtype == torch.float32
    assert table.logits.isfinite().all()


def test_fourteen_texts_about_one_picture_cost_one_prefix(vlm: VLM) -> None:
    samples = [Example(str(i), f"{i}: who?", "No.", "T1", picture(1)) for i in range(14)]
    rows = make_rows(vlm, samples)
    packed, single = Cost(), Cost()
    forward(vlm, collate(vlm, build_packs(vlm, rows)), cost=packed)
    for row in rows:
        forward(vlm, collate(vlm, build_packs(vlm, [row])), cost=single)
    assert (packed.images_encoded, single.images_encoded) == (1, 14)
    assert (packed.forwards, single.forwards) == (1, 14)
    # The least possible: every beginning of a row once. A toy's picture is too short for a fixed share.
    beginnings = {row.ids[:end] for row in rows for end in range(1, len(row.ids) + 1)}
    assert packed.lm_tokens == len(beginnings)
    assert single.lm_tokens == sum(len(row.ids) for row in rows)
    assert packed.head_rows == single.head_rows == sum(len(row.labels) for row in rows)
    assert set(packed.as_json()) == {
        *("lm_tokens", "images_encoded", "head_rows", "forwards", "reference_forwards", "backwards"),
        *("model_copies", "row_by_row", "seconds", "phases", "tokens_per_second", "notes"),
        *("peak_memory", "resident_memory", "activation_memory"),
    }


def test_with_64_image_tokens_14_texts_cost_a_third_of_one_by_one() -> None:
    vlm, packed = llava_of_64_tokens(), Cost()
    rows = make_rows(vlm, [Example(str(i), f"{i}: who?", "No.", "T1", picture(1)) for i in range(14)])
    forward(vlm, collate(vlm, build_packs(vlm, rows)), cost=packed)
    assert packed.lm_tokens <= 0.35 * sum(len(row.ids) for row in rows)


def llava_of_64_tokens() -> VLM:
    processor = build("llava").processor
    processor.image_processor.size = {"shortest_edge": 64}
    processor.image_processor.crop_size = {"height": 64, "width": 64}
    config = copy.deepcopy(build("llava").base.config)
    config.vision_config.image_size = 64
    return wrap(LlavaForConditionalGeneration(config).eval(), processor)


def test_everything_that_rows_share_is_computed_once(vlm: VLM) -> None:
    samples = [Example(str(i), "Who is it?", a, "T1", picture(1)) for i, a in enumerate(("a", "b", "a b"))]
    rows = make_rows(vlm, samples)
    beginnings = {row.ids[:end] for row in rows for end in range(1, len(row.ids) + 1)}
    pack = build_packs(vlm, rows)[0]
    assert len(pack) == len(beginnings)
    assert len(pack) < rows[0].answer_start + sum(len(row.labels) for row in rows) + 1


def test_packs_stay_below_their_limits(vlm: VLM) -> None:
    rows = make_rows(vlm, examples() * 3)
    longest = max(len(row.ids) for row in rows)
    for limit in (1, longest + 20, 400):
        packs = build_packs(vlm, rows, max_tokens=limit)
        assert all(len(pack) <= limit or len(pack.rows) == 1 for pack in packs)
        assert sorted(i for pack in packs for i in pack.order) == list(range(len(rows)))
    assert all(len(pack.rows) <= 2 for pack in build_packs(vlm, rows, max_rows=2))


def test_the_reference_is_bit_identical_to_the_target(vlm: VLM) -> None:
    batch = batch_of(vlm)
    target = forward(vlm, batch).logits.detach().clone()
    adapted = with_adapter(vlm)
    cost = Cost()
    adapted.model.train()
    student = forward(adapted, batch)
    with as_target(adapted):
        reference = forward(adapted, batch, cost=cost, reference=True)
    assert torch.equal(reference.logits, target)
    assert not reference.logits.requires_grad
    assert student.logits.requires_grad
    assert not torch.allclose(student.logits, target, atol=1e-2)
    assert cost.model_copies == 0
    assert adapted.model.training
    assert torch.equal(forward(adapted, batch).logits, student.logits), "the adapter is on again"


def test_a_reference_without_adapter_is_refused() -> None:
    vlm = build("llava")
    with pytest.raises(UserError, match="adapter"), as_target(vlm):
        pass


@pytest.mark.parametrize("part", ["vision", "projector"])
def test_features_of_an_adapted_vision_part_are_not_cached(part: str) -> None:
    fresh = build("llava")
    fresh.model.requires_grad_(False)
    cache = FeatureCache(fresh)
    adapted = with_adapter(fresh, part)
    with pytest.raises(UserError, match="cached"):
        FeatureCache(adapted)
    with pytest.raises(UserError, match="cached"):
        forward(adapted, batch_of(adapted), features=cache)


def test_features_of_a_trainable_tower_are_not_cached(vlm: VLM) -> None:
    vlm.model.requires_grad_(True)
    with pytest.raises(UserError, match="cached"):
        FeatureCache(vlm)


def test_changed_vision_weights_miss_the_cache() -> None:
    vlm = build("llava")
    vlm.model.requires_grad_(False)
    cache, cost, batch = FeatureCache(vlm), Cost(), batch_of(vlm)
    forward(vlm, batch, cost=cost, features=cache)
    forward(vlm, batch, cost=cost, features=cache)
    assert cost.images_encoded == 2
    projector = vlm.model.get_submodule(vlm.roles.projector[0])
    with torch.no_grad():
        next(projector.parameters()).mul_(2.0)
    changed = forward(vlm, batch, cost=cost, features=cache).logits
    assert cost.images_encoded == 4
    torch.testing.assert_close(changed, forward(vlm, batch).logits, rtol=1e-5, atol=1e-5)


def test_gradients_with_cached_features_equal_those_without() -> None:
    vlm = with_adapter(build("llava"))
    batch, found = batch_of(vlm), []
    for features in (None, FeatureCache(vlm)):
        vlm.model.zero_grad()
        forward(vlm, batch, features=features).logp.sum().backward()
        found.append([p.grad.clone() for p in vlm.model.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 0
    for left, right in zip(*found, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


def test_models_that_cannot_run_packs_are_refused() -> None:
    vlm = build("llava")
    vlm.model.config.text_config.layer_types = ["sliding_attention", "full_attention"]
    with pytest.raises(UserError, match="unknown size"):
        check_packable(vlm)
    vlm = build("llava")
    vlm.model.set_attn_implementation("eager")
    vlm.model.config.text_config._attn_implementation = "flash_attention_2"
    with pytest.raises(UserError, match="attention kernel"):
        check_packable(vlm)


def test_evaluating_gives_training_flags_back_after_an_error() -> None:
    vlm = build("llava")
    vlm.model.train()
    with evaluating(vlm.model):
        assert not any(module.training for module in vlm.model.modules())
    assert all(module.training for module in vlm.model.modules())
    with pytest.raises(ZeroDivisionError), evaluating(vlm.model):
        _ = 1 / 0
    assert all(module.training for module in vlm.model.modules())


def test_families_without_ready_features_encode_inside_the_forward(
    vlm: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, cost = batch_of(vlm), Cost()
    vlm.model.requires_grad_(False)
    expected = forward(vlm, batch, features=FeatureCache(vlm)).logits
    monkeypatch.setattr(vision, "FEATURE_FAMILIES", frozenset())
    cache = FeatureCache(vlm)
    assert not cache.usable
    found = [forward(vlm, batch, cost=cost, features=cache).logits for _ in range(2)]
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-5)
    assert cost.images_encoded == 4
    assert len(cache) == 0


def test_long_pictures_still_share_a_pack() -> None:
    vlm = build("llava")
    rows = make_rows(vlm, [Example(str(i), f"{i}: who?", "No.", "T1", picture(1)) for i in range(6)])
    assert len(build_packs(vlm, rows)) == 1
    longest = replace(rows[0], ids=rows[0].ids * 40, answer_start=39 * len(rows[0].ids))
    assert len(longest.ids) > 1536
    assert room_for(rows[0]) == 1536
    assert room_for(longest) == min(4 * len(longest.ids), 8192)
    assert len(build_packs(vlm, rows, max_tokens=len(rows[0].ids))) == 6


def test_texts_that_stay_among_themselves_make_short_packs_of_neighbours() -> None:
    vlm = build("llava")
    asked = [f"Question {i}, which goes on for a while about nothing at all?" for i in range(40)]
    rows = [scored_row(vlm, prompt, answer) for prompt in asked for answer in ("Yes.", "No.")]
    together = len(build_packs(vlm, rows))
    packs = build_packs(vlm, rows, mix_text=False)
    assert len(packs) >= 4 * together
    assert all(len(pack) <= 256 for pack in packs)
    assert [order for pack in packs for order in pack.order] == list(range(len(rows)))
    shown = [scored_row(vlm, prompt, "Yes.", picture(1)) for prompt in asked]
    assert len(build_packs(vlm, shown, mix_text=False)) == len(build_packs(vlm, shown))
    long = [scored_row(vlm, "word " * 300 + prompt, "Yes.") for prompt in asked]
    assert len(long[0].ids) > 256
    widest = max(len(pack.rows) for pack in build_packs(vlm, long, mix_text=False))
    assert widest > 8, "what is long and shared is shared all the same"
