"""evaluate, export, report, list, doctor and the Python API on the finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import unsee
from tests.tiny import picture
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs.api import _resolve
from unsee.jobs.catalogue import describe, overview
from unsee.jobs.doctor import Finding, examine
from unsee.jobs.evaluate import evaluate
from unsee.jobs.export import export
from unsee.jobs.outcome import Outcome
from unsee.models.adapters import load_adapter, probe_logits
from unsee.models.load import load
from unsee.nouns import Concept, UserError


def test_export_of_the_adapter_loads_with_our_checks(
    finished: Outcome, given: dict[str, Any], tmp_path: Path
) -> None:
    assert run(["export", str(finished.folder), "--out", str(tmp_path / "adapter")]) == 0
    loaded = load_adapter(load(given["model"]), tmp_path / "adapter")
    plain = probe_logits(load(given["model"]))
    assert not torch.equal(probe_logits(loaded), plain)


def test_merged_export_is_a_plain_model_that_answers_alike(
    finished: Outcome, given: dict[str, Any], tmp_path: Path
) -> None:
    export(finished.folder, tmp_path / "whole", whole=True)
    merged = load(tmp_path / "whole")
    adapted = load_adapter(load(given["model"]), finished.folder / "adapter")
    assert not list((tmp_path / "whole").glob("adapter*"))
    assert torch.allclose(probe_logits(merged), probe_logits(adapted), atol=1e-4)
    assert (
        merged.chat.encode("Who?", None, picture(0)).ids == adapted.chat.encode("Who?", None, picture(0)).ids
    )


def test_export_refuses_a_full_folder_and_an_unfinished_run(finished: Outcome, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="exists already"):
        export(finished.folder, tmp_path)
    with pytest.raises(UserError, match="not a run folder"):
        export(tmp_path, tmp_path / "x")


def test_hostile_names_are_harmless_in_report_and_card(finished: Outcome) -> None:
    page = finished.report.read_text(encoding="utf-8")
    card = (finished.folder / "adapter" / "README.md").read_text(encoding="utf-8")
    for text in (page, card):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "\u202e" not in text
    assert "&lt;script&gt;alert" in page


def test_report_again(finished: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    finished.report.unlink()
    assert run(["report", str(finished.folder)]) == 0
    assert finished.report.exists()
    assert str(finished.report) in capsys.readouterr().out


def test_evaluate_asks_with_and_without_the_adapter(
    finished: Outcome, given: dict[str, Any], tmp_path: Path
) -> None:
    values = {key: value for key, value in given.items() if key != "force"}
    adapter = str(finished.folder / "adapter")
    config = resolve({**values, "adapter": adapter, "out": str(tmp_path / "e")})
    outcome = evaluate(config)
    assert set(outcome.results["models"]) == {"target", "blind", "unlearned"}
    assert outcome.adapter is None
    # The same questions to the same model: the same figures as in the run itself.
    for model in ("target", "unlearned"):
        assert outcome.results["models"][model] == finished.results["models"][model]


def test_evaluate_does_not_write_into_a_forget_run(finished: Outcome, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="other inputs") as caught:
        evaluate(resolve({**given, "out": str(finished.folder)}))
    assert "job" in caught.value.got


def test_unknown_suite(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="did you mean concept"):
        evaluate(resolve(given), suite="concpt")


def test_lists() -> None:
    for what in ("methods", "suites", "metrics", "models"):
        names = [line.split()[0] for line in overview(what).splitlines()]
        assert names, what
    listed = overview("methods").splitlines()
    at = next(i for i, line in enumerate(listed) if line.startswith("npo "))
    assert "arXiv 2404.05868" in listed[at]
    assert "L = -(2/beta) log sigma" in listed[at + 1]
    assert "cost beyond a pass over the forget rows: one reference forward" in listed[at + 2]
    told = describe("methods", "ga")
    assert "variants: paper, released_code, corrected; corrected is the default" in told
    assert "climbs the mean over every token" in told  # the file of the method speaks too
    assert overview("attacks") == "no attacks yet"
    assert "knobs.variant = corrected" in describe("methods", "siu")
    assert "better: lower" in describe("metrics", "naming_rate")
    with pytest.raises(UserError, match="did you mean siu"):
        describe("methods", "sui")
    with pytest.raises(UserError, match="did you mean methods"):
        overview("method")


def test_doctor_finds_what_is_there() -> None:
    findings = {finding.name: finding for finding in examine()}
    assert findings["torch"].present
    assert findings["pydantic"].needed
    line = Finding("x", False, True, "needs x>=2", "pip install 'x>=2'").line()
    assert line == "MISSING x: needs x>=2; get it with: pip install 'x>=2'"


def test_public_api_gives_the_configuration_of_the_command_line(given: dict[str, Any]) -> None:
    concept = Concept("Jane Roe", aliases=("J. R.",), facts=(("What does she do?", "She paints."),))
    arguments = {"model": given["model"], "image": given["image"], "seed": 3}
    config = _resolve(arguments, concept, None, {"training.lr": 1e-4, "scope": {"rank": 8}})
    assert (config.name, config.alias, config.fact) == (
        "Jane Roe",
        ("J. R.",),
        ("What does she do? She paints.",),
    )
    assert (config.seed, config.training.lr, config.scope.rank, config.preset) == (3, 1e-4, 8, "default")
    with pytest.raises(UserError, match=r"did you mean training\.lr"):
        _resolve(arguments, None, None, {"trainig.lr": 1})


def test_forget_from_python_continues_the_run(finished: Outcome, given: dict[str, Any]) -> None:
    done = unsee.forget(config=finished.folder / "run.yaml", out=finished.folder, force=True)
    assert done.results == finished.results
    assert done.adapter == finished.folder / "adapter"


def test_output_is_plain_when_not_on_a_terminal(
    finished: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    finished.print()
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert str(finished.report) in said


def test_log_holds_no_torn_lines(finished: Outcome) -> None:
    text = (finished.folder / "log.txt").read_text(encoding="utf-8")
    assert all(line[:4].isdigit() for line in text.splitlines())
    assert "common words (Black, King)" in text
    assert json.loads((finished.folder / "environment.json").read_text())["inputs"]["job"] == "forget"
