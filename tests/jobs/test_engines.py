"""What all engines share: names, options, lost workers, and the folder that machines must have in common."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.jobs.engine_work import note
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_pool import Failure, run_cell
from unsee.jobs.engines.engine import make_engine
from unsee.jobs.engines.local import Local
from unsee.jobs.engines.options import RayOptions, SlurmOptions, engine_help, option_lines, parse_options
from unsee.jobs.engines.remote import UNREACHED, Lost, beating, check_reach, run_on, task_of, wait_free
from unsee.jobs.folder import LOG, locked
from unsee.nouns import UserError


def cells(folder: Path, count: int = 3) -> list[Cell]:
    return [
        Cell("ga", "c", seed, (), resolve({"method": "ga", "seed": seed}), folder / "ga" / f"c-seed{seed}")
        for seed in range(count)
    ]


@dataclass
class Fake:
    """A cluster in memory: what each try of a cell hands back, by seed."""

    tries: dict[int, list[Failure | Lost | None]]
    most: int = 0
    sent: list[int] = field(default_factory=list)

    def submit(self, cell: Cell) -> tuple[int, int]:
        self.sent.append(cell.seed)
        return cell.seed, self.sent.count(cell.seed)

    def ended(self, out: Collection[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        self.most = max(self.most, len(out))
        return list(out)[:1]

    def result(self, handle: tuple[int, int]) -> Failure | None:
        found = self.tries[handle[0]][handle[1] - 1]
        if isinstance(found, Lost):
            raise found
        return found


def test_a_lost_cell_is_tried_again_as_often_as_was_said(tmp_path: Path) -> None:
    lost, failed = Lost("killed"), Failure("ValueError", "x")
    cluster = Fake({0: [lost, lost, None], 1: [failed], 2: [lost, lost, lost]})
    said: list[str] = []
    ended = {cell.seed: failure for cell, failure in run_on(cluster, cells(tmp_path), 0, 2, said.append)}
    assert (ended[0], ended[1]) == (None, failed)
    assert ended[2] == Failure("WorkerLost", "lost in try 3: killed")
    written = json.loads((tmp_path / "ga/c-seed2/failed.json").read_text())
    assert written == {"schema": 1, "kind": "WorkerLost", "message": "lost in try 3: killed"}
    assert sorted(cluster.sent) == [0, 0, 0, 1, 2, 2, 2]
    assert said.count("ga/c-seed0: its worker was lost in try 1 of 3: killed") == 1
    assert len(said) == 5


def test_a_cell_that_may_not_be_tried_again_is_not(tmp_path: Path) -> None:
    cluster = Fake({0: [Lost("cancelled", again=False)]})
    [(_, failure)] = run_on(cluster, cells(tmp_path, 1), 0, 9, lambda line: None)
    assert failure == Failure("WorkerLost", "lost in try 1: cancelled")


def test_a_machine_without_the_folder_is_a_lost_try(tmp_path: Path) -> None:
    cluster = Fake({0: [Failure(UNREACHED, "no folder"), None]})
    said: list[str] = []
    assert [failure for _, failure in run_on(cluster, cells(tmp_path, 1), 0, 1, said.append)] == [None]
    assert "no folder" in said[0]


@pytest.mark.parametrize(("jobs", "most"), [(0, 5), (2, 2), (9, 5)])
def test_no_more_cells_are_out_than_jobs(tmp_path: Path, jobs: int, most: int) -> None:
    cluster = Fake({seed: [None] for seed in range(5)})
    assert len(list(run_on(cluster, cells(tmp_path, 5), jobs, 0, lambda line: None))) == 5
    assert cluster.most == most


def test_a_lock_that_the_command_holds_lets_the_worker_begin(tmp_path: Path) -> None:
    with locked(tmp_path / LOCK):
        check_reach(tmp_path / LOCK, window=60)


def test_a_live_command_whose_lock_is_not_seen_stops_the_worker(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()  # as on a file system whose locks stay on one machine: nobody seems to hold it
    with beating(tmp_path / LOCK), pytest.raises(UserError, match="not seen by the other"):
        check_reach(tmp_path / LOCK, window=60)


def test_a_command_that_is_gone_lets_the_worker_go_on(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    check_reach(tmp_path / LOCK, window=0.1)


def test_a_missing_folder_stops_the_worker_before_it_writes(tmp_path: Path) -> None:
    [cell] = cells(tmp_path, 1)
    failure = task_of(cell, tmp_path / "shared", note)()
    assert failure is not None
    assert failure.kind == UNREACHED
    assert "do not share the output folder" in failure.message
    assert list(tmp_path.iterdir()) == []


def test_a_task_has_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = task_of(cells(Path("out"), 1)[0], Path("out/shared"), note)
    assert task.cell.path == tmp_path / "out/ga/c-seed0"
    assert task.cell.config.out == str(task.cell.path)
    assert task.shared == tmp_path / "out/shared"
    assert task.cell.key == cells(Path("elsewhere"), 1)[0].key


def test_the_key_of_a_cell_is_its_content(tmp_path: Path) -> None:
    first, second, _ = cells(tmp_path)
    assert first.key != second.key
    other = first.config.model_copy(update={"model": "another"})
    assert Cell("ga", "c", 0, (), other, first.path).key != first.key


def held(file: Path, seconds: float) -> subprocess.Popen[bytes]:
    code = f"import fcntl, time; f = open({str(file)!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}print(1, flush=True); time.sleep({seconds})"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_worker_waits_for_the_one_before_it(tmp_path: Path) -> None:
    process = held(tmp_path / LOG, 600)
    started = time.monotonic()
    wait_free(tmp_path / LOG, 0.5)
    assert time.monotonic() - started >= 0.5
    threading.Timer(0.3, process.kill).start()
    wait_free(tmp_path / LOG, 600)
    assert process.wait(10) < 0
    wait_free(tmp_path / "not there", 600)


def test_a_cell_in_use_is_left_alone_and_not_called_failed(tmp_path: Path) -> None:
    cell = cells(tmp_path, 1)[0]
    config = resolve({"method": "ga", "out": str(cell.path)})
    cell.path.mkdir(parents=True)
    process = held(cell.path / LOG, 600)
    try:
        failure = run_cell(Cell("ga", "c", 0, (), config, cell.path), tmp_path / "shared")
    finally:
        process.kill()
        process.wait()
    assert failure is not None
    assert failure.kind == "InUse"
    assert [entry.name for entry in cell.path.iterdir()] == [LOG]


def test_options_are_read_in_their_type() -> None:
    assert parse_options("ray", ["cpus=0.5", " address = a:1 "]) == RayOptions(cpus=0.5, address="a:1")
    assert parse_options("slurm", ["minutes=90", "memory=2.5", "partition=gpu"]) == SlurmOptions(
        minutes=90, memory=2.5, partition="gpu"
    )
    assert isinstance(make_engine("local"), Local)


def test_every_option_is_in_the_help() -> None:
    lines = list(option_lines())
    assert {engine for engine, *_ in lines} == {"ray", "slurm"}
    for engine, key, default, text in lines:
        assert f"{engine}: {key} = {default!r}: {text}" in engine_help()
        assert text != "None"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--engine", "rai"], "did you mean ray?"),
        (["--engine-option", "cpus=1"], "none"),
        (["--engine", "ray", "--engine-option", "cpu=1"], "did you mean cpus?"),
        (["--engine", "ray", "--engine-option", "cpus"], "cpus=..."),
        (["--engine", "ray", "--engine-option", "cpus=many"], "CPUs of a cell"),
        (["--engine", "ray", "--engine-option", "retries=-1"], "greater than or equal to 0"),
        (["--engine", "ray", "--engine-option", "gpus=-2"], "greater than or equal to -1"),
        (["--engine", "ray", "--engine-option", "address=127.0.0.1:1"], "no Ray cluster"),
        (["--engine", "ray", "--engine-option", "address=auto"], "no Ray cluster"),
        (["--engine", "slurm", "--engine-option", "cluster=pbs"], "'slurm' or 'local'"),
        (["--engine", "slurm"], "no slurm on this machine"),
    ],
)
@pytest.mark.parametrize("suite", ["world", "mllmu"])
def test_wrong_engines_end_with_2_before_any_file(
    suite: str, arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["bench", suite, "--methods", "ga", *arguments, "--out", str(out)]) == 2
    assert hint in capsys.readouterr().err
    assert not out.exists()


def test_a_slurm_that_cannot_submit_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no sbatch on the PATH"):
        make_engine("slurm").check(cells(tmp_path))


@pytest.mark.parametrize("options", [["address=127.0.0.1:1"], ["address=auto"]])
def test_a_finished_matrix_needs_no_cluster(options: list[str], tmp_path: Path) -> None:
    make_engine("ray", options).check([])
    make_engine("slurm").check([])


def test_a_cluster_of_other_versions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(*_: object, **__: object) -> None:
        raise RuntimeError("Version mismatch: Ray 2.1 there, 2.2 here")

    monkeypatch.setattr("ray.init", init)
    with pytest.raises(UserError, match="Version mismatch") as told:
        make_engine("ray", ["address=cluster"]).check(cells(tmp_path))
    assert "the same Ray and Python" in str(told.value)


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_says_how_to_get_it(
    engine: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"pip install 'unsee\[{engine}\]'"):
        make_engine(engine)
