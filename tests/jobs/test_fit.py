"""``unsee train target|gold --data``: who is learned, what is written, a kill, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.jobs.make import save_model
from tests.jobs.mllmu_people import FORGET, person, write_people
from unsee.answering import score
from unsee.commands.main import run
from unsee.jobs import fit as job
from unsee.jobs.fit import FitOptions, fit, lessons
from unsee.jobs.lines import read_lines
from unsee.models.load import load
from unsee.nouns import UserError
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.load import load as load_data
from unsee.training import trainer


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("fit")
    return {
        "data": str(write_people(root / "data")),
        "model": str(save_model(root / "model")),
        "epochs": 6,
        "lr": 1e-2,
        "device": "cpu",
        "save_every": 2,
    }


def options(given: dict[str, Any], out: Path, **more: Any) -> FitOptions:
    return FitOptions(**{**given, "out": out, **more})


def test_target_learns_everybody_and_gold_nobody_who_is_forgotten(given: dict[str, Any]) -> None:
    data = load_data(given["data"], 5, training=True)
    rows = {what: lessons(what, data, "both") for what in ("target", "gold")}
    people = {what: {row.id.rpartition("-")[2] for row in found} for what, found in rows.items()}
    assert people == {"target": {f"00{i}" for i in range(1, 6)}, "gold": {"003", "004", "005"}}
    forget = [person(int(key)) for key in FORGET]
    shown = {picture.hash for p in data.forget for picture in p.pictures}
    for row in rows["gold"]:
        assert not any(p.name in f"{row.prompt} {row.answer}" for p in forget)
        assert row.picture is None or row.picture.hash not in shown
    assert any(p.name in row.answer for p in forget for row in rows["target"])


@pytest.mark.parametrize("change", ["id", "picture"])
def test_a_person_on_both_sides_is_refused(change: str) -> None:
    one = person(1)
    other = person(1, shift=9) if change == "id" else person(2, shift=-1)
    data = Mllmu((one,), (), (person(3), other), (), (), 5, "by hand")
    with pytest.raises(UserError, match=rf"(?s)forgotten.*the same {change}".replace("id", "ID")):
        lessons("gold", data, "image_text")
    assert lessons("target", data, "image_text")


@pytest.mark.parametrize("preset", ["corrected", "release"])
def test_what_is_learned_and_written(given: dict[str, Any], tmp_path: Path, preset: str) -> None:
    made = fit("target", options(given, tmp_path / "out", preset=preset))
    lines = [line["loss"] for line in read_lines(tmp_path / "out" / "train.jsonl") if line.get("step")]
    assert lines[-1] < 0.8 * lines[0]
    assert json.loads((tmp_path / "out" / "people.json").read_text()) == [f"00{i}" for i in range(1, 6)]
    assert (tmp_path / "out" / "adapter" / "adapter_config.json").is_file()
    assert not (tmp_path / "out" / "checkpoints").exists()
    asked = [(q, a, p.pictures[0]) for p in (person(1), person(4)) for q, a in p.training]

    def likelihood(folder: str | Path) -> float:
        found = score(load(str(folder), device="cpu"), asked)
        return sum(sum(one.logprobs) for one in found)

    if preset == "corrected":  # the other recipe trains another text
        assert likelihood(made) > likelihood(given["model"])
    before = {p.name: p.stat().st_mtime_ns for p in made.iterdir()}
    assert fit("target", options(given, tmp_path / "out", preset=preset)) == made
    assert {p.name: p.stat().st_mtime_ns for p in made.iterdir()} == before
    with pytest.raises(UserError, match="another job"):
        fit("gold", options(given, tmp_path / "out", preset=preset))


def test_rows_of_a_person_share_their_picture(given: dict[str, Any], tmp_path: Path) -> None:
    fit("gold", options(given, tmp_path / "out", epochs=1, whole=False))
    cost = json.loads((tmp_path / "out" / "cost.json").read_text())["stages"]["training"]
    assert cost["images_encoded"] == 3
    assert cost["row_by_row"]["images_encoded"] == 9


def test_a_stopped_training_ends_with_the_same_weights(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"batch": 3}
    monkeypatch.setitem(job.RECIPES, "corrected", job.replace(job.CORRECTED, **small))
    fit("gold", options(given, tmp_path / "whole", whole=False))
    real, done = trainer.UnlearnTrainer.training_step, []

    def dies(self: Any, *args: Any, **more: Any) -> Any:
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(1)
        return real(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.UnlearnTrainer, "training_step", dies)
        with pytest.raises(KeyboardInterrupt):
            fit("gold", options(given, tmp_path / "run", whole=False))
    fit("gold", options(given, tmp_path / "run", whole=False))
    ends = [load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "run")]
    assert ends[0].keys() == ends[1].keys()
    assert all((ends[0][name] == ends[1][name]).all() for name in ends[0])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["world", "--data", "DIR", "--model", "M"], "nothing of this name"),
        (["target", "--data", "DIR"], "no model"),
        (["target", "--data", "DIR", "--model", "M", "--preset", "best"], "no such recipe"),
        (["gold", "--data", "DIR", "--model", "M", "--ratio", "7"], "no such split"),
        (["gold", "--data", "DIR", "--model", "M", "--concept", "x"], "mean nothing with --data"),
        (["gold", "--ratio", "5", "--preset", "release"], "mean nothing without --data"),
        (["target", "--model", "M"], "needs data and a model"),
        (["gold", "--ratio", "5", "--concept", "celebrity-00"], "never see"),
        (["gold", "--ratio", "6"], "no such split"),
    ],
)
def test_wrong_input_ends_with_2(
    words: list[str], told: str, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = {"DIR": given["data"], "M": given["model"]}
    code = run(["train", *(real.get(word, word) for word in words), "--out", str(tmp_path / "out")])
    assert code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
