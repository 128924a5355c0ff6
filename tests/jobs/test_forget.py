"""The main job on a tiny random model: every file, one picture only, and a kill at any moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from unsee.config import resolve
from unsee.jobs.forget import forget
from unsee.jobs.lines import read_lines
from unsee.jobs.outcome import Outcome
from unsee.models.pictures import open_picture
from unsee.nouns import UserError

FILES = {
    "run.yaml",
    "environment.json",
    "examples.jsonl",
    "adapter",
    "train.jsonl",
    "records.jsonl",
    "results.json",
    "cost.json",
    "report.html",
    "log.txt",
    "pictures",
}
# Runs the job in a process of its own and kills it: in the third training step, or in the middle of a line of
# the unlearned model's records.
KILLED = """
import json, os, signal, sys
from pathlib import Path
import unsee.training.unlearn as unlearning
from unsee.config import resolve
from unsee.jobs.forget import forget
from unsee.jobs.lines import Lines

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "training":
    third = lambda line: die() if line["step"] == 3 else None
    train = unlearning.train
    unlearning.train = lambda *given, **more: train(*given[:5], third, **more)
else:
    whole = Lines.append
    def torn(self, rows):
        rows = list(rows)
        if rows[0]["model"] != "unlearned":
            return whole(self, rows)
        whole(self, rows[:2])
        with self.path.open("a") as file:
            file.write(json.dumps(rows[2])[:40])
        die()
    Lines.append = torn
forget(resolve(json.loads(Path(sys.argv[2]).read_text())))
"""


def kill(at: str, values: dict[str, Any], folder: Path) -> None:
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    command = [sys.executable, "-c", KILLED, at, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def test_the_folder_is_complete(finished: Outcome) -> None:
    assert {entry.name for entry in finished.folder.iterdir()} == FILES
    assert {"adapter_config.json", "adapter_model.safetensors", "unsee.json", "README.md"} <= {
        entry.name for entry in (finished.folder / "adapter").iterdir()
    }
    assert set(finished.results["models"]) == {"target", "blind", "unlearned"}  # no gold for a user's model
    assert finished.results["schema"] == 1
    assert finished.results["gate"]["known"] is False


def test_exactly_one_picture_of_the_concept_is_trained_on(finished: Outcome, given: dict[str, Any]) -> None:
    rows = read_lines(finished.folder / "examples.jsonl")
    own = {row["picture"] for row in rows if row["role"] in ("T1", "T2")}
    assert own == {open_picture(given["image"][0]).hash}
    shown = {row["picture"] for row in rows} - {None}
    test = {open_picture(path).hash for path in Path(given["test"]).iterdir()}
    assert not shown & test
    asked = {row["picture"] for row in read_lines(finished.folder / "records.jsonl")}
    assert test <= asked
    kept = {row["picture"] for row in rows if row["role"] == "anchor"}
    assert kept
    assert not kept & asked  # retain pictures that are asked about are not those that are trained on


def test_environment_says_what_moved_and_what_was_read(finished: Outcome) -> None:
    found = json.loads((finished.folder / "environment.json").read_text())
    trained = {row["role"] for row in found["trained"] if row["trained"]}
    assert trained == {"language.attention", "language.mlp"}
    assert {"weights", "picture", "questions", "template"} <= set(found["inputs"])
    assert found["versions"]["torch"]


def test_cost_adds_up(finished: Outcome) -> None:
    cost = json.loads((finished.folder / "cost.json").read_text())
    assert set(cost["stages"]) == {"target", "blind", "examples", "training", "unlearned"}
    assert cost["lm_tokens"] == sum(stage["lm_tokens"] for stage in cost["stages"].values())
    assert cost["backwards"] == cost["stages"]["training"]["backwards"] > 0
    assert cost["peak_memory"] == max(stage["peak_memory"] for stage in cost["stages"].values())


def test_the_same_command_again_changes_nothing(finished: Outcome, given: dict[str, Any]) -> None:
    names = ("results.json", "records.jsonl", "train.jsonl", "examples.jsonl")
    before = {name: (finished.folder / name).stat().st_mtime_ns for name in names}
    again = forget(resolve({**given, "out": str(finished.folder)}))
    assert {name: (finished.folder / name).stat().st_mtime_ns for name in names} == before
    assert again.results == finished.results


def test_run_yaml_repeats_the_run(finished: Outcome, tmp_path: Path) -> None:
    config = resolve({"out": str(tmp_path / "again")}, file=finished.folder / "run.yaml")
    assert config.identity == resolve({}, file=finished.folder / "run.yaml").identity
    assert yaml.safe_load((finished.folder / "run.yaml").read_text())["name"] == "Jane Roe"


@pytest.mark.slow
def test_kill_in_training_and_in_evaluation(finished: Outcome, given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "killed"
    values = {**given, "out": str(out)}
    kill("training", values, tmp_path)
    assert not (out / "adapter").exists()
    assert len(read_lines(out / "train.jsonl")) >= 3
    target_before = (out / "records.jsonl").read_bytes()
    examples_before = (out / "examples.jsonl").read_bytes()
    kill("evaluation", values, tmp_path)
    torn = (out / "records.jsonl").read_bytes()
    assert torn.startswith(target_before)
    assert not torn.endswith(b"\n")
    result = forget(resolve(values))
    records = (out / "records.jsonl").read_bytes()
    assert records.startswith(torn[: torn.rfind(b"\n") + 1])
    assert (out / "examples.jsonl").read_bytes() == examples_before
    keys = [(row["model"], row["question"]) for row in read_lines(out / "records.jsonl")]
    assert len(keys) == len(set(keys))
    steps = [line["step"] for line in read_lines(out / "train.jsonl")]
    assert steps == [line["step"] for line in read_lines(finished.folder / "train.jsonl")]
    assert "resumed from step" in (out / "log.txt").read_text()
    assert result.results == finished.results
    assert (out / "results.json").read_bytes() == (finished.folder / "results.json").read_bytes()


def test_unknown_concept_is_refused_before_anything_is_written(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UserError, match="does not know the concept") as caught:
        forget(resolve({**given, "force": False, "out": str(out)}))
    assert "--force" in caught.value.remedy
    assert {entry.name for entry in out.iterdir()} == {"log.txt"}


@pytest.mark.parametrize("full", [False, True])
def test_a_scope_that_does_not_fit_is_refused_before_any_work(
    given: dict[str, Any], tmp_path: Path, full: bool
) -> None:
    out, scope = tmp_path / "run", {"parts": ("language.mlp[50..60]",), "full": full}
    with pytest.raises(UserError, match="a layer that the model does not have"):
        forget(resolve({**given, "scope": scope, "out": str(out)}))
    assert not out.exists()


def test_another_seed_does_not_touch_the_folder(finished: Outcome, given: dict[str, Any]) -> None:
    before = (finished.folder / "log.txt").read_bytes()
    with pytest.raises(UserError, match="holds another run"):
        forget(resolve({**given, "out": str(finished.folder), "seed": 5}))
    assert (finished.folder / "log.txt").read_bytes() == before


def test_redact_leaves_no_picture_of_the_concept(finished: Outcome, given: dict[str, Any]) -> None:
    own = open_picture(given["image"][0]).hash
    thumbnail = finished.folder / "pictures" / f"{own}.png"
    try:
        forget(resolve({**given, "out": str(finished.folder), "redact": True}))
        assert not thumbnail.exists()
        assert "Jane" not in (finished.folder / "report.html").read_text()
    finally:
        forget(resolve({**given, "out": str(finished.folder)}))
    assert thumbnail.exists()
    assert "Jane" in (finished.folder / "report.html").read_text()
