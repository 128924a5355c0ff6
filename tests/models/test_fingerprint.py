from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.tiny import build
from unsee.models import fingerprint
from unsee.models.fingerprint import hash_files, hash_model


def _tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(64, 32, generator=generator) for name in ("a", "b", "c")}


def _hash(folder: Path, *shards: dict[str, torch.Tensor]) -> str:
    files = []
    for i, shard in enumerate(shards):
        files.append(folder / f"{len(list(folder.iterdir()))}-{i}.safetensors")
        save_file(shard, files[-1])
    return hash_files(files)


@pytest.mark.parametrize("whole", [True, False])
def test_shards_do_not_matter_and_contents_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    if not whole:
        monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 100)
        monkeypatch.setattr(fingerprint, "BLOCK_BYTES", 64)
    tensors = _tensors()
    reference = _hash(tmp_path, tensors)
    assert _hash(tmp_path, {"b": tensors["b"]}, {"c": tensors["c"], "a": tensors["a"]}) == reference
    assert _hash(tmp_path, {**tensors, "a": tensors["a"] + 1e-3}) != reference
    assert _hash(tmp_path, {"x": tensors["a"], "b": tensors["b"], "c": tensors["c"]}) != reference
    assert _hash(tmp_path, {**tensors, "a": tensors["a"].reshape(32, 64)}) != reference
    assert _hash(tmp_path, {**tensors, "a": tensors["a"].bfloat16()}) != reference


def test_small_models_are_hashed_to_the_last_bit(tmp_path: Path) -> None:
    tensors = _tensors()
    reference = _hash(tmp_path, tensors)
    tensors["b"][63, 31] += 1e-4
    assert _hash(tmp_path, tensors) != reference


def test_large_models_are_hashed_by_blocks_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 100)
    monkeypatch.setattr(fingerprint, "BLOCK_BYTES", 64)
    for place in ((0, 0), (63, 31)):
        tensors = _tensors()
        reference = _hash(tmp_path, tensors)
        tensors["c"][place] += 1
        assert _hash(tmp_path, tensors) != reference


def test_models_in_memory() -> None:
    one, same, other = build("llava").model, build("llava").model, build("llava", seed=1).model
    assert hash_model(one) == hash_model(same) != hash_model(other)
    assert hash_model(one.bfloat16()) != hash_model(same)
