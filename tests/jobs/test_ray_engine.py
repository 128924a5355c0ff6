"""A Ray cluster of two workers: one is killed in the middle of a cell; the table is complete all the same."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.engine_work import die_for_seed_2, holder, note, wait_until
from tests.jobs.test_bench import SHORT, ask, without_cost, workers
from unsee.commands.main import run
from unsee.jobs.bench import bench, finished
from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_plan import cells_of
from unsee.jobs.engines.options import RayOptions
from unsee.jobs.engines.ray import STORE, Ray, check_room, load_ray
from unsee.jobs.folder import LOG, locked
from unsee.jobs.lines import read_lines

ROOT = Path(__file__).parents[2]
METHODS = "ga,po"
AGENTS = {"ray::DashboardAgent", "ray::RuntimeEnvAgent", ""}  # they run no cell; Ray ends them a minute later
pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers, each with one thread, that find the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_worker_niceness", "0")
        found = load_ray()
        found.init(
            "local",
            num_cpus=2,
            object_store_memory=STORE,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
        yield found
        found.shutdown()


@pytest.fixture(scope="module")
def local(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same matrix by the engine of this machine."""
    out = tmp_path_factory.mktemp("local") / "out"
    assert bench(ask(given, METHODS, sets=SHORT), out, jobs=1, say=lambda line: None).complete
    return out


def same(out: Path, local: Path, cells: list[Cell]) -> None:
    """Every cell and the table are those of the engine of this machine."""
    for cell in cells:
        undisturbed = local / cell.path.relative_to(out)
        for name in ("results.json", "examples.jsonl"):
            assert (cell.path / name).read_bytes() == (undisturbed / name).read_bytes(), cell.path
        assert read_lines(cell.path / "records.jsonl") == read_lines(undisturbed / "records.jsonl")
    texts = [(folder / "results.json").read_text() for folder in (out, local)]
    assert without_cost(texts[0]) == without_cost(texts[1])


def arguments(given: dict[str, Any], out: Path) -> list[str]:
    """The command line of the matrix."""
    values = out.with_suffix(".yaml")
    values.write_text(json.dumps(given))
    sets = [word for text in SHORT for word in ("--set", text)]
    line = ["bench", "concept", "--methods", METHODS, "--config", str(values), "--out", str(out)]
    return [*line, *sets, "--engine", "ray"]


def kill_in_mid_cell(cells: list[Cell], killed: list[int]) -> None:
    """Kills the first worker that is found with its training rows made and no results."""

    def found() -> bool:
        for cell in cells:
            if (cell.path / "examples.jsonl").exists() and not (cell.path / "results.json").exists():
                worker = holder(cell.path / LOG)
                if worker is not None and worker != os.getpid():
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)
                    return True
        return False

    wait_until(found)


def test_a_worker_killed_in_mid_cell_costs_its_cell_only(
    cluster: Any, local: Path, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, killed = tmp_path / "out", list[int]()
    cells = cells_of(ask(given, METHODS, sets=SHORT), out)
    killer = threading.Thread(target=kill_in_mid_cell, args=(cells, killed))
    killer.start()
    assert run(arguments(given, out)) == 0
    killer.join()
    assert len(killed) == 1
    said = capsys.readouterr().err
    assert said.count("its worker was lost in try 1 of 3") == 1
    assert "[2/2]" in said
    assert all(finished(cell) for cell in cells)
    same(out, local, cells)


def test_a_cell_that_always_kills_its_worker_fails_and_the_others_do_not(
    cluster: Any, tmp_path: Path, given: dict[str, Any]
) -> None:
    cells = cells_of(ask(given, "ga", seeds="0,1,2,3"), tmp_path)
    engine = Ray(RayOptions(retries=1), die_for_seed_2)
    said: list[str] = []
    with locked(tmp_path / LOCK):
        ended = {
            cell.seed: failure for cell, failure in engine.run(cells, tmp_path / "shared", 0, said.append)
        }
    assert {seed for seed, failure in ended.items() if failure is None} == {0, 1, 3}
    assert ended[2] is not None
    assert ended[2].kind == "WorkerLost"
    assert "lost in try 2: WorkerCrashedError" in ended[2].message
    tries = {seed: len((tmp_path / "shared" / str(seed)).read_text()) for seed in range(4)}
    assert tries == {0: 1, 1: 1, 2: 2, 3: 1}
    assert json.loads((cells[2].path / "failed.json").read_text())["kind"] == "WorkerLost"


def test_a_matrix_with_a_failed_cell_ends_with_1(
    cluster: Any, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    unknown = {**given, "force": False}  # a random model knows nobody
    assert run(arguments(unknown, out)) == 1
    captured = capsys.readouterr()
    assert "failed: The model does not know the concept" in captured.err
    assert "failed (1 of 1 runs)" in (out / "table.md").read_text()


def test_no_room_is_told(cluster: Any) -> None:
    said: list[str] = []
    check_room(cluster, 64, 0, said.append)
    assert "waiting for a machine with 64 CPUs" in said[0]
    assert "2 CPUs" in said[0]
    check_room(cluster, 1, 0, said.append)
    assert len(said) == 1


def read_setting() -> str | None:
    return os.environ.get("RAY_USAGE_STATS_ENABLED")


def test_ray_tells_nobody(cluster: Any) -> None:
    assert cluster.get(cluster.remote(read_setting).remote()) == "0"


def test_nothing_is_started_for_nothing(tmp_path: Path) -> None:
    assert list(Ray(RayOptions(address="127.0.0.1:1"), note).run([], tmp_path / "shared", 0, print)) == []


def command_of(process: int) -> str:
    """The command line of a process, empty when it has ended."""
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return line.replace(b"\0", b" ").decode().strip()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="looks for processes in /proc")
def test_killed_with_its_cluster_it_goes_on_here(local: Path, given: dict[str, Any], tmp_path: Path) -> None:
    """The command alone is killed; the workers and the cluster it started must end with it."""
    out = tmp_path / "out"
    cells = cells_of(ask(given, METHODS, sets=SHORT), out)
    code = "import sys; from unsee.commands.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments(given, out), "--jobs", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: any((cell.path / "examples.jsonl").exists() for cell in cells))
        assert process.poll() is None
        process.kill()
        process.wait()
        wait_until(lambda: all(holder(cell.path / LOG) is None for cell in cells), 60)
        wait_until(lambda: not set(map(command_of, workers(process.pid))) - AGENTS, 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    done = bench(ask(given, METHODS, sets=SHORT), out, jobs=1, say=lambda line: None)
    assert done.complete
    same(out, local, cells)
