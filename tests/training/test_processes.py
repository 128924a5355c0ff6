"""Training in two processes (gloo, CPU), each with the whole model, or with the decoder split (FSDP2).

The losses of one process, checkpoints that change hands, files of one, failing together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file

from tests.pair import both_done, run_pair
from tests.tiny import build
from tests.training.courses import COURSES, SHARDED, Course, cut, distance, load, run, weight_distance
from tests.training.rows import examples
from unsee.methods.parts import pair_key
from unsee.packs.pack import build_packs
from unsee.packs.rows import make_rows
from unsee.training.sharing import shares

CUTS = ("cut lora", "cut full")
EXACT = 1e-5
WEIGHTS = 1e-4


class Way(NamedTuple):
    """How two processes train: which courses, what else they are told to do, how they are launched."""

    courses: tuple[str, ...]
    more: tuple[str, ...] = ()
    launched: Mapping[str, str] = {}


WAYS = {
    "whole": Way(tuple(name for name in COURSES if name not in CUTS), ("divided", "failures")),
    # as accelerate launch sets it
    "split": Way(SHARDED, launched={"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}),
}
BOTH = [(way, name) for way in WAYS for name in CUTS]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every course by one process."""
    folder = tmp_path_factory.mktemp("one")
    for name in COURSES:
        run(name, folder)
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The courses of a way by two processes, trained once; in ``handed`` those that one process began."""

    @cache
    def trained(name: str) -> Path:
        way, folder = WAYS[name], tmp_path_factory.mktemp(name)
        for course in CUTS:
            run(course, folder / "handed")
            cut(course, folder / "handed")
        todo = [*way.courses, *CUTS, *(f"handed/{course}" for course in CUTS), *way.more]
        both_done(run_pair(["-m", "tests.training.courses", str(folder), *todo], **way.launched))
        return folder

    return trained


@pytest.fixture
def two(request: pytest.FixtureRequest, pairs: Callable[[str], Path]) -> Path:
    """The folder of a way."""
    return pairs(request.param)


def same(found: Course, expected: Course) -> None:
    """The same losses, and weights that are as near as Adam leaves them."""
    assert distance(found, expected) < EXACT
    assert weight_distance(found, expected) < WEIGHTS


@pytest.mark.parametrize(
    ("two", "name"), [(way, name) for way in WAYS for name in WAYS[way].courses], indirect=["two"]
)
def test_two_processes_have_the_losses_and_weights_of_one(one: Path, two: Path, name: str) -> None:
    alone, pair = load(name, one), load(name, two)
    same(pair, alone)
    assert alone.kept == pair.kept


@pytest.mark.parametrize("two", ["whole"], indirect=True)
def test_no_process_is_idle_while_there_are_packs(two: Path) -> None:
    for name in WAYS["whole"].courses:
        busy = [passes > 0 for passes in load(name, two).backwards]
        assert busy == [True, name != "single"], name


@pytest.mark.parametrize(("two", "name"), BOTH, indirect=["two"])
def test_a_checkpoint_of_one_process_is_continued_by_two(one: Path, two: Path, name: str) -> None:
    handed = load(name, two / "handed")
    assert handed.resumed_from == 2
    same(handed, load(name, one))


@pytest.mark.parametrize(("two", "name"), BOTH, indirect=["two"])
def test_a_checkpoint_of_two_processes_is_continued_by_one(one: Path, two: Path, name: str) -> None:
    cut(name, two)
    resumed = run(name, two)
    assert resumed.resumed_from == 2
    same(resumed, load(name, one))


@pytest.mark.parametrize("two", WAYS, indirect=True)
@pytest.mark.parametrize(("name", "file"), [("siu", "adapter_model"), ("dpo", "edit")])
def test_what_two_processes_save_is_what_one_saves(one: Path, two: Path, name: str, file: str) -> None:
    saved = [load_file(folder / name / "adapter" / f"{file}.safetensors") for folder in (one, two)]
    assert saved[0].keys() == saved[1].keys()
    for key, tensor in saved[0].items():
        assert torch.allclose(tensor, saved[1][key], atol=EXACT, rtol=0)


@pytest.mark.parametrize("two", ["whole"], indirect=True)
def test_only_the_leader_writes(one: Path, two: Path) -> None:
    alone, pair = ({p.relative_to(f) for p in f.rglob("*") if p.is_file()} for f in (one, two))
    extra = {p for p in pair - alone if p.parts[0] not in ("handed", "nan") and "failures" not in p.name}
    assert not {p for p in extra if "rng_state" in p.name}
    lines = (two / "siu" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2]


@pytest.mark.parametrize("two", ["whole"], indirect=True)
def test_what_fails_in_one_process_fails_in_both(two: Path) -> None:
    first, second = json.loads((two / "failures-0.json").read_text())
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
