from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.fake_run import make_run
from unsee.nouns import UserError
from unsee.reports.files import read_run, write_text
from unsee.reports.html import write_report
from unsee.reports.pictures import data_uri

OPTIONAL = ("environment.json", "cost.json", "train.jsonl", "records.jsonl", "examples.jsonl")


def test_optional_files_may_be_absent(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    for name in OPTIONAL:
        (run / name).unlink()
    assert "no longer names Jane Roe" in write_report(run).read_text(encoding="utf-8")


@pytest.mark.parametrize("needed", ["run.yaml", "results.json"])
def test_needed_files(tmp_path: Path, needed: str) -> None:
    run = make_run(tmp_path / "run")
    (run / needed).unlink()
    with pytest.raises(UserError):
        write_report(run)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.yaml", "a: [1"),
        ("run.yaml", "- 1"),
        ("results.json", "{"),
        ("results.json", '{"schema": 2, "models": {}}'),
        ("results.json", '{"schema": 1, "models": {"target": {"naming_rate": 1}}}'),
        ("results.json", '{"schema": 1, "models": {"target": {"naming_rate": {"value": "1"}}}}'),
        ("cost.json", "[]"),
        ("records.jsonl", '{"model": "target"}\n'),
        ("records.jsonl", "nonsense\n"),
        ("examples.jsonl", "[]\n"),
        ("train.jsonl", "{}\n"),
        ("environment.json", '{"trained": [1]}'),
        ("environment.json", b"\xff"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: str | bytes) -> None:
    run = make_run(tmp_path / "run")
    (run / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError, match=name.split(".")[0]):
        read_run(run)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    before = len(read_run(run).records)
    with (run / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"model": "tar')
    assert len(read_run(run).records) == before


def test_a_damaged_picture_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    file = next((run / "pictures").iterdir())
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(UserError, match=r"picture"):
        data_uri(file)


def test_a_picture_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (tmp_path / "secret.png").write_bytes(next((run / "pictures").iterdir()).read_bytes())
    assert read_run(run).picture("../../secret") is None


def test_writing_replaces_whole_files(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a", "\ud800")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
