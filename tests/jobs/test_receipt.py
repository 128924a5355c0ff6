"""The receipt adds up over processes, and says which stage lost a part of its cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.jobs.folder import RunFolder
from unsee.jobs.receipt import Receipt


def test_stages_add_up_over_processes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for tokens in (3, 4):
        with Receipt(folder).stage("target") as cost:
            cost.lm_tokens += tokens
    found = folder.read("cost.json")
    assert found["lm_tokens"] == found["stages"]["target"]["lm_tokens"] == 7
    assert "begun" not in found
    assert "interrupted" not in found


def stop_in_training(folder: RunFolder) -> None:
    with Receipt(folder).stage("training") as cost:
        cost.lm_tokens += 5
        raise KeyboardInterrupt


def test_a_stage_that_was_stopped_is_listed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stop_in_training(folder)
    assert folder.read("cost.json")["begun"] == ["training"]
    receipt = Receipt(folder)
    with receipt.stage("target"):
        pass
    with receipt.stage("training") as cost:
        cost.lm_tokens += 2
    found = folder.read("cost.json")
    assert found["interrupted"] == ["training"]
    assert "begun" not in found
    assert found["stages"]["training"]["lm_tokens"] == 2
