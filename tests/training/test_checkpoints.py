"""Files that survive a kill."""

import json

import pytest

from unsee.nouns import UserError
from unsee.training.checkpoints import (
    append_line,
    claim,
    drop_older,
    keep_steps,
    last_complete,
    mark_complete,
    read_lines,
)


def test_unfinished_checkpoints_are_removed(tmp_path):
    for step in (2, 4, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    mark_complete(tmp_path / "checkpoint-2")
    mark_complete(tmp_path / "checkpoint-4")
    assert last_complete(tmp_path).name == "checkpoint-4"
    assert not (tmp_path / "checkpoint-10").exists()
    assert last_complete(tmp_path / "nothing") is None


def test_newest_is_by_number_not_by_text(tmp_path):
    for step in (2, 10, 4):
        (tmp_path / f"checkpoint-{step}").mkdir()
        mark_complete(tmp_path / f"checkpoint-{step}")
    assert last_complete(tmp_path).name == "checkpoint-10"
    drop_older(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-4"]


def test_log_is_cut_back_to_the_checkpoint(tmp_path):
    log = tmp_path / "train.jsonl"
    for step in range(5):
        append_line(log, {"step": step})
    with open(log, "a") as file:
        file.write('{"step": 5, "lo')  # killed while writing
    assert [line["step"] for line in read_lines(log)] == [0, 1, 2, 3, 4]
    assert [line["step"] for line in keep_steps(log, 3)] == [0, 1, 2, 3]
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [0, 1, 2, 3]
    assert keep_steps(log, 0) == []
    assert log.read_text() == ""


def test_no_number_that_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_line(tmp_path / "log", {"step": 1, "loss": float("nan")})


def test_claim(tmp_path):
    claim(tmp_path / "new", "a")
    claim(tmp_path / "new", "a")
    with pytest.raises(UserError, match="another training run"):
        claim(tmp_path / "new", "b")
