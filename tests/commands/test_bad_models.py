"""Models and adapters that cannot be used: each a clear error at the command line, and exit code 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from tests.jobs.make import save_pictures
from tests.tiny import build
from unsee.commands.main import run
from unsee.models.adapters import attach, save_adapter
from unsee.models.attach import peft_reads_old_name
from unsee.models.scopes import Scope


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, an adapter of it and a picture."""
    root = tmp_path_factory.mktemp("bad")
    vlm = build("llava")
    vlm.model.save_pretrained(root / "model")
    vlm.processor.save_pretrained(root / "model")
    save_pictures(root, range(1))
    attached = attach(vlm, Scope(rank=2), seed=0)
    with torch.no_grad():
        for name, parameter in attached.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    save_adapter(attached, root / "adapter")
    return root


def refused(here: Path, capsys: pytest.CaptureFixture[str], model: Path, *more: str) -> str:
    """What the command line says, having ended with 2 and written nothing."""
    out = here / "out"
    line = ["forget", "--model", str(model), "--image", str(here / "000.png"), "--name", "Jane Roe"]
    assert run([*line, "--out", str(out), *more]) == 2
    assert not (out / "run.yaml").exists()
    said = capsys.readouterr().err
    assert all(word in said for word in ("error:", "got:", "expected:", "remedy:"))
    assert "Traceback" not in said
    return said


def test_pickle_weights(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Path(shutil.copytree(here / "model", tmp_path / "model"))
    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()
    assert "only there as pickle" in refused(here, capsys, model)


def test_a_model_without_vision(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=16)).save_pretrained(tmp_path)
    assert "does not read pictures" in refused(here, capsys, tmp_path)


def test_a_tokenizer_where_a_processor_should_be(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vlm = build("llava")
    vlm.model.save_pretrained(tmp_path)
    vlm.tokenizer.save_pretrained(tmp_path)
    assert "processor cannot be loaded" in refused(here, capsys, tmp_path)


def test_an_adapter_of_another_base(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = build("llava", seed=5)
    other.model.save_pretrained(tmp_path / "model")
    other.processor.save_pretrained(tmp_path / "model")
    said = refused(here, capsys, tmp_path / "model", "--adapter", str(here / "adapter"))
    assert "made for another base model" in said


def test_an_adapter_whose_keys_match_nothing(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=16))
    with peft_reads_old_name():
        made = get_peft_model(text, LoraConfig(r=2, target_modules=["q_proj"]))
    made.save_pretrained(tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    renamed = {name.replace("model.layers", "model.blocks"): t for name, t in load_file(file).items()}
    save_file(renamed, file, metadata={"format": "pt"})
    said = refused(here, capsys, here / "model", "--adapter", str(tmp_path / "adapter"))
    assert "keys do not match" in said


def test_an_adapter_as_pickle(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(here / "adapter", tmp_path / "adapter"))
    file = folder / "adapter_model.safetensors"
    torch.save(load_file(file), folder / "adapter_model.bin")
    file.unlink()
    assert "only there as pickle" in refused(here, capsys, here / "model", "--adapter", str(folder))


def test_an_unknown_architecture(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Path(shutil.copytree(here / "model", tmp_path / "model"))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": "brand_new"}))
    assert "config.json is not understood" in refused(here, capsys, model)


def test_a_tracker_that_is_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--set", "training.report_to=nowhere", "--force", "--preset", "tiny"]
    out = here / "tracked"
    given = ["forget", "--model", str(here / "model"), "--image", str(here / "000.png"), "--name", "Jane Roe"]
    assert run([*given, "--out", str(out), *line]) == 2
    assert "tracker is not known" in capsys.readouterr().err
