from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from tests.tiny import build
from unsee.models.adapters import (
    Scope,
    attach,
    check_trainable,
    detach,
    load_adapter,
    merge,
    probe_logits,
    save_adapter,
    trained_table,
)
from unsee.models.changes import weight_changes
from unsee.models.load import VLM
from unsee.models.sine import ANGLE, sine_layers
from unsee.nouns import UserError

FAMILIES = ("llava", "qwen2_5_vl")
LORA = Scope(("language",), rank=2, alpha=4, sine=("projector",))
ALONE = Scope(("projector",), sine=("projector",))
FULL = Scope(("language.mlp[1]",), full=True, sine=("projector",))


def _stir(vlm: VLM) -> VLM:
    """Stand in for training."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in vlm.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return vlm


def _weights(vlm: VLM) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in vlm.model.named_parameters()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layer_computes_w_plus_sine_of_d(family: str) -> None:
    vlm = build(family)
    before = _weights(vlm)
    attached = _stir(attach(vlm, LORA, seed=0))
    layers = dict(sine_layers(attached.base))
    assert layers
    assert all(vlm.roles.role_of(path) == "projector" for path in layers)
    for path, layer in layers.items():
        angle = layer.sine_angle.detach()
        old, now = before[f"{path}.weight"], layer.changed_weight().detach()
        for i in range(0, old.shape[0], 7):
            for j in range(0, old.shape[1], 5):
                wanted = old[i, j].item() + math.sin(angle[i, j].item())
                assert now[i, j].item() == pytest.approx(wanted, abs=1e-6)
        assert torch.equal(layer.weight, old)


@pytest.mark.parametrize("scope", [LORA, ALONE, FULL])
def test_only_d_and_the_rest_of_the_scope_train(scope: Scope) -> None:
    vlm = attach(build("llava"), scope, seed=0)
    trainable = [name for name, p in vlm.model.named_parameters() if p.requires_grad]
    sines = [name for name in trainable if name.endswith(ANGLE)]
    assert len(sines) == 2
    rest = {vlm.roles.role_of(name).split("[")[0] for name in trainable if not name.endswith(ANGLE)}
    assert (
        rest
        == {
            LORA: {"language.attention", "language.mlp"},
            ALONE: set(),
            FULL: {"language.mlp"},
        }[scope]
    )
    check_trainable(vlm)
    table = {line.role: line for line in trained_table(vlm)}
    plain = {line.role: line for line in trained_table(build("llava"))}
    assert table["projector"].trained == sum(layer.weight.numel() for _, layer in sine_layers(vlm.base))
    assert {role: line.total for role, line in table.items()} == {
        role: line.total for role, line in plain.items()
    }


def test_an_undeclared_weight_beside_a_sine_is_an_error() -> None:
    vlm = attach(build("llava"), LORA, seed=0)
    vlm.base.get_submodule(vlm.roles.projector[0]).requires_grad_(True)
    with pytest.raises(UserError, match="outside the declared scope"):
        check_trainable(vlm)


@pytest.mark.parametrize("scope", [LORA, ALONE, FULL])
def test_it_starts_near_the_base_by_the_seed(scope: Scope) -> None:
    base = probe_logits(build("llava"))
    one, two, other = (probe_logits(attach(build("llava"), scope, seed=s)) for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert 0 < float((one - base).abs().max() / base.std()) < 0.05


@pytest.mark.parametrize("scope", [LORA, ALONE, FULL])
def test_off_equals_the_base_and_detach_gives_it_back(scope: Scope) -> None:
    vlm = build("llava")
    base, before = probe_logits(vlm), _weights(vlm)
    attached = _stir(attach(vlm, scope, seed=0))
    changed = probe_logits(attached)
    assert not torch.allclose(changed, base, atol=1e-2)
    with attached.adapter_off():
        assert torch.equal(probe_logits(attached), base)
    assert torch.equal(probe_logits(attached), changed)
    plain = detach(attached)
    after = _weights(plain)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert plain.scope is None
    assert not plain.originals
    attach(plain, scope, seed=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scope", [LORA, ALONE, FULL])
def test_save_load_and_merge_round_trip(scope: Scope, family: str, tmp_path: Path) -> None:
    attached = _stir(attach(build(family), scope, seed=0))
    wanted = probe_logits(attached)
    save_adapter(attached, tmp_path / "a")
    note = json.loads((tmp_path / "a" / "unsee.json").read_text())
    assert note["form"] == ("lora+edit" if scope is LORA else "edit")
    saved = load_file(tmp_path / "a" / "edit.safetensors")
    assert not [name for name in saved if name.endswith(ANGLE)]

    loaded = load_adapter(build(family), tmp_path / "a")
    assert torch.allclose(probe_logits(loaded), wanted, atol=1e-5)
    assert loaded.scope == scope
    with loaded.adapter_off():
        assert torch.equal(probe_logits(loaded), probe_logits(build(family)))
    save_adapter(loaded, tmp_path / "b")
    again = load_file(tmp_path / "b" / "edit.safetensors")
    assert saved.keys() == again.keys()
    assert all(torch.equal(saved[name], again[name]) for name in saved)

    plain = _weights(detach(loaded))
    assert all(torch.equal(p, plain[name]) for name, p in _weights(build(family)).items())
    merged = merge(attached)
    assert not isinstance(merged.model, PeftModel)
    assert not list(sine_layers(merged.model))
    assert not merged.originals
    assert torch.allclose(probe_logits(merged), wanted, atol=1e-4)
    assert _weights(merged).keys() == _weights(build(family)).keys()
    from_file = merge(load_adapter(build(family), tmp_path / "a"))
    assert torch.allclose(probe_logits(from_file), probe_logits(merged), atol=1e-4)


def test_half_precision_keeps_d_in_float32() -> None:
    vlm = build("llava")
    vlm = replace(vlm, model=vlm.model.to(torch.bfloat16))
    attached = attach(vlm, LORA, seed=0)
    for _, layer in sine_layers(attached.base):
        assert layer.sine_angle.dtype == torch.float32
        assert layer.changed_weight().dtype == torch.bfloat16
    probe_logits(attached)


def test_a_failed_load_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    save_adapter(_stir(attach(build("llava"), LORA, seed=0)), tmp_path / "a")
    config = tmp_path / "a" / "adapter_config.json"
    text = json.loads(config.read_text())
    config.write_text(json.dumps({**text, "r": 3}))
    vlm = build("llava")
    before = _weights(vlm)
    with pytest.raises(UserError, match="do not match"):
        load_adapter(vlm, tmp_path / "a")
    assert all(torch.equal(before[name], p) for name, p in _weights(vlm).items())


def test_unknown_sine_part_and_one_without_layers() -> None:
    with pytest.raises(UserError, match="did you mean 'projector'"):
        Scope(sine=("projectr",))
    with pytest.raises(UserError, match="no linear layer"):
        attach(build("llava"), Scope(sine=("language.norm",)), seed=0)


@pytest.mark.parametrize("scope", [LORA, ALONE, FULL])
def test_changes_by_weight_are_the_merged_model_less_the_base(scope: Scope) -> None:
    attached = _stir(attach(build("llava"), scope, seed=0))
    changes = weight_changes(attached)
    base, merged = _weights(build("llava")), _weights(merge(attached))
    for name, old in base.items():
        change = changes.get(name, torch.zeros_like(old))
        assert torch.allclose(old + change, merged[name], atol=1e-5), name
    assert sum(float(change.abs().max()) > 0.1 for change in changes.values()) == len(changes)
