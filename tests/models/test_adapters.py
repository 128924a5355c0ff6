from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import nn

from tests.tiny import build, picture
from unsee.models.adapters import (
    Scope,
    attach,
    check_trainable,
    detach,
    load_adapter,
    merge,
    probe_logits,
    save_adapter,
    target_modules,
    trained_table,
)
from unsee.models.load import VLM
from unsee.nouns import UserError

LANGUAGE_LEAVES = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def _stir(vlm: VLM, seed: int = 0) -> VLM:
    """Stand in for training: change every trainable weight."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in vlm.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return vlm


def _state(vlm: VLM) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in vlm.model.named_parameters()}


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_language_touches_every_decoder_layer_and_nothing_else(vlm: VLM) -> None:
    targets = target_modules(vlm, Scope(("language",)))
    assert all(path.startswith(vlm.roles.layers + ".") for path in targets)
    assert len(targets) == 2 * 7
    assert {path.rpartition(".")[2] for path in targets} == LANGUAGE_LEAVES


def test_qwens_vision_mlp_shares_leaf_names_and_stays_untouched() -> None:
    vlm = build("qwen2_5_vl")
    vision = {path.rpartition(".")[2] for path, m in vlm.model.model.visual.named_modules() if path}
    assert {"gate_proj", "up_proj", "down_proj"} <= vision  # the trap is there
    attached = attach(vlm, Scope(("language",)), seed=0)
    adapted = [name for name, _ in attached.model.named_parameters() if "lora_" in name]
    assert adapted
    assert not [name for name in adapted if "visual" in name]


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        ("language.attention", {"language.attention[0]", "language.attention[1]"}),
        ("language.mlp[1]", {"language.mlp[1]"}),
        ("language[0..0]", {"language.attention[0]", "language.mlp[0]"}),
        ("vision.mlp", {"vision.mlp[0]", "vision.mlp[1]"}),
        ("vision.attention[1]", {"vision.attention[1]"}),
        ("projector", {"projector"}),
        ("head", {"head"}),
    ],
)
def test_lora_lands_where_the_scope_says(vlm: VLM, part: str, kinds: set[str]) -> None:
    attached = attach(vlm, Scope((part,), rank=2), seed=0)
    roles = {vlm.roles.role_of(n) for n, p in attached.model.named_parameters() if p.requires_grad}
    assert roles == kinds
    assert all("lora_" in n for n, p in attached.model.named_parameters() if p.requires_grad)


def test_full_as_a_part_means_every_linear_layer(vlm: VLM) -> None:
    linear = [path for path, module in vlm.model.named_modules() if isinstance(module, nn.Linear)]
    assert target_modules(vlm, Scope(("full",))) == linear


def test_several_parts_add_up(vlm: VLM) -> None:
    parts = ("language.mlp[0]", "projector")
    one_by_one = [set(target_modules(vlm, Scope((part,)))) for part in parts]
    assert set(target_modules(vlm, Scope(parts))) == one_by_one[0] | one_by_one[1]


def test_layers_and_parts_that_do_not_exist_are_refused(vlm: VLM) -> None:
    with pytest.raises(UserError, match=r"layers 0\.\.1 of language"):
        attach(vlm, Scope(("language.mlp[1..2]",)), seed=0)
    with pytest.raises(UserError, match="holds no linear layer"):
        attach(vlm, Scope(("language.norm",)), seed=0)
    assert not isinstance(vlm.model, PeftModel)


def test_a_tied_head_has_no_weights_of_its_own() -> None:
    vlm = build("llava")
    vlm.model.lm_head.weight = vlm.model.get_input_embeddings().weight
    with pytest.raises(UserError, match="shares its weights"):
        attach(vlm, Scope(("head",)), seed=0)
    with pytest.raises(UserError, match="holds no weight of its own"):
        attach(vlm, Scope(("head",), full=True), seed=0)
    assert "lm_head" not in target_modules(vlm, Scope(("full",)))


def test_a_fresh_adapter_changes_nothing_and_off_is_the_base_to_the_bit(vlm: VLM) -> None:
    base = probe_logits(vlm)
    attached = attach(vlm, Scope(rank=4), seed=0)
    assert torch.equal(probe_logits(attached), base)
    _stir(attached)
    assert not torch.equal(probe_logits(attached), base)
    with attached.adapter_off():
        assert torch.equal(probe_logits(attached), base)
    assert not torch.equal(probe_logits(attached), base)


def test_off_is_the_base_to_the_bit_under_full_training_too(vlm: VLM) -> None:
    base = probe_logits(vlm)
    attached = _stir(attach(vlm, Scope(("language", "projector"), full=True), seed=0))
    trained = probe_logits(attached)
    assert not torch.equal(trained, base)
    with attached.adapter_off():
        assert torch.equal(probe_logits(attached), base)
    assert torch.equal(probe_logits(attached), trained)


def test_gradients_are_right_when_the_reference_runs_before_the_backward_pass() -> None:
    def gradient(with_reference: bool) -> torch.Tensor:
        vlm = attach(build("llava"), Scope(("language.mlp[0]",), full=True), seed=0)
        _stir(vlm)
        ids = torch.tensor([vlm.chat.encode("Who?", "Jane").ids])
        loss = vlm.model(input_ids=ids).logits.logsumexp(-1).sum()
        if with_reference:
            with torch.no_grad(), vlm.adapter_off():
                vlm.model(input_ids=ids)
        loss.backward()
        found = [p.grad for p in vlm.model.parameters() if p.grad is not None]
        return torch.cat([g.flatten() for g in found])

    assert torch.equal(gradient(True), gradient(False))


def test_the_seed_decides_the_start_and_global_randomness_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    states = [_state(attach(build("llava"), Scope(rank=2), seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert _same(states[0], states[1])
    assert not _same(states[0], states[2])


def test_the_table_counts_weights() -> None:
    vlm = build("llava")
    table = {
        line.role: line for line in trained_table(attach(vlm, Scope(("language.mlp[0]",), rank=2), seed=0))
    }
    # gate and up: 32 -> 48, down: 48 -> 32; each adapter has rank * (in + out) weights
    assert table["language.mlp"].trained == 3 * 2 * (32 + 48)
    assert table["language.mlp"].total == 2 * 3 * 32 * 48
    assert sum(line.trained for line in table.values()) == table["language.mlp"].trained
    assert sum(line.total for line in table.values()) == sum(
        p.numel() for p in build("llava").model.parameters()
    )


@pytest.mark.parametrize(
    "part", ["language", "language.norm[1]", "language.embeddings", "vision", "projector"]
)
def test_full_training_trains_exactly_the_scope(vlm: VLM, part: str) -> None:
    scope = Scope((part,), full=True)
    attached = attach(vlm, scope, seed=0)
    trained = {n for n, p in attached.model.named_parameters() if p.requires_grad}
    assert trained == {n for n, _ in vlm.model.named_parameters() if scope.holds(vlm.roles.role_of(n))}
    assert trained == set(attached.originals)


def test_weights_outside_the_scope_are_an_error() -> None:
    attached = attach(build("llava"), Scope(rank=2), seed=0)
    stray = "base_model.model.model.multi_modal_projector.linear_1.bias"
    attached.model.get_parameter(stray).requires_grad_(True)
    with pytest.raises(UserError, match="outside the declared scope") as error:
        check_trainable(attached)
    assert stray in error.value.got
    plain = build("llava")
    with pytest.raises(UserError, match="outside the declared scope"):
        check_trainable(plain)
    plain.model.requires_grad_(False)
    with pytest.raises(UserError, match="no weight is trainable"):
        check_trainable(plain)


def test_two_adapters_on_one_model_are_refused() -> None:
    for scope in (Scope(rank=2), Scope(("projector",), full=True)):
        attached = attach(build("llava"), scope, seed=0)
        with pytest.raises(UserError, match="has an adapter already"):
            attach(attached, scope, seed=0)


@pytest.mark.parametrize("full", [False, True])
def test_detach_gives_the_base_back(vlm: VLM, full: bool) -> None:
    before, base = _state(vlm), probe_logits(vlm)
    plain = detach(_stir(attach(vlm, Scope(("language.mlp",), full=full), seed=0)))
    assert _same(_state(plain), before)
    assert torch.equal(probe_logits(plain), base)
    assert (plain.scope, dict(plain.originals)) == (None, {})
    attach(plain, Scope(rank=2), seed=0)


@pytest.mark.parametrize("full", [False, True])
def test_saved_and_loaded_again(vlm: VLM, tmp_path: Path, full: bool) -> None:
    scope = Scope(("language", "projector"), rank=4, full=full)
    attached = _stir(attach(vlm, scope, seed=0))
    save_adapter(attached, tmp_path / "adapter")
    note = json.loads((tmp_path / "adapter" / "unsee.json").read_text())
    assert (note["base"], note["weights_hash"]) == (vlm.name, vlm.weights_hash)
    assert note["form"] == ("edit" if full else "lora")
    family = vlm.name.removeprefix("tiny-")
    loaded = load_adapter(build(family), tmp_path / "adapter")
    assert torch.equal(probe_logits(loaded), probe_logits(attached))
    assert loaded.scope == scope
    assert not any(p.requires_grad for p in loaded.model.parameters())
    with loaded.adapter_off():
        assert torch.equal(probe_logits(loaded), probe_logits(build(family)))
    check_trainable(load_adapter(build(family), tmp_path / "adapter", trainable=True))


def test_only_trained_weights_are_saved_and_only_as_safetensors(tmp_path: Path) -> None:
    save_adapter(_stir(attach(build("llava"), Scope(("projector",), full=True), seed=0)), tmp_path / "edit")
    assert set(load_file(tmp_path / "edit" / "edit.safetensors")) == {
        f"model.multi_modal_projector.linear_{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")
    }
    save_adapter(_stir(attach(build("llava"), Scope(rank=2), seed=0)), tmp_path / "lora")
    written = {file.suffix for folder in ("edit", "lora") for file in (tmp_path / folder).iterdir()}
    assert written <= {".safetensors", ".json", ".md"}


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # PEFT's own call
def test_the_adapter_loads_with_peft_alone(tmp_path: Path) -> None:
    attached = _stir(attach(build("qwen2_5_vl"), Scope(rank=2), seed=0))
    save_adapter(attached, tmp_path / "adapter")
    fresh = build("qwen2_5_vl")
    fresh.model = PeftModel.from_pretrained(fresh.model, str(tmp_path / "adapter"))
    assert torch.equal(probe_logits(fresh), probe_logits(attached))


def test_saving_again_replaces_the_folder(tmp_path: Path) -> None:
    attached = _stir(attach(build("llava"), Scope(rank=2), seed=0))
    save_adapter(attached, tmp_path / "adapter")
    (tmp_path / "adapter" / "stale").touch()
    save_adapter(_stir(attached), tmp_path / "adapter")
    assert not (tmp_path / "adapter" / "stale").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["adapter"]
    loaded = load_adapter(build("llava"), tmp_path / "adapter")
    assert torch.equal(probe_logits(loaded), probe_logits(attached))


def test_nothing_to_save_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no adapter to save"):
        save_adapter(build("llava"), tmp_path / "adapter")


@pytest.mark.parametrize("full", [False, True])
def test_another_base_is_refused(tmp_path: Path, full: bool) -> None:
    save_adapter(_stir(attach(build("llava"), Scope(rank=2, full=full), seed=0)), tmp_path / "adapter")
    with pytest.raises(UserError, match="made for another base"):
        load_adapter(build("llava", seed=1), tmp_path / "adapter")


def _rename_keys(folder: Path, old: str, new: str) -> None:
    """What a conversion script or another version does: keep the tensors, change their names."""
    for file in folder.glob("*.safetensors"):
        save_file({k.replace(old, new): v for k, v in load_file(file).items()}, file)


@pytest.mark.parametrize("full", [False, True])
def test_keys_that_match_nothing_are_refused_and_leave_the_model_as_it_was(
    tmp_path: Path, full: bool
) -> None:
    save_adapter(_stir(attach(build("llava"), Scope(rank=2, full=full), seed=0)), tmp_path / "adapter")
    _rename_keys(tmp_path / "adapter", "language_model.layers", "layers")
    vlm = build("llava")
    with pytest.raises(UserError, match="keys do not match"):
        load_adapter(vlm, tmp_path / "adapter")
    assert _same(_state(vlm), _state(build("llava")))
    assert all(p.requires_grad for p in vlm.model.parameters())


def test_a_few_wrong_keys_are_enough(tmp_path: Path) -> None:
    save_adapter(_stir(attach(build("llava"), Scope(rank=2), seed=0)), tmp_path / "adapter")
    _rename_keys(tmp_path / "adapter", "layers.1.mlp.up_proj.lora_B", "layers.9.mlp.up_proj.lora_B")
    with pytest.raises(UserError, match="keys do not match"):
        load_adapter(build("llava"), tmp_path / "adapter")


def test_an_adapter_of_another_family_or_shape_is_refused(tmp_path: Path) -> None:
    save_adapter(_stir(attach(build("llava"), Scope(rank=2), seed=0)), tmp_path / "adapter")
    (tmp_path / "adapter" / "unsee.json").unlink()  # as any PEFT adapter, without our note
    with pytest.raises(UserError, match="keys do not match"):
        load_adapter(build("idefics3"), tmp_path / "adapter")
    for file in (tmp_path / "adapter").glob("*.safetensors"):
        save_file({k: v.repeat(1, 2) for k, v in load_file(file).items()}, file)
    with pytest.raises(UserError, match="keys do not match"):
        load_adapter(build("llava"), tmp_path / "adapter")


@pytest.mark.parametrize("full", [False, True])
def test_an_adapter_without_effect_is_refused(tmp_path: Path, full: bool) -> None:
    save_adapter(attach(build("llava"), Scope(rank=2, full=full), seed=0), tmp_path / "adapter")
    vlm = build("llava")
    with pytest.raises(UserError, match="changes nothing"):
        load_adapter(vlm, tmp_path / "adapter")
    assert _same(_state(vlm), _state(build("llava")))
    load_adapter(vlm, tmp_path / "adapter", check=False)


def test_what_is_not_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no adapter there"):
        load_adapter(build("llava"), tmp_path / "missing")
    save_adapter(_stir(attach(build("llava"), Scope(rank=2), seed=0)), tmp_path / "adapter")
    folder = shutil.copytree(tmp_path / "adapter", tmp_path / "pickle")
    (folder / "adapter_model.safetensors").unlink()
    torch.save({}, folder / "adapter_model.bin")
    with pytest.raises(UserError, match="only there as pickle"):
        load_adapter(build("llava"), folder)


@pytest.mark.parametrize("full", [False, True])
def test_merging_keeps_the_answers(vlm: VLM, full: bool) -> None:
    attached = _stir(attach(vlm, Scope(("language", "vision.mlp"), rank=4, full=full), seed=0))
    before, base_hash = probe_logits(attached), attached.weights_hash
    merged = merge(attached)
    assert not isinstance(merged.model, PeftModel)
    assert not [n for n, _ in merged.model.named_parameters() if "lora_" in n or "base_layer" in n]
    assert (probe_logits(merged) - before).abs().max() < 1e-4
    assert merged.weights_hash != base_hash
    assert merged.source == "memory"


def test_merged_weights_are_the_hand_made_sum() -> None:
    attached = _stir(attach(build("llava"), Scope(("projector",), rank=2, alpha=6), seed=0))
    state = attached.model.state_dict()
    place = "base_model.model.model.multi_modal_projector.linear_1"
    low, high = state[f"{place}.lora_A.default.weight"], state[f"{place}.lora_B.default.weight"]
    expected = state[f"{place}.base_layer.weight"] + 6 / 2 * high @ low
    merged = merge(attached).model.state_dict()["model.multi_modal_projector.linear_1.weight"]
    torch.testing.assert_close(merged, expected)


def test_a_half_precision_model_stays_half_precision_and_near() -> None:
    vlm = build("llava")
    vlm.model.bfloat16()
    attached = _stir(attach(vlm, Scope(rank=4), seed=0))
    before = probe_logits(attached)
    merged = merge(attached)
    assert merged.dtype == torch.bfloat16
    assert {p.dtype for p in merged.model.parameters()} == {torch.bfloat16}
    assert (probe_logits(merged) - before).abs().mean() < 0.1 * before.std()


def test_a_merge_that_changes_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    attached = _stir(attach(build("llava"), Scope(rank=4), seed=0))

    def careless(self: Any, **_: Any) -> Any:
        return self.unload()

    monkeypatch.setattr(type(attached.model.base_model), "merge_and_unload", careless)
    with pytest.raises(UserError, match="answers differently"):
        merge(attached)


def test_the_probe_sees_the_picture() -> None:
    vlm = attach(build("llava"), Scope(("vision.mlp",), rank=2), seed=0)
    base = probe_logits(vlm)
    assert not torch.equal(probe_logits(_stir(vlm)), base)


def test_a_vlm_is_usable_after_replace() -> None:
    vlm = build("llava")
    assert replace(vlm, name="other").chat.encode("Who?", picture=picture(1)).ids[0] >= 0


@pytest.mark.parametrize("full", [False, True])
def test_named_modules_alone_are_trained(vlm: VLM, full: bool) -> None:
    paths = [
        path
        for path in target_modules(vlm, Scope(("language",)))
        if path.endswith(("1.mlp.up_proj", "v_proj"))
    ]
    assert len(paths) == 3
    attached = attach(vlm, Scope(("language",), rank=2, full=full, modules=tuple(paths)), seed=0)
    trained = {name for name, p in attached.model.named_parameters() if p.requires_grad}
    assert len([name for name in trained if name.endswith("weight")]) == (3 if full else 6)
    assert all(any(path + "." in name for path in paths) for name in trained)
    detach(attached)


@pytest.mark.parametrize("full", [False, True])
def test_an_unknown_module_is_refused(vlm: VLM, full: bool) -> None:
    with pytest.raises(UserError, match="holds no"):
        attach(vlm, Scope(("language",), full=full, modules=("model.layers.99",)), seed=0)
