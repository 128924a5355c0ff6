from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from unsee.jobs.lines import Lines, read_lines, write_atomic, write_json

ROWS = [
    {"model": "target", "question": f"q{i}", "reply": text}
    for i, text in enumerate(["a", "b\nc", "\u2028 \x00", "é"])
]


def test_lines_come_back_and_a_present_key_is_not_written_again(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "r.jsonl", ("model", "question"))
    lines.append(ROWS)
    lines.append([{**ROWS[0], "reply": "other"}])
    assert read_lines(lines.path) == ROWS
    assert ("target", "q1") in Lines(lines.path, ("model", "question"))


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_last_line_is_dropped_and_the_file_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "r.jsonl"
    Lines(path, ("question",)).append(ROWS)
    path.write_bytes(path.read_bytes()[:-cut])
    again = Lines(path, ("question",))
    assert again.rows == ROWS[:-1]
    again.append(ROWS)
    assert read_lines(path) == ROWS
    assert all(json.loads(line) for line in path.read_text().split("\n")[:-1])


def test_lone_surrogates_do_not_break_the_file(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "r.jsonl", ("question",))
    lines.append([{"question": "q", "reply": "bad \ud800 text"}])
    assert len(read_lines(lines.path)) == 1


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "f.json"
    write_json(file, {"a": 1})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(file, "new")
    assert json.loads(file.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["f.json"]


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
