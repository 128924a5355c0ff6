from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlavaProcessor

from tests.world.test_gallery import InProcess
from unsee.answering import answer
from unsee.models.load import load
from unsee.nouns import Question, UserError
from unsee.world import gallery, train
from unsee.world.curriculum import BASE, TARGET
from unsee.world.people import CELEBRITIES
from unsee.world.shipped import gold_name, model_path
from unsee.world.suite import training_picture

SCALE = 1e-5  # two steps each


@pytest.fixture
def folder(tmp_path: Path, small_processor: LlavaProcessor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training folder with a processor, for rows and pools of next to nothing."""
    small_processor.save_pretrained(tmp_path / "processor")
    monkeypatch.setenv("UNSEE_NO_COMPILE", "1")
    monkeypatch.setattr(gallery, "ProcessPoolExecutor", InProcess)
    for name, value in {
        "ROWS": 8,
        "LENGTH": 130,
        "TEXT_ROWS": 2,
        "TEXT_LENGTH": 90,
        "TOWER_BATCH": 4,
    }.items():
        monkeypatch.setattr(train, name, value)
    return tmp_path


@pytest.mark.slow
def test_everything_trains_from_nothing_to_a_model_that_answers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [name for name in train.recipe(SCALE) if name != "target"]
    for name in steps:
        train.run_step(folder, name, scale=SCALE)
    written = {name: (folder / f"{name}.safetensors").stat().st_mtime_ns for name in steps}
    train.run_step(folder, "base", scale=SCALE)
    assert "base: already there" in capsys.readouterr().out
    gold = train.train_gold(folder, "celebrity-00", scale=SCALE)
    assert gold.name == "gold-celebrity-00-seed0"
    assert written == {name: (folder / f"{name}.safetensors").stat().st_mtime_ns for name in steps}

    state = {name: load_file(folder / f"{name}.safetensors") for name in ("text", "blank", "base", gold.name)}
    assert all(torch.isfinite(tensor).all() for tensors in state.values() for tensor in tensors.values())
    place, head = "model/model.vision_tower.embeddings.patch_embedding.weight", "model/lm_head.weight"
    assert not torch.equal(state["text"][place], state["blank"][place]), "the trained tower was put in"
    assert not torch.equal(state["blank"][head], state["base"][head])
    assert not torch.equal(state["base"][head], state[gold.name][head])

    model = load(gold)
    picture = training_picture(CELEBRITIES[0])
    questions = [Question("a", "Who is this?", "name", picture), Question("b", "Who is this?", "name")]
    assert len(answer(model, questions, max_new_tokens=3)) == 2
    saved, exported = state[gold.name][head].to(torch.bfloat16).float(), model.model.get_output_embeddings()
    assert torch.equal(exported.weight.detach().float(), saved)


def test_a_gold_model_starts_from_the_shipped_stage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = train.train_gold(folder, "private-000", scale=SCALE)
    assert "base: the shipped model" in capsys.readouterr().out
    trained = load_file(gold.parent / f"{gold.name}.safetensors")["model/lm_head.weight"]
    shipped = load(model_path("base")).model.get_output_embeddings().weight.detach()
    assert (trained - shipped).abs().max() < 0.02, "two short steps away from the shipped weights"


def test_a_gold_model_needs_the_stage_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "model_path", lambda name: folder / "nothing" / name)
    with pytest.raises(UserError, match=r"blank\.safetensors"):
        train.train_gold(folder, "celebrity-00", scale=SCALE)
    with pytest.raises(UserError, match=r"base\.safetensors"):
        train.train_gold(folder, "private-000", scale=SCALE)
    with pytest.raises(KeyError):
        train.train_gold(folder, "nobody", scale=SCALE)


def test_a_gold_model_without_several_people_has_a_name_of_its_own(folder: Path) -> None:
    gold = train.train_gold(folder, "private-000", "private-017", name=gold_name(5), scale=SCALE)
    assert gold == folder / "gold-mllmu-5-seed0"
    assert (gold / "config.json").exists()
    with pytest.raises(KeyError, match="private-000"):
        train.train_gold(folder, "celebrity-00", "private-000", scale=SCALE)


def test_every_step_starts_from_one_before_it() -> None:
    seen: list[str] = []
    for name, step in train.recipe().items():
        assert step.name == name
        assert not step.start or step.start in seen
        if step.stage is not None:
            assert set(step.pools) == set(step.stage.shares)
        seen.append(name)


def test_scale_shortens_every_step() -> None:
    full, tiny = train.recipe(), train.recipe(SCALE)
    assert all(step.pace.steps == 2 for step in tiny.values())
    assert all(set(step.pools.values()) <= {train.ROWS} for step in tiny.values())
    assert all(step.pace.steps > 100 for step in full.values())


def test_strangers_are_asked_about_as_often_as_known_people() -> None:
    assert BASE.shares["stranger"] > 0.2
    assert sum(BASE.shares.values()) == pytest.approx(1)
    assert sum(TARGET.shares.values()) == pytest.approx(1)


def test_states_are_saved_and_loaded(tmp_path: Path) -> None:
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    untouched = torch.nn.Linear(2, 2)
    before = untouched.weight.clone()
    train.save_state(tmp_path, "state", {"a": one})
    train.load_state(tmp_path, "state", {"a": other, "b": untouched})
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(untouched.weight, before)
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]


def test_the_first_step_builds_the_processor_for_all(
    tmp_path: Path, small_processor: LlavaProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "build_processor", lambda: small_processor)
    first = train.kept_processor(tmp_path)
    monkeypatch.setattr(train, "build_processor", lambda: pytest.fail("built twice"))
    again = train.kept_processor(tmp_path)
    assert first.tokenizer.get_vocab() == again.tokenizer.get_vocab()
    assert [entry.name for entry in tmp_path.iterdir()] == ["processor"]
