"""``unsee evaluate`` and ``unsee forget`` in two processes (gloo, CPU): the files of one, written by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.pair import Ended, both_done, environment, run_pair
from unsee.config import resolve
from unsee.jobs.evaluate import evaluate
from unsee.jobs.lines import read_lines
from unsee.jobs.outcome import Outcome
from unsee.models.load import choose_device
from unsee.nouns import UserError

SAME = ("records.jsonl", "results.json")
EXACT = 1e-5


def config_file(values: dict[str, Any], out: Path) -> str:
    """A run's options as a file; the values of job tests are nested as in ``run.yaml``."""
    file = out.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(json.loads(json.dumps({**values, "out": str(out)}))))
    return str(file)


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_lines(folder / "train.jsonl") if "loss" in line]


@pytest.fixture(scope="module")
def asked(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Ended]]:
    """The same questions put by one process, and by two that find a run which was killed in the middle."""
    root = tmp_path_factory.mktemp("asked")
    one, two = root / "one", root / "two"
    values = {key: value for key, value in given.items() if key not in ("training", "force")}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in each of the two: sums over other numbers of threads round otherwise
    try:
        evaluate(resolve({**values, "out": str(one)}))
    finally:
        torch.set_num_threads(threads)
    two.mkdir()
    for name in ("run.yaml", "environment.json"):
        (two / name).write_bytes((one / name).read_bytes())
    lines = (one / "records.jsonl").read_bytes().splitlines(keepends=True)
    (two / "records.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:20])
    command = ["-m", "unsee", "evaluate", "concept", "--config", config_file(values, two)]
    return one, two, run_pair(command)


@pytest.mark.parametrize("name", SAME)
def test_two_processes_write_the_files_of_one(asked: tuple[Path, Path, list[Ended]], name: str) -> None:
    one, two, ended = asked
    both_done(ended)
    assert (two / name).read_bytes() == (one / name).read_bytes()


def test_one_process_speaks_and_what_all_did_is_counted(asked: tuple[Path, Path, list[Ended]]) -> None:
    one, two, (first, second) = asked
    assert "report" in first.out
    assert second.out == second.err == ""
    costs = [json.loads((folder / "cost.json").read_text()) for folder in (one, two)]
    for count in ("lm_tokens", "images_encoded", "forwards"):
        assert costs[1][count] >= costs[0][count] > 0  # a picture may be read by both


@pytest.mark.slow
def test_torchrun_forgets_as_one_process_does(
    given: dict[str, Any], finished: Outcome, tmp_path: Path
) -> None:
    file = config_file(given, tmp_path / "run")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "unsee", "forget", "--config", file],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("report   ") == 1
    run = tmp_path / "run"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["run", "run.yaml"]
    assert {p.name for p in run.iterdir()} == {p.name for p in finished.folder.iterdir()}
    assert (run / "examples.jsonl").read_bytes() == (finished.folder / "examples.jsonl").read_bytes()
    assert losses(run) == pytest.approx(losses(finished.folder), abs=EXACT)
    records = [read_lines(folder / "records.jsonl") for folder in (run, finished.folder)]
    assert [(r["model"], r["question"], r["reply"]) for r in records[0]] == [
        (r["model"], r["question"], r["reply"]) for r in records[1]
    ]


@pytest.mark.slow
def test_wrong_input_is_told_once_and_ends_both_with_2(given: dict[str, Any], tmp_path: Path) -> None:
    values = {**given, "image": (str(tmp_path / "missing.png"),)}
    first, second = run_pair(["-m", "unsee", "forget", "--config", config_file(values, tmp_path / "run")])
    assert first.code == second.code == 2
    assert first.err.count("error:") == 1
    assert second.err == ""
    assert not (tmp_path / "run").exists()


def test_other_verbs_run_in_one_process(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    from unsee.commands.main import run
    from unsee.jobs.folder import locked

    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert run(["bench", "mmubench"]) == 2
    assert "unsee bench runs in one process" in capsys.readouterr().err
    with pytest.raises(UserError, match="This runs in one process"), locked(tmp_path / "log.txt"):
        pass
    with pytest.raises(UserError, match="cannot share one graphics card"):
        choose_device("cuda:0")
