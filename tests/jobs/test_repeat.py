"""The command in the first line of run.yaml repeats the run: the same configuration, the same figures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.mmubench_folder import values
from unsee.commands.main import run
from unsee.config import RunConfig, build, parse_yaml, resolve
from unsee.jobs.bench_plan import Ask, cells_of
from unsee.jobs.folder import RUN, RunFolder
from unsee.jobs.lines import read_json
from unsee.jobs.mmubench import evaluate_mmubench
from unsee.jobs.repeat import header, repeat_command
from unsee.jobs.report import rewrite
from unsee.nouns import UserError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return values(tmp_path_factory.mktemp("mmubench"))


def said(folder: Path, out: Path) -> list[str]:
    """The command of a run folder, for another folder."""
    line = (folder / RUN).read_text(encoding="utf-8").splitlines()[0]
    command = shlex.split(line.removeprefix("# Repeat this run: "))
    return [{RUN: str(folder / RUN), "ANOTHER_FOLDER": str(out)}.get(word, word) for word in command]


def test_a_cell_of_mmubench_is_repeated(given: dict[str, Any], tmp_path: Path) -> None:
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--preset", "tiny", "--force"]
    short = [f"--set=evaluation.{key}" for key in ("limit=1", "max_new_tokens=3")]
    more = ["--concepts", "jane,john", "--set", "mmubench.together=2", "--grid", "training.passes=1"]
    first = ["bench", "mmubench", "--methods", "po", "--seeds", "3", "--jobs", "1", *where, *short, *more]
    assert run([*first, "--out", str(tmp_path / "one")]) == 0
    (cell,) = (tmp_path / "one" / "po").iterdir()
    command = said(cell, tmp_path / "two")
    assert command[:3] == ["unsee", "bench", "mmubench"]
    assert run([*command[1:], "--jobs", "1"]) == 0
    (again,) = (tmp_path / "two" / "po").iterdir()
    assert read_json(again / "results.json") == read_json(cell / "results.json")


@pytest.mark.parametrize("split", ["report", "selection"])
def test_a_cell_of_the_embedded_benchmark(tmp_path: Path, split: str) -> None:
    (cell,) = cells_of(Ask("mmubench", "siu", concepts="1", split=split, seeds="2"), tmp_path)
    file = tmp_path / "run.yaml"
    file.write_text(header(cell.config, "bench mmubench") + cell.config.as_yaml(), encoding="utf-8")
    assert again(file, cell.config, "bench mmubench").identity == cell.config.identity


def test_a_cell_of_mllmu(tmp_path: Path) -> None:
    asked = Ask("mllmu", "po", concepts="10", seeds="1", forms="text")
    (cell,) = cells_of(asked, tmp_path)
    file = tmp_path / "run.yaml"
    file.write_text(header(cell.config, "bench mllmu") + cell.config.as_yaml(), encoding="utf-8")
    assert again(file, cell.config, "bench mllmu").identity == cell.config.identity


def again(file: Path, config: RunConfig, job: str) -> RunConfig:
    """What the command of a cell resolves to."""
    words = shlex.split(repeat_command(config, job, file))
    value = dict(zip(words, words[1:], strict=False))
    places = value.get("--concepts") or value["--ratios"]
    split = value.get("--split", "report")
    ask = Ask(words[2], value["--methods"], value["--seeds"], places, split, file=file)
    (cell,) = cells_of(ask, file.parent / "again")
    return cell.config


def test_a_cell_of_the_world_is_a_run_of_forget(tmp_path: Path) -> None:
    (cell,) = cells_of(Ask("world", "npo", concepts="celebrity-02", grid=("training.lr=1e-3",)), tmp_path)
    words = shlex.split(repeat_command(cell.config, "forget"))
    assert words == ["unsee", "forget", "--config", "run.yaml", "--out", "ANOTHER_FOLDER"]
    file = tmp_path / "run.yaml"
    file.write_text(header(cell.config, "forget") + cell.config.as_yaml(), encoding="utf-8")
    assert resolve({"out": "elsewhere"}, file=file).identity == cell.config.identity


def test_an_evaluation_is_repeated_and_its_report_keeps_the_line(
    given: dict[str, Any], tmp_path: Path
) -> None:
    chosen = resolve({**given, "out": str(tmp_path / "one")}, sets=["mmubench.splits=efficacy"])
    evaluate_mmubench(chosen)
    command = said(tmp_path / "one", tmp_path / "two")
    assert command[:3] == ["unsee", "evaluate", "mmubench"]
    rewrite(tmp_path / "one", redact=True)
    assert said(tmp_path / "one", tmp_path / "two") == command
    rewrite(tmp_path / "one", redact=False)
    assert run(command[1:]) == 0
    assert read_json(tmp_path / "two" / "results.json") == read_json(tmp_path / "one" / "results.json")


def test_what_does_not_print_stays_out_of_the_comment() -> None:
    config = resolve({"mmubench": {"concepts": ["a\nb: 1", "\u2028"]}})
    text = header(config, "bench mmubench") + config.as_yaml()
    assert build(parse_yaml(text, "run.yaml")).identity == config.identity
    assert "b: 1" in text.splitlines()[0]


def test_a_run_that_is_not_finished_says_how_it_goes_on(tmp_path: Path) -> None:
    for job, expected in (("evaluate concept", "unsee evaluate concept --config"), ("bench mllmu", "again")):
        path = tmp_path / job.split()[0]
        path.mkdir()
        RunFolder(path).claim(resolve({}), {"inputs": {"job": job}})
        with pytest.raises(UserError) as caught:
            rewrite(path)
        assert expected in caught.value.remedy
