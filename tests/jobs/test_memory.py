"""unsee doctor --model, and runs that will not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.make import save_model
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs import memory as memory_module
from unsee.jobs.forget import forget
from unsee.jobs.memory import GIB, memory_lines, needed, predict_run
from unsee.models import load as load_module
from unsee.models.skeleton import skeleton
from unsee.nouns import UserError


def test_doctor_predicts_from_the_configuration_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    assert run(["doctor", "--model", str(folder), "--method", "siu", "--dtype", "bfloat16"]) == 0
    said = capsys.readouterr().out
    assert "language.attention 6,144" in said
    assert "24 GB yes, 40 GB yes, 80 GB yes" in said
    assert "training.checkpointing=true" in said
    assert "training.quantize=4bit" in said


def test_a_copy_of_the_model_counts(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "model")

    def found(method: str) -> Any:
        config = resolve({"model": str(folder), "method": method, "dtype": "float32"})
        vlm = skeleton(folder, load_module.DTYPES["float32"]).vlm
        return predict_run(vlm, config)

    assert found("ga").reference == 0
    assert found("siu").reference > 0
    assert found("siu").copies == 0


def test_no_model_and_a_wrong_one_are_told(tmp_path: Path) -> None:
    assert run(["doctor", "--model", str(tmp_path / "none")]) == 2
    assert run(["doctor", "--model", str(tmp_path)]) == 2
    with pytest.raises(UserError, match="no model to predict for"):
        list(memory_lines(resolve({})))


def test_a_run_that_will_not_fit_is_refused_before_weights_are_read(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_late(*_: Any, **__: Any) -> Any:
        raise AssertionError("weights were read")

    monkeypatch.setattr(load_module.AutoModelForImageTextToText, "from_pretrained", too_late)
    monkeypatch.setattr(memory_module, "available", lambda device: 10**6)
    values = {key: value for key, value in given.items() if key != "force"}
    with pytest.raises(UserError, match="not enough memory") as error:
        forget(resolve({**values, "out": str(tmp_path / "out")}))
    assert "training.checkpointing" in error.value.remedy
    line = ["forget", "--model", given["model"], "--image", given["image"][0], "--name", "Jane Roe"]
    assert run([*line, "--out", str(tmp_path / "out")]) == 2
    assert "not enough memory is predicted" in capsys.readouterr().err
    with pytest.raises(AssertionError, match="weights were read"):
        forget(resolve({**given, "force": True, "out": str(tmp_path / "out")}))


def test_the_allowance_is_for_context_and_waste() -> None:
    class Gigabyte:
        total = GIB

    assert needed(Gigabyte()) == pytest.approx(2.1 * GIB)  # type: ignore[arg-type]
