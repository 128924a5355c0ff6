"""Experiment trackers get the Trainer's figures and each term of the loss, through the Trainer itself."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback
from transformers.integrations import integration_utils

from tests.tiny import build
from tests.training.rows import examples, settings
from unsee.methods.registry import get
from unsee.nouns import UserError
from unsee.training.runs import CHECKPOINTS, EVENTS
from unsee.training.trackers import FOLDER, check_trackers
from unsee.training.trainer import train


class Tracker(TrainerCallback):
    """Writes down what it is told."""

    seen: list[dict[str, Any]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        Tracker.seen.append(dict(logs))


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> type[Tracker]:
    Tracker.seen = []
    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "notebook", Tracker)
    monkeypatch.setattr(integration_utils, "get_available_reporting_integrations", lambda: ["notebook"])
    return Tracker


def test_every_step_is_reported(tracker: type[Tracker], tmp_path: Path) -> None:
    train(build("llava"), get("siu"), examples(), settings(passes=2, report_to=("notebook",)), tmp_path)
    steps = [line for line in tracker.seen if "loss" in line]
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    written = [line for line in lines if line["step"]]
    assert len(steps) == len(written) == 2
    for told, line in zip(steps, written, strict=True):
        assert told["loss"] == pytest.approx(line["loss"], rel=1e-3)
        assert {k: v for k, v in told.items() if k.startswith("term/")} == {
            f"term/{name}": pytest.approx(value) for name, value in line["terms"].items()
        }
        assert {"grad_norm", "learning_rate"} <= set(told)


def test_reporting_changes_no_weight_and_no_run(tracker: type[Tracker], tmp_path: Path) -> None:
    """A run goes on from its checkpoint with a tracker that it began without."""
    train(build("llava"), get("ga"), examples(), settings(passes=2), tmp_path)
    again = train(
        build("llava"), get("ga"), examples(), settings(passes=2, report_to=("notebook",)), tmp_path
    )
    assert again.resumed_from == 2


def test_without_trackers_nothing_is_reported(tracker: type[Tracker], tmp_path: Path) -> None:
    train(build("llava"), get("ga"), examples(), settings(passes=1), tmp_path)
    assert tracker.seen == []


@pytest.mark.parametrize("asked", [None, "mine"])
def test_tensorboard_finds_every_step_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    """The folder of checkpoints goes when a run has finished; its events must not be in it."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.delenv(FOLDER, raising=False)
    if asked:
        monkeypatch.setenv(FOLDER, str(tmp_path / asked))
    wanted = settings(passes=2, report_to=("tensorboard",))
    train(build("llava"), get("siu"), examples(), wanted, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / CHECKPOINTS)
    events = reading.EventAccumulator(str(tmp_path / (asked or f"run/{EVENTS}"))).Reload()
    lines = [json.loads(line) for line in (tmp_path / "run" / "train.jsonl").read_text().splitlines()]
    told = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert told == [(line["step"], pytest.approx(line["loss"], rel=1e-3)) for line in lines if line["step"]]
    assert os.environ.get(FOLDER) == (str(tmp_path / asked) if asked else None)


def test_trackers_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integration_utils, "get_available_reporting_integrations", lambda: [])
    with pytest.raises(UserError, match="not known"):
        check_trackers(("nowhere",))
    with pytest.raises(UserError, match="not installed") as error:
        check_trackers(("tensorboard",))
    assert "pip install tensorboard" in error.value.remedy
    check_trackers(())
