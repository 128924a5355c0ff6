"""What engines on several machines have in common: a shared folder that is tried out, and cells tried again.

Everything rests on file locks: the command holds one on the matrix, a worker one on its cell, and the system
releases both when their process ends, however it ends. So each worker first makes sure that it sees the
folder of the command and that locks reach from one machine to the other; where they do not, it does nothing.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_pool import LONGEST, Done, Failure, Work, record
from unsee.jobs.engines.engine import Say
from unsee.jobs.folder import LOG
from unsee.nouns import UserError, shorten

BEAT = 2.0
"""Seconds between two signs of life of the command."""
WINDOW = 10.0
"""Seconds that a worker looks for a sign of life."""
UNREACHED = "Unreached"
PATIENCE = 120.0
"""Seconds that a worker waits for a cell; a file server holds the locks of a vanished machine for a while."""


class Lost(Exception):
    """A worker ended without handing anything back.

    Args:
        why: What is known about it.
        again: Whether the cell may be tried again.
    """

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


Handle = TypeVar("Handle", bound=Hashable)


class Cluster(Protocol[Handle]):
    """Where cells are sent."""

    def submit(self, cell: Cell) -> Handle:
        """Sends a cell off."""
        ...

    def ended(self, out: Collection[Handle]) -> Sequence[Handle]:
        """Those that have ended; waits at most a few seconds for one."""
        ...

    def result(self, handle: Handle) -> Failure | None:
        """How a cell ended; :class:`Lost` when its worker is gone."""
        ...


@dataclass(frozen=True)
class Try:
    """A cell that is out, and for the how many-th time."""

    cell: Cell
    number: int = 1


def run_on(
    cluster: Cluster[Handle], cells: Sequence[Cell], jobs: int, retries: int, say: Say
) -> Iterator[Done]:
    """Runs cells on a cluster; those whose worker was lost are sent again.

    Args:
        cluster: Where to.
        cells: What to run.
        jobs: Most cells at once; 0 = no limit.
        retries: How often a cell is sent again.
        say: Where lines about lost workers go.
    """
    waiting, out = deque(Try(cell) for cell in cells), dict[Handle, Try]()
    while waiting or out:
        while waiting and (not jobs or len(out) < jobs):
            one = waiting.popleft()
            out[cluster.submit(one.cell)] = one
        for handle in cluster.ended(out):
            one = out.pop(handle)
            try:
                failure = _result(cluster, handle)
            except Lost as lost:
                name = "/".join(one.cell.path.parts[-2:])
                say(f"{name}: its worker was lost in try {one.number} of {retries + 1}: {shorten(lost)}")
                if lost.again and one.number <= retries:
                    waiting.appendleft(Try(one.cell, one.number + 1))
                    continue
                failure = Failure("WorkerLost", shorten(f"lost in try {one.number}: {lost}", LONGEST))
                record(one.cell, failure)
            yield one.cell, failure


def _result(cluster: Cluster[Handle], handle: Handle) -> Failure | None:
    failure = cluster.result(handle)
    if failure is not None and failure.kind == UNREACHED:
        raise Lost(failure.message)
    return failure


@dataclass(frozen=True)
class Task:
    """What a worker does with a cell; it is sent to the worker, so all paths are absolute.

    Attributes:
        cell: The cell.
        shared: Folder of what the cells have in common.
        work: What is done with a cell.
    """

    cell: Cell
    shared: Path
    work: Work

    def __call__(self) -> Failure | None:
        """Runs or continues the cell; on a machine that does not have the folder, writes nothing."""
        try:
            check_reach(self.shared.parent / LOCK)
        except UserError as error:
            return Failure(UNREACHED, shorten(error, LONGEST))
        wait_free(self.cell.path / LOG, PATIENCE)
        return self.work(self.cell, self.shared)


def task_of(cell: Cell, shared: Path, work: Work) -> Task:
    """The task of a cell, wherever the worker starts."""
    path = cell.path.absolute()
    config = cell.config.model_copy(update={"out": str(path)})
    return Task(replace(cell, path=path, config=config), shared.absolute(), work)


def check_reach(lock: Path, window: float = WINDOW) -> None:
    """Makes sure that this machine has the folder and the locks of the command.

    Args:
        lock: The file that the command has locked, and touches as long as it lives.
        window: Seconds to look for a sign of life when the lock seems to be free.

    Raises:
        UserError: The folder or the lock does not reach this machine.
    """
    if not lock.exists():
        raise _unreached(lock, "the folder is not there")
    first, end = None, time.monotonic() + window
    while time.monotonic() < end:
        free, touched = _look(lock)
        if not free:
            return
        first = touched if first is None else first
        if touched != first:
            raise _unreached(lock, "file locks of one machine are not seen by the other")
        time.sleep(min(BEAT, window) / 4)
    # The command is gone, as it may be for a slurm job, which goes on without it.


def _look(lock: Path) -> tuple[bool, int]:
    """Whether nobody holds the lock, and when the file was touched; opened anew, so NFS asks its server."""
    handle = os.open(lock, os.O_RDONLY)
    try:
        touched = os.fstat(handle).st_mtime_ns
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False, touched
    finally:
        os.close(handle)
    return True, touched


def _unreached(lock: Path, why: str) -> UserError:
    return UserError(
        "The worker and the command do not share the output folder.",
        got=f"{os.uname().nodename}: {lock.parent}: {why}",
        expected="one folder with file locks on all machines, under the same path",
        remedy="choose an --out that all machines mount, with locks (NFS 4, Lustre with -o flock)",
    )


def wait_free(file: Path, patience: float) -> None:
    """Waits until nobody holds the lock of a cell, or the patience (seconds) is at its end."""
    end = time.monotonic() + patience
    while file.exists() and time.monotonic() < end and not _look(file)[0]:
        time.sleep(0.2)


@contextmanager
def beating(lock: Path) -> Iterator[None]:
    """Touches the lock of the command, which shows workers that it lives, until the block ends."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            with suppress(OSError):
                os.utime(lock)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
