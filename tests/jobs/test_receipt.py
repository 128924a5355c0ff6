"""The receipt adds up over processes, and says which stage lost a part of its cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.jobs.folder import RunFolder
from unsee.jobs.receipt import Receipt, added, whole_cost
from unsee.packs.cost import Cost


def test_stages_add_up_over_processes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for tokens in (3, 4):
        with Receipt(folder).stage("target") as cost:
            cost.lm_tokens += tokens
    found = folder.read("cost.json")
    assert found["lm_tokens"] == found["stages"]["target"]["lm_tokens"] == 7
    assert "begun" not in found
    assert "interrupted" not in found


def test_two_receipts_as_one() -> None:
    one = Cost(lm_tokens=10, peak_memory=5, seconds=1.0, phases={"forward": 1.0}, notes={"layout": "rows"})
    one.row_by_row.lm_tokens = 30
    two = Cost(lm_tokens=20, peak_memory=9, seconds=2.0, phases={"forward": 1.5, "pictures": 0.5})
    two.notes = {"layout": "packs"}
    both = added(added(None, one.as_json()), two.as_json())
    assert (both["lm_tokens"], both["peak_memory"], both["seconds"]) == (30, 9, 3.0)
    assert both["tokens_per_second"] == 10.0
    assert both["phases"] == {"forward": 2.5, "pictures": 0.5}
    assert both["row_by_row"]["lm_tokens"] == 30
    assert both["notes"] == {"layout": "packs"}


def test_a_receipt_of_an_older_version_is_added_to() -> None:
    old = {"lm_tokens": 1, "seconds": 1.0, "peak_memory": 3}
    both = added(old, Cost(lm_tokens=1, seconds=1.0).as_json())
    assert (both["lm_tokens"], both["peak_memory"], both["forwards"]) == (2, 3, 0)


def test_receipts_of_a_folder_of_runs(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/1"):
        (tmp_path / name).mkdir(parents=True)
        with Receipt(RunFolder(tmp_path / name)).stage("target") as cost:
            cost.lm_tokens += 5
    assert whole_cost(tmp_path)["lm_tokens"] == 15
    assert whole_cost(tmp_path / "a")["lm_tokens"] == 10
    assert "stages" not in whole_cost(tmp_path)
    assert whole_cost(tmp_path / "none") == {}


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
