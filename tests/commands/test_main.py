"""Verbs, errors and exit codes, without a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.commands.main import run
from unsee.config import keys


@pytest.mark.parametrize(
    "verb", ["forget", "evaluate", "bench", "report", "export", "list", "doctor", "train", "world"]
)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"unsee {verb}" in capsys.readouterr().out


def test_help_documents_every_knob(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    run(["forget", "--help"])
    text = capsys.readouterr().out
    for key, _ in keys():
        assert (key in text) if "." in key or key == "knobs" else (f"--{key.replace('_', '-')}" in text), key


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["forget", "--imag", "x.jpg"], "did you mean --image?"),
        (["forgt"], "did you mean forget?"),
        (["forget", "--set", "traning.lr=1"], "did you mean training.lr?"),
        (["forget", "--select", "bst"], "training.select"),
        (["forget", "--seed", "many"], "--seed"),
        (["report"], "RUN"),
    ],
)
def test_wrong_command_lines_exit_with_2(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert hint in err
    assert "Traceback" not in err
    for part in ("got:", "expected:", "remedy:"):
        assert part in err


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(tmp_path), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_failure_exits_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import unsee.jobs.doctor

    def fail() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(unsee.jobs.doctor, "examine", fail)
    assert run(["doctor"]) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: boom" in err
    assert "Traceback" not in err


def test_train_world_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "world"]) == 2
    assert "--out" in capsys.readouterr().err


def test_list_of_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "suites"]) == 0
    assert capsys.readouterr().out.startswith("concept")
