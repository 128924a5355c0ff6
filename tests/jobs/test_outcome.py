"""What a command prints at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.jobs import outcome as outcomes
from unsee.jobs.folder import RunFolder
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt


def test_the_cost_stands_in_the_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outcomes, "plain_results", lambda results, redact: "results")
    Outcome(tmp_path, {}).print()
    assert "cost     " not in capsys.readouterr().out
    with Receipt(RunFolder(tmp_path)).stage("target") as cost:
        cost.forward(tokens=1200, head_rows=3)
        cost.row_by_row.lm_tokens = 9000
    Outcome(tmp_path, {}).print()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("cost     ")
    assert "1,200 (9,000) tokens" in last
