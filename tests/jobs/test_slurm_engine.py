"""Slurm jobs: submitted once, waited for by the next command too, tried again when they are lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import submitit

from tests.jobs.engine_work import FakeSlurm, note, wait_for_word, wait_until
from tests.jobs.test_bench import SHORT, ask, without_cost
from unsee.jobs.bench import bench
from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_plan import Ask, cells_of
from unsee.jobs.bench_pool import Failure, Work
from unsee.jobs.engines import remote, slurm
from unsee.jobs.engines.options import SlurmOptions
from unsee.jobs.engines.remote import task_of
from unsee.jobs.engines.slurm import Resumable, Slurm, executor_of
from unsee.jobs.folder import locked
from unsee.nouns import UserError

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("one_thread")]
LOCAL = SlurmOptions(cluster="local")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A slurm on the PATH that is asked often, and whose lost jobs are believed at once."""
    made = FakeSlurm.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(slurm, "LOOK", 0.2)
    monkeypatch.setattr(remote, "BEAT", 0.2)
    monkeypatch.setattr(slurm, "BEAT", 0.2)
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 0.1)
    return made


def cells(tmp_path: Path, seeds: str = "0,1", **more: Any) -> list[Cell]:
    return cells_of(Ask("world", "ga", seeds=seeds, **more), tmp_path / "out")


def go(
    found: list[Cell], work: Work, options: SlurmOptions, act: Callable[[], None] = lambda: None
) -> tuple[dict[int, Failure | None], list[str]]:
    """Runs the cells; ``act`` is called once all are submitted."""
    out, said, ended = found[0].path.parents[1], list[str](), dict[int, Failure | None]()
    out.mkdir(exist_ok=True)
    (out / "shared").mkdir(exist_ok=True)
    real, acted = slurm.Jobs.ended, list[bool]()

    def first(self: slurm.Jobs, running: Any) -> Any:
        if not acted:
            acted.append(True)
            act()
        return real(self, running)

    with pytest.MonkeyPatch.context() as patch, locked(out / LOCK):
        patch.setattr(slurm.Jobs, "ended", first)
        for cell, failure in Slurm(options, work).run(found, out / "shared", 0, said.append):
            ended[cell.seed] = failure
    return ended, said


def book(tmp_path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((tmp_path / "out/slurm/jobs.json").read_text())
    return found


def test_every_cell_is_a_job_with_its_resources(fake: FakeSlurm, tmp_path: Path) -> None:
    options = SlurmOptions(partition="gpu", account="me", minutes=90, cpus=4, gpus=1, memory=24)
    assert go(cells(tmp_path), note, options)[0] == {0: None, 1: None}
    assert fake.submitted == ["101", "102"]
    wanted = {"partition=gpu", "account=me", "time=90", "cpus-per-task=4", "gpus-per-node=1", "mem=24GB"}
    lines = {line.removeprefix("#SBATCH --") for line in fake.script("101").splitlines()}
    assert wanted | {"job-name=unsee", "nodes=1", "ntasks-per-node=1"} <= lines
    assert [(tmp_path / "out/shared" / seed).read_text() for seed in "01"] == ["x", "x"]
    assert book(tmp_path) == {}


def test_the_next_command_waits_for_the_jobs_of_the_one_before(fake: FakeSlurm, tmp_path: Path) -> None:
    found = cells(tmp_path)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(found, wait_for_word, SlurmOptions(), stop)
    jobs = {name: entry["job"] for name, entry in book(tmp_path).items()}
    assert jobs == {"ga/celebrity-00-seed0": "101", "ga/celebrity-00-seed1": "102"}

    (tmp_path / "out/shared/go").touch()
    assert go(found, note, SlurmOptions())[0] == {0: None, 1: None}
    assert fake.submitted == ["101", "102"]
    assert [(tmp_path / "out/shared" / seed).read_text() for seed in "01"] == ["x", "x"]
    assert book(tmp_path) == {}


def test_a_lost_job_is_submitted_again(fake: FakeSlurm, tmp_path: Path) -> None:
    shared = tmp_path / "out/shared"

    def lose_one() -> None:
        wait_until(lambda: (shared / "pid-0").exists() and (shared / "pid-1").exists())
        fake.kill("101", "NODE_FAIL")
        (shared / "go").touch()

    ended, said = go(cells(tmp_path), wait_for_word, SlurmOptions(), lose_one)
    assert ended == {0: None, 1: None}
    assert len(fake.submitted) == 3
    assert len(said) == 1
    assert "ga/celebrity-00-seed0: its worker was lost in try 1 of 3: job 101 (NODE_FAIL)" in said[0]
    assert [(shared / seed).read_text() for seed in "01"] == ["xx", "x"]


def test_a_cancelled_job_is_not_submitted_again(fake: FakeSlurm, tmp_path: Path) -> None:
    shared = tmp_path / "out/shared"

    def cancel() -> None:
        wait_until(lambda: (shared / "pid-0").exists())
        fake.kill("101", "CANCELLED by 0")

    found = cells(tmp_path, "0")
    ended, _ = go(found, wait_for_word, SlurmOptions(), cancel)
    assert ended[0] is not None
    assert ended[0].kind == "WorkerLost"
    assert "CANCELLED" in ended[0].message
    assert fake.submitted == ["101"]
    assert json.loads((found[0].path / "failed.json").read_text())["kind"] == "WorkerLost"


def test_a_job_with_other_settings_is_not_mistaken_for_the_cell(fake: FakeSlurm, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(cells(tmp_path, "0"), wait_for_word, SlurmOptions(), stop)
    other = cells(tmp_path, "0", sets=("training.lr=1e-5",))
    with pytest.raises(UserError, match="other settings is still out") as told:
        go(other, note, SlurmOptions())
    assert "scancel 101" in str(told.value)
    (tmp_path / "out/shared/go").touch()
    wait_until(lambda: list((tmp_path / "out/slurm").glob("101_0_result.pkl")))
    assert go(other, note, SlurmOptions())[0] == {0: None}
    assert fake.submitted == ["101", "102"]


def test_a_job_whose_time_is_over_goes_on_in_another(tmp_path: Path) -> None:
    shared = tmp_path / "out/shared"
    shared.mkdir(parents=True)
    [cell] = cells(tmp_path, "0")
    with locked(tmp_path / "out" / LOCK), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        executor = executor_of(LOCAL, tmp_path / "jobs")
        job = executor.submit(Resumable(task_of(cell, shared, wait_for_word)))
        told = shared / "pid-0"
        wait_until(lambda: told.exists() and told.read_text())
        first = told.read_text()
        os.kill(int(first), signal.SIGUSR2)  # what slurm sends some time before the end
        wait_until(lambda: told.read_text() not in ("", first))
        (shared / "go").touch()
        assert job.result() is None
    assert (shared / "0").read_text() == "xx"


def test_a_real_cell_as_a_job(given: dict[str, Any], tmp_path: Path) -> None:
    wanted = ask(given, "ga", sets=SHORT)
    here = bench(wanted, tmp_path / "here", jobs=1, say=lambda line: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        there = bench(wanted, tmp_path / "there", say=lambda line: None, engine=Slurm(LOCAL))
    assert there.complete
    texts = [(done.folder / "results.json").read_text() for done in (here, there)]
    assert without_cost(texts[0]) == without_cost(texts[1])
    assert json.loads((there.folder / "slurm/jobs.json").read_text()) == {}
    again = bench(wanted, tmp_path / "there", say=lambda line: None, engine=Slurm(LOCAL))
    assert again.complete
    assert len(list((there.folder / "slurm").glob("*_submitted.pkl"))) == 1
