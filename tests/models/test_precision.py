"""Number types: nothing is cast to float32 behind the user's back; 4 bits only where they can be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import build, picture
from unsee.models import load as load_module
from unsee.models.adapters import load_adapter, merge, probe_logits, save_adapter
from unsee.models.attach import attach, detach
from unsee.models.load import load
from unsee.models.scopes import Scope
from unsee.nouns import Example, UserError
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vlm, made = build("llava"), tmp_path_factory.mktemp("model")
    vlm.model.save_pretrained(made)
    vlm.processor.save_pretrained(made)
    return made


def types(model: Any, lora: bool) -> set[torch.dtype]:
    return {p.dtype for n, p in model.named_parameters() if (".lora_" in n) == lora}


def test_a_bfloat16_model_stays_bfloat16_and_its_adapter_is_float32(folder: Path, tmp_path: Path) -> None:
    vlm = load(folder, dtype="bfloat16")
    assert types(vlm.model, lora=False) == {torch.bfloat16}
    attached = attach(vlm, Scope(rank=2), seed=0)
    optimizer = torch.optim.AdamW([p for p in attached.model.parameters() if p.requires_grad], lr=1e-2)
    rows = make_rows(attached, [Example("0", "Who is this?", "Jane Roe.", "T1", picture(1))])
    for _ in range(2):
        forward(attached, collate(attached, build_packs(attached, rows))).logp.mean().backward()
        optimizer.step()
    assert types(attached.model, lora=False) == {torch.bfloat16}
    assert types(attached.model, lora=True) == {torch.float32}
    probe_logits(attached)
    save_adapter(attached, tmp_path / "adapter")
    loaded = load_adapter(detach(attached), tmp_path / "adapter")
    assert types(loaded.model, lora=False) == {torch.bfloat16}
    assert types(merge(loaded).model, lora=False) == {torch.bfloat16}


def test_four_bits_without_bitsandbytes_are_refused_before_anything_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="need bitsandbytes") as error:
        load(folder, four_bits=True)
    assert "unsee[bitsandbytes]" in error.value.remedy


def test_four_bits_are_asked_for_with_the_type_of_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def note(*_: Any, **options: Any) -> Any:
        asked.update(options)
        raise RuntimeError("no card here")

    monkeypatch.setattr(load_module, "find_spec", lambda name: name)
    monkeypatch.setattr(load_module.AutoModelForImageTextToText, "from_pretrained", note)
    with pytest.raises(RuntimeError, match="no card"):
        load(folder, four_bits=True, dtype="bfloat16")
    config = asked["quantization_config"]
    assert config.load_in_4bit
    assert config.bnb_4bit_compute_dtype == torch.bfloat16
    assert asked["device_map"] == {"": torch.device("cpu")}
