"""The cells as tasks of a Ray cluster (the extra ``ray``)."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_pool import Done, Failure, Work, cores, run_cell
from unsee.jobs.engines.engine import Say
from unsee.jobs.engines.options import RayOptions
from unsee.jobs.engines.remote import BEAT, Lost, Task, beating, run_on, task_of
from unsee.nouns import UserError

HERE = "local"  # Ray's word for a cluster of this process
STORE = 80 * 2**20  # the least that Ray takes; cells hand nothing but a failure back


@dataclass(frozen=True)
class Ray:
    """One task per cell. When the command ends, however it ends, Ray ends its tasks.

    Attributes:
        options: Address and resources.
        work: What is done with a cell.

    Raises:
        UserError: Ray is not installed.
    """

    options: RayOptions = RayOptions()
    work: Work = run_cell

    def __post_init__(self) -> None:
        load_ray()

    def check(self, cells: Sequence[Cell]) -> None:
        """See :class:`unsee.jobs.engines.engine.Engine`: connects to a cluster that is said to be there.

        Raises:
            UserError: There is no cluster at the address.
        """
        if cells and address_of(self.options) != HERE:
            with connected(self.options, 0):
                pass

    def run(self, cells: Sequence[Cell], shared: Path, jobs: int, say: Say) -> Iterator[Done]:
        """See :class:`unsee.jobs.engines.engine.Engine`; ``jobs`` 0 = as many as the cluster has room for."""
        if not cells:
            return
        with connected(self.options, jobs) as ray, beating(shared.parent / LOCK):
            tasks = Tasks(ray, self._remote(ray, cells[0], say), shared, self.work)
            yield from run_on(tasks, cells, jobs, self.options.retries, say)

    def _remote(self, ray: Any, cell: Cell, say: Say) -> Any:
        """The remote function with its resources."""
        gpus = self.options.gpus
        if gpus < 0:
            gpus = 1 if cell.config.device != "cpu" and ray.cluster_resources().get("GPU", 0) else 0
        check_room(ray, self.options.cpus, gpus, say)
        # Tries are counted by run_on, which tells about them; Ray's own would be added to them.
        settings = {"num_cpus": self.options.cpus, "num_gpus": gpus, "max_retries": 0}
        return ray.remote(**settings)(unsee_cell)


def unsee_cell(task: Task) -> Failure | None:
    """What a worker runs; its process carries this name."""
    return task()


@dataclass
class Tasks:
    """Cells on the cluster.

    Attributes:
        ray: The module.
        remote: The remote function.
        shared: Folder of what the cells have in common.
        work: What is done with a cell.
    """

    ray: Any
    remote: Any
    shared: Path
    work: Work

    def submit(self, cell: Cell) -> Any:
        """Sends a cell off; the reference to what it will hand back."""
        return self.remote.remote(task_of(cell, self.shared, self.work))

    def ended(self, out: Collection[Any]) -> Sequence[Any]:
        """The references whose tasks have ended, one at most."""
        found: Sequence[Any] = self.ray.wait(list(out), num_returns=1, timeout=BEAT)[0]
        return found

    def result(self, handle: Any) -> Failure | None:
        """How a cell ended.

        Raises:
            Lost: Its worker died, or could not even begin.
        """
        try:
            failure: Failure | None = self.ray.get(handle)
        except self.ray.exceptions.RayTaskError as error:
            raise Lost(str(error.cause)) from error
        except self.ray.exceptions.RayError as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        return failure


def load_ray() -> Any:
    """The module; it tells nobody that it is used.

    Raises:
        UserError: It is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "Ray is not installed.",
            got="--engine ray",
            expected="the package ray on this machine and on every machine of the cluster",
            remedy="pip install 'unsee[ray]'",
        ) from error
    return ray


@contextmanager
def connected(options: RayOptions, jobs: int) -> Iterator[Any]:
    """The module, connected to a cluster until the block ends; a connection that is there is used and kept.

    Raises:
        UserError: There is no cluster at the address.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    address = address_of(options)
    own = {"object_store_memory": STORE, "include_dashboard": False, "num_cpus": _cpus(options, jobs)}
    try:
        _knock(address)
        ray.init(address, log_to_driver=False, configure_logging=False, **own if address == HERE else {})
    except (OSError, ValueError, RuntimeError) as error:  # the last one: other versions of Ray or Python
        raise UserError(
            "There is no Ray cluster at this address.",
            got=f"{address}: {error}",
            expected="the address of a running cluster with the same Ray and Python, such as 10.0.0.1:6379",
            remedy="start one with ray start --head, or leave the address out",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def address_of(options: RayOptions) -> str:
    """The address that is meant; ``HERE`` = a cluster is started here."""
    return options.address or os.environ.get("RAY_ADDRESS", "") or HERE


def _cpus(options: RayOptions, jobs: int) -> int:
    """CPUs of a cluster started here: those of the machine, or as many as that many cells take."""
    return max(cores(), math.ceil(jobs * options.cpus))


def _knock(address: str) -> None:
    """Makes sure that somebody listens; Ray itself would go on asking for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def check_room(ray: Any, cpus: float, gpus: float, say: Say) -> None:
    """Says so when no machine of the cluster has the resources of a cell; one may still join."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(one.get("CPU", 0) >= cpus and one.get("GPU", 0) >= gpus for one in machines):
        largest = ", ".join(f"{one.get('CPU', 0):g} CPUs {one.get('GPU', 0):g} GPUs" for one in machines)
        say(f"waiting for a machine with {cpus:g} CPUs and {gpus:g} GPUs; the cluster has: {largest}")
