from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import LlamaConfig, LlamaForCausalLM

from tests.tiny import FAMILIES, build, picture
from unsee.models import load as load_module
from unsee.models.adapters import Scope, attach, probe_logits, save_adapter
from unsee.models.load import choose_device, choose_dtype, load
from unsee.models.skeleton import open_chat
from unsee.nouns import UserError


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a local model needs no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every family saved as a user would have it."""
    found = {}
    for family in FAMILIES:
        vlm = build(family)
        found[family] = tmp_path_factory.mktemp(family)
        vlm.model.save_pretrained(found[family])
        vlm.processor.save_pretrained(found[family])
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_comes_back(folders: dict[str, Path], family: str) -> None:
    vlm, memory = load(folders[family]), build(family)
    assert torch.equal(probe_logits(vlm), probe_logits(memory))
    assert vlm.chat.encode("Who?", "Jane.", picture(1)) == memory.chat.encode("Who?", "Jane.", picture(1))
    assert vlm.roles == memory.roles
    assert (vlm.source, vlm.revision, vlm.name) == ("folder", "", str(folders[family]))
    assert vlm.dtype == torch.float32
    assert not vlm.model.training


@pytest.mark.parametrize("family", FAMILIES)
def test_the_chat_comes_without_the_weights(folders: dict[str, Path], family: str, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(folders[family], bare, ignore=shutil.ignore_patterns("*.safetensors"))
    whole = load(folders[family]).chat
    chat, kind = open_chat(bare)
    assert kind == build(family).base.config.model_type
    assert (chat.context, chat.end_ids, chat.image_token_id, chat.template_hash) == (
        *(whole.context, whole.end_ids, whole.image_token_id),
        whole.template_hash,
    )
    assert chat.encode("Who?", "Jane.", picture(1)) == whole.encode("Who?", "Jane.", picture(1))


def test_no_chat_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a model"):
        open_chat(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_saved_processor_keeps_its_name(folders: dict[str, Path], family: str) -> None:
    named = json.loads((folders[family] / "processor_config.json").read_text())["processor_class"]
    assert named.lower().startswith(family.replace("_", "")[:4])
    assert type(load(folders[family]).processor).__name__ == named


def test_the_weights_hash_names_the_weights(folders: dict[str, Path], tmp_path: Path) -> None:
    again = shutil.copytree(folders["llava"], tmp_path / "copy")
    assert load(again).weights_hash == load(folders["llava"]).weights_hash
    other = build("llava", seed=1)
    other.model.save_pretrained(again)
    assert load(again).weights_hash != load(folders["llava"]).weights_hash


def test_an_adapter_is_loaded_with_its_model(folders: dict[str, Path], tmp_path: Path) -> None:
    attached = attach(load(folders["llava"]), Scope(rank=2), seed=0)
    with torch.no_grad():
        for name, parameter in attached.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    save_adapter(attached, tmp_path / "adapter")
    loaded = load(folders["llava"], adapter=tmp_path / "adapter")
    assert torch.equal(probe_logits(loaded), probe_logits(attached))


def test_types_and_devices(folders: dict[str, Path]) -> None:
    assert load(folders["llava"], dtype="bfloat16").dtype == torch.bfloat16
    assert choose_dtype("auto", torch.device("cuda")) == torch.bfloat16
    assert choose_dtype("auto", torch.device("cpu")) == torch.float32
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="no such device"):
        load(folders["llava"], device="toaster")
    with pytest.raises(UserError, match="unknown number type"):
        load(folders["llava"], dtype="float12")


def test_a_hub_model_records_its_commit(folders: dict[str, Path], tmp_path: Path, monkeypatch: Any) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = shutil.copytree(folders["llava"], tmp_path / commit)
    asked: dict[str, Any] = {}

    def download(repo: str, **options: Any) -> str:
        asked.update(options, repo=repo)
        return str(snapshot)

    monkeypatch.setattr(load_module, "snapshot_download", download)
    vlm = load("someone/tiny", revision="v1")
    assert (vlm.source, vlm.revision, vlm.name) == ("hub", commit, "someone/tiny")
    assert (asked["repo"], asked["revision"]) == ("someone/tiny", "v1")
    assert not any(pattern.endswith((".bin", ".py", ".pt")) for pattern in asked["allow_patterns"])


def test_a_hub_model_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> str:
        raise LocalEntryNotFoundError("cannot reach the hub and nothing is cached")

    monkeypatch.setattr(load_module, "snapshot_download", download)
    with pytest.raises(UserError, match="neither a folder here nor"):
        load("someone/missing")
    with pytest.raises(UserError, match="neither a folder here nor"):
        load("not a valid//id")


@pytest.mark.parametrize("path", ["./missing", "/missing/model", Path("missing")])
def test_an_unknown_folder_is_refused(path: str | Path) -> None:
    with pytest.raises(UserError, match="no such model folder"):
        load(path)


def _refused(folder: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> UserError:
    """The refusal, having made sure that nothing was loaded before it."""

    def too_late(*_: Any, **__: Any) -> Any:
        raise AssertionError("weights were read before the folder was checked")

    monkeypatch.setattr(load_module.AutoModelForImageTextToText, "from_pretrained", too_late)
    with pytest.raises(UserError, match=words) as error:
        load(folder)
    assert error.value.expected
    assert error.value.remedy
    return error.value


def test_pickle_only_weights_are_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(folders["llava"], tmp_path / "model")
    (folder / "model.safetensors").unlink()
    _refused(folder, "the model has no weights", monkeypatch)
    torch.save({}, folder / "pytorch_model.bin")
    assert "pytorch_model.bin" in _refused(folder, "only there as pickle", monkeypatch).got


def test_a_missing_shard_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(folders["llava"], tmp_path / "model")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert _refused(folder, "weight files are missing", monkeypatch).got == "model-2.safetensors"


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _refused(tmp_path, "not a model", monkeypatch)
    (tmp_path / "adapter_config.json").write_text("{}")
    _refused(tmp_path, "an adapter, not a model", monkeypatch)


def test_a_model_without_vision_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = LlamaConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=16
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    assert "llama" in _refused(tmp_path, "does not read pictures", monkeypatch).got


def test_code_that_comes_with_a_model_is_not_run(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(folders["llava"], tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config.update(model_type="brand_new", auto_map={"AutoConfig": "code.Config"})
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\n")
    _refused(folder, "config.json is not understood", monkeypatch)
    assert not (tmp_path / "ran").exists()


def test_a_broken_config_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(folders["llava"], tmp_path / "model")
    (folder / "config.json").write_text("{")
    _refused(folder, "config.json is not understood", monkeypatch)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_without_processor_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folders[family] / name, tmp_path / name)
    _refused(tmp_path, "processor cannot be loaded", monkeypatch)
