"""Training with the decoder split over two processes (FSDP2 on gloo, CPU): same curve, same files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.pair import both_done, run_pair
from tests.tiny import build
from tests.training.courses import COURSES, SHARDED, cut, distance, load, run, weight_distance
from unsee.methods.registry import get
from unsee.nouns import UserError
from unsee.training import sharding
from unsee.training.sharding import check_shards

CUTS = ("cut lora", "cut full")
LAUNCHED = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}  # as accelerate launch sets it
EXACT = 1e-5
WEIGHTS = 1e-4


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Courses by one process, and by two in shards; those that are cut were begun by the other number."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    handed = two / "handed"
    for name in (*SHARDED, *CUTS):
        run(name, one)
    for name in CUTS:
        run(name, handed)
        cut(name, handed)
    todo = [*SHARDED, *CUTS, *(f"handed/{name}" for name in CUTS)]
    both_done(run_pair(["-m", "tests.training.courses", str(two), *todo], **LAUNCHED))
    return one, two


@pytest.mark.parametrize("name", SHARDED)
def test_shards_have_the_losses_and_weights_of_one_process(folders: tuple[Path, Path], name: str) -> None:
    one, two = (load(name, folder) for folder in folders)
    assert distance(two, one) < EXACT
    assert weight_distance(two, one) < WEIGHTS


@pytest.mark.parametrize("name", CUTS)
def test_a_checkpoint_of_one_process_is_continued_in_shards(folders: tuple[Path, Path], name: str) -> None:
    one, two = load(name, folders[0]), load(name, folders[1] / "handed")
    assert two.resumed_from == 2
    assert distance(two, one) < EXACT
    assert weight_distance(two, one) < WEIGHTS


@pytest.mark.parametrize("name", CUTS)
def test_a_checkpoint_of_shards_is_continued_by_one_process(folders: tuple[Path, Path], name: str) -> None:
    one, two = folders
    cut(name, two)
    resumed, straight = run(name, two), load(name, one)
    assert resumed.resumed_from == 2
    assert distance(resumed, straight) < EXACT
    assert weight_distance(resumed, straight) < WEIGHTS


@pytest.mark.parametrize(("name", "file"), [("siu", "adapter_model"), ("dpo", "edit")])
def test_what_shards_save_is_what_one_process_saves(folders: tuple[Path, Path], name: str, file: str) -> None:
    saved = [load_file(folder / name / "adapter" / f"{file}.safetensors") for folder in folders]
    assert saved[0].keys() == saved[1].keys()
    for key, tensor in saved[0].items():
        assert torch.allclose(tensor, saved[1][key], atol=WEIGHTS, rtol=0)


def test_what_cannot_be_split_is_refused() -> None:
    vlm = build("llava")
    check_shards(vlm, get("siu"), gated=False)
    check_shards(vlm, get("ga", {"variant": "released_code"}), gated=False)
    with pytest.raises(UserError, match="chosen entries"):
        check_shards(vlm, get("siu"), gated=True)
    with pytest.raises(UserError, match="at every position"):
        check_shards(vlm, get("ga_kl", {"variant": "released_code"}), gated=False)
    vlm.base.is_loaded_in_4bit = True
    with pytest.raises(UserError, match="4 bits"):
        check_shards(vlm, get("siu"), gated=False)


@pytest.mark.parametrize(
    ("processes", "set_", "launched", "expected"),
    [(1, True, "true", False), (2, None, "true", True), (2, None, "", False), (2, False, "true", False)],
)
def test_the_launcher_or_the_setting_decides(
    monkeypatch: pytest.MonkeyPatch, processes: int, set_: bool | None, launched: str, expected: bool
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", launched)
    monkeypatch.setattr(sharding, "count", lambda: processes)
    assert sharding.is_sharded(replace(COURSES["siu"][1], shard=set_)) is expected
