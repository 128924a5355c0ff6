"""``unsee world export``: formats, folders, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.commands.main import run
from unsee.jobs import world
from unsee.suites.mllmu.load import load
from unsee.suites.mmubench.load import load_benchmark
from unsee.world import mllmu, mmubench


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mmubench.embedded_benchmark
    monkeypatch.setattr(
        mmubench,
        "embedded_benchmark",
        lambda: whole(concepts=("brand-0", "style-0"), pictures=3, questions=4),
    )


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("form", "file"), [("mmubench", "evaldata/miadata.json"), ("mmubench-ours", "mia.jsonl")]
)
def test_both_layouts_of_mmubench(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, file: str
) -> None:
    assert run(["world", "export", "--format", form, str(tmp_path / "out")]) == 0
    assert str(tmp_path / "out") in capsys.readouterr().out
    assert (tmp_path / "out" / "brand-0" / file).is_file()
    assert [e.id for e in load_benchmark(tmp_path / "out").entries] == ["brand-0", "style-0"]
    assert [f.name for f in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("nested", [False, True])
def test_mllmu_with_both_sorts_of_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nested: bool
) -> None:
    for people in ("everybody", "altered", "celebrities"):
        some = getattr(mllmu, people)()[:20]
        monkeypatch.setattr(mllmu, people, lambda some=some: some)
    form = "mllmu-nested" if nested else "mllmu"
    assert run(["world", "export", "--format", form, str(tmp_path / "out")]) == 0
    splits = [{p.id for p in load(tmp_path / "out", ratio).forget} for ratio in (5, 10, 15)]
    assert [len(ids) for ids in splits] == [1, 2, 3]
    assert (splits[0] < splits[1] < splits[2]) == nested


@pytest.mark.usefixtures("two")
def test_what_cannot_be_written_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert run(["world", "export", str(tmp_path / "full")]) == 2
    assert "a new or an empty folder" in capsys.readouterr().err
    assert run(["world", "export", "--format", "mmubensh", str(tmp_path / "new")]) == 2
    assert "did you mean mmubench?" in capsys.readouterr().err
    assert run(["world", "import", str(tmp_path / "new")]) == 2
    assert "unsee world export" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_stopped_export_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "FORMATS", {"x": stop})
    with pytest.raises(KeyboardInterrupt):
        world.export(tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(world, "FORMATS", {"x": lambda folder: (folder / "whole").touch()})
    assert [f.name for f in world.export(tmp_path / "out", "x").iterdir()] == ["whole"]
