"""Training in two processes (gloo, CPU): losses of one, checkpoints that change hands, failing together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.pair import both_done, run_pair
from tests.tiny import build
from tests.training.courses import COURSES, cut, distance, load, run, weight_distance
from tests.training.rows import examples
from unsee.methods.parts import pair_key
from unsee.packs.pack import build_packs
from unsee.packs.rows import make_rows
from unsee.training.sharing import shares

CUTS = ("cut lora", "cut full")
WHOLE = tuple(name for name in COURSES if name not in CUTS)
EXACT = 1e-5
WEIGHTS = 1e-4


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Every course by one process, and by two; those that are cut were begun by the other number."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    handed = two / "handed"
    for name in COURSES:
        run(name, one)
    for name in CUTS:
        run(name, handed)
        cut(name, handed)
    todo = [*COURSES, *(f"handed/{name}" for name in CUTS), "divided", "failures"]
    both_done(run_pair(["-m", "tests.training.courses", str(two), *todo]))
    return one, two


@pytest.mark.parametrize("name", WHOLE)
def test_two_processes_have_the_losses_and_weights_of_one(folders: tuple[Path, Path], name: str) -> None:
    one, two = (load(name, folder) for folder in folders)
    assert distance(two, one) < EXACT
    assert weight_distance(two, one) < WEIGHTS
    assert one.kept == two.kept
    busy = [passes > 0 for passes in two.backwards]
    assert busy == [True, name != "single"]


@pytest.mark.parametrize("name", CUTS)
def test_a_checkpoint_of_one_process_is_continued_by_two(folders: tuple[Path, Path], name: str) -> None:
    one, two = load(name, folders[0]), load(name, folders[1] / "handed")
    assert two.resumed_from == 2
    assert distance(two, one) < EXACT
    assert weight_distance(two, one) < WEIGHTS


@pytest.mark.parametrize("name", CUTS)
def test_a_checkpoint_of_two_processes_is_continued_by_one(folders: tuple[Path, Path], name: str) -> None:
    one, two = folders
    cut(name, two)
    resumed, straight = run(name, two), load(name, one)
    assert resumed.resumed_from == 2
    assert distance(resumed, straight) < EXACT
    assert weight_distance(resumed, straight) < WEIGHTS


def test_the_adapter_written_by_two_is_that_of_one(folders: tuple[Path, Path]) -> None:
    saved = [load_file(folder / "siu" / "adapter" / "adapter_model.safetensors") for folder in folders]
    assert saved[0].keys() == saved[1].keys()
    for name, tensor in saved[0].items():
        assert torch.allclose(tensor, saved[1][name], atol=EXACT, rtol=0)


def test_only_the_leader_writes(folders: tuple[Path, Path]) -> None:
    one, two = ({p.relative_to(f) for p in f.rglob("*") if p.is_file()} for f in folders)
    extra = {p for p in two - one if p.parts[0] not in ("handed", "nan") and "failures" not in p.name}
    assert not {p for p in extra if "rng_state" in p.name}
    lines = (folders[1] / "siu" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2]


def test_what_fails_in_one_process_fails_in_both(folders: tuple[Path, Path]) -> None:
    first, second = json.loads((folders[1] / "failures-0.json").read_text())
    assert first["user"] == second["user"]
    assert first["user"].startswith("UserError: Wrong.")
    assert second["own"] == "ValueError: only here"
    assert first["own"] == "ElsewhereError: process 1 failed: ValueError: only here"
    assert "Step 1: term broken is nan on example anchor-0" in first["nan"]
    assert "Step 1: term broken is nan on example anchor-0" in second["nan"]


@pytest.mark.parametrize("key", [None, pair_key])
@pytest.mark.parametrize("processes", [1, 2, 7])
def test_every_pack_is_one_process_s(processes: int, key: Callable[..., str] | None) -> None:
    vlm = build("llava")
    packs = build_packs(vlm, make_rows(vlm, examples()), max_tokens=30)
    parts = shares(packs, processes, key=key)
    assert len(parts) == processes
    assert sorted(row.example for part in parts for pack in part for row in pack.rows) == sorted(
        example.id for example in examples()
    )
    loads = [sum(len(pack) for pack in part) for part in parts]
    heaviest = max(len(pack) for pack in packs)
    if key is None:
        assert max(loads) - min(loads) <= heaviest
    else:
        where = [{key(row) for pack in part for row in pack.rows} for part in parts]
        assert not any(a & b for i, a in enumerate(where) for b in where[:i])
