"""Many runs at once, each in a process that dies with the one that started it."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path

from unsee.config import RunConfig
from unsee.jobs.bench_cell import Cell
from unsee.jobs.folder import FAILED, InUse
from unsee.jobs.lines import write_json
from unsee.jobs.shared import Shared
from unsee.nouns import UserError, shorten

LONGEST = 2000


@dataclass(frozen=True)
class Failure:
    """Why a cell has no results."""

    kind: str
    message: str
    trace: str = ""


Done = tuple[Cell, Failure | None]
Work = Callable[[Cell, Path], Failure | None]


def run_cell(cell: Cell, shared: Path) -> Failure | None:
    """Runs or continues one cell; what goes wrong is written into its folder and handed back.

    Where another process is at work, nothing is written.
    """
    (cell.path / FAILED).unlink(missing_ok=True)
    try:
        _run_of(cell)(cell.config, Shared(shared))
    except InUse as error:
        return Failure("InUse", shorten(error, LONGEST))
    except UserError as error:
        failure = Failure("UserError", shorten(error, LONGEST))
    except Exception as error:  # one method's failure must not end the comparison of all others
        failure = Failure(type(error).__name__, shorten(error, LONGEST), traceback.format_exc())
    else:
        return None
    record(cell, failure)
    return failure


def _run_of(cell: Cell) -> Callable[[RunConfig, Shared], object]:
    """What runs a cell: of a benchmark its own job, else ``unsee forget``."""
    if cell.config.mllmu.ratio:
        from unsee.jobs.mllmu_cell import forget_people

        return forget_people
    if cell.config.mmubench.concepts:
        from unsee.jobs.mmubench_cell import forget_mmubench

        return forget_mmubench
    from unsee.jobs.forget import forget

    return forget


def record(cell: Cell, failure: Failure) -> None:
    """Writes ``failed.json`` into the folder of a cell; the next start tries the cell again."""
    said = {"schema": 1, "kind": failure.kind, "message": failure.message}
    write_json(cell.path / FAILED, {**said, "trace": failure.trace} if failure.trace else said)


def run_cells(cells: Sequence[Cell], shared: Path, jobs: int, work: Work = run_cell) -> Iterator[Done]:
    """Runs the cells and hands each back as it ends; the order is that of the endings.

    Args:
        cells: What to run.
        shared: Folder of what the cells have in common.
        jobs: Processes; with one everything happens in this process.
        work: What is done with a cell.
    """
    if jobs == 1:
        for cell in cells:
            yield cell, work(cell, shared)
        return
    waiting = deque(cells)
    while waiting:
        with _pool(jobs, jobs) as pool:
            suspects = yield from _until_broken(pool, waiting, shared, jobs, work)
        for cell in suspects:
            yield cell, _alone(cell, shared, jobs, work)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pool(workers: int, jobs: int) -> ProcessPoolExecutor:
    threads = max(1, cores() // jobs)
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(threads,))


def _until_broken(
    pool: ProcessPoolExecutor, waiting: deque[Cell], shared: Path, jobs: int, work: Work
) -> Generator[Done, None, list[Cell]]:
    """Works ``waiting`` off; when a process dies, the cells that may be to blame are handed back."""
    running: dict[Future[Failure | None], Cell] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running[pool.submit(work, waiting[0], shared)] = waiting[0]
                waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                failure = future.result()
                yield running.pop(future), failure
    except BrokenProcessPool:
        ended = [future for future in running if future.done() and future.exception() is None]
        for future in ended:
            yield running.pop(future), future.result()
    return list(running.values())


def _alone(cell: Cell, shared: Path, jobs: int, work: Work) -> Failure | None:
    """A second try in a process of its own: now it is clear who is to blame."""
    try:
        with _pool(1, jobs) as pool:
            return pool.submit(work, cell, shared).result()
    except BrokenProcessPool:
        failure = Failure("ProcessDied", "its process ended without a word, twice; is there enough memory?")
        record(cell, failure)
        return failure


def _begin(threads: int) -> None:
    """How a process begins: quiet, on its share of the cores, and gone when its parent is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(threads)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
