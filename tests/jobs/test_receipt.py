"""The receipt adds up over processes, and says which stage lost a part of its cost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from unsee.commands.main import run
from unsee.jobs import mllmu, mllmu_bench
from unsee.jobs.folder import RunFolder
from unsee.jobs.receipt import Receipt, added, whole_cost
from unsee.packs.cost import Cost
from unsee.world import train as world


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


def test_every_benchmark_ends_with_the_line_about_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Receipt(RunFolder(tmp_path)).add("target", Cost(lm_tokens=70, seconds=2.0))
    monkeypatch.setattr(mllmu, "markdown", lambda results: "a table")
    monkeypatch.setattr(mllmu_bench, "short", lambda results: ["a table"])
    for done in (mllmu.BenchmarkOutcome(tmp_path, {}), mllmu_bench.PeopleBench(tmp_path, {}, True)):
        done.print()
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.startswith("cost     2.0 s")
        assert "70 (0) tokens" in last


def test_training_of_the_world_notes_time_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second call adds its seconds."""
    monkeypatch.setattr(world, "train_world", lambda out, **options: time.sleep(0.05))
    for calls in (1, 2):
        assert run(["train", "world", "--out", str(tmp_path)]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("cost     0.")
        found = json.loads((tmp_path / "cost.json").read_text())
        assert set(found) == {"seconds", "peak_memory", "resident_memory", "activation_memory"}
        assert 0.05 * calls <= found["seconds"] < 2
        assert found["peak_memory"] >= found["resident_memory"] > 0
