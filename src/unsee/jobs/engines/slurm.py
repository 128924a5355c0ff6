"""The cells as slurm jobs, through submitit (the extra ``slurm``).

Jobs go on without the command. Their ids lie in ``slurm/jobs.json`` in the folder of the matrix, so the same
command again waits for the jobs that are out and submits the others.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unsee.jobs.bench_cell import LOCK, Cell
from unsee.jobs.bench_pool import Done, Failure, Work, run_cell
from unsee.jobs.engines.engine import Say
from unsee.jobs.engines.options import SlurmOptions
from unsee.jobs.engines.remote import BEAT, Lost, Task, beating, run_on, task_of
from unsee.jobs.lines import read_json, write_json
from unsee.nouns import UserError

FOLDER = "slurm"
BOOK = "jobs.json"
COMMANDS = ("sbatch", "srun")
SUBMITIT_SAYS = ("You can check full logs", "or at paths", "  - ")
LOOK = 60.0
"""Seconds between two questions to slurm about jobs that left no result; one question is about all jobs."""


@dataclass(frozen=True)
class Slurm:
    """One job per cell.

    Attributes:
        options: Where jobs go and what they get.
        work: What is done with a cell.

    Raises:
        UserError: submitit is not installed.
    """

    options: SlurmOptions = SlurmOptions()
    work: Work = run_cell

    def __post_init__(self) -> None:
        load_submitit()

    def check(self, cells: Sequence[Cell]) -> None:
        """See :class:`unsee.jobs.engines.engine.Engine`: looks for the commands of slurm.

        Raises:
            UserError: No jobs can be submitted from this machine.
        """
        missing = [name for name in COMMANDS if shutil.which(name) is None]
        if cells and self.options.cluster == "slurm" and missing:
            raise UserError(
                "There is no slurm on this machine.",
                got=f"no {' and no '.join(missing)} on the PATH",
                expected="a machine from which sbatch works",
                remedy="run the command on a login node, or try it out with --engine-option cluster=local",
            )

    def run(self, cells: Sequence[Cell], shared: Path, jobs: int, say: Say) -> Iterator[Done]:
        """See :class:`unsee.jobs.engines.engine.Engine`; ``jobs`` 0 = all are submitted at once."""
        if not cells:
            return
        folder = shared.parent.absolute() / FOLDER
        out = Jobs(executor_of(self.options, folder), Book(folder / BOOK, folder.parent), shared, self.work)
        with beating(shared.parent / LOCK):
            yield from run_on(out, cells, jobs, self.options.retries, say)


@dataclass(frozen=True)
class Resumable:
    """A task that goes on in another job when slurm takes its machine away or its time is over."""

    task: Task

    def __call__(self) -> Failure | None:
        """Runs or continues the cell."""
        return self.task()

    def checkpoint(self) -> Any:
        """What the next job does; submitit calls this before the job ends."""
        return load_submitit().helpers.DelayedSubmission(self)


@dataclass(frozen=True)
class Out:
    """A job that was submitted: its id, and the content key of its cell."""

    job: str
    key: str


@dataclass
class Book:
    """The jobs that are out, by cell, in a file.

    Attributes:
        file: The file.
        root: Folder of the matrix.
    """

    file: Path
    root: Path

    def find(self, cell: Cell) -> Out | None:
        """The job of a cell, if one is out."""
        found = self._read().get(self._name(cell))
        return None if found is None else Out(**found)

    def enter(self, cell: Cell, out: Out) -> None:
        """Notes that a job is out."""
        write_json(self.file, {**self._read(), self._name(cell): asdict(out)})

    def strike(self, cell: Cell) -> None:
        """Notes that no job is out."""
        name = self._name(cell)
        write_json(self.file, {other: out for other, out in self._read().items() if other != name})

    def _read(self) -> dict[str, dict[str, str]]:
        return dict(read_json(self.file)) if self.file.exists() else {}

    def _name(self, cell: Cell) -> str:
        return cell.path.absolute().relative_to(self.root).as_posix()


@dataclass
class Jobs:
    """Cells as jobs.

    Attributes:
        executor: What submits.
        book: The jobs that are out.
        shared: Folder of what the cells have in common.
        work: What is done with a cell.
    """

    executor: Any
    book: Book
    shared: Path
    work: Work
    _cells: dict[Any, Cell] = field(default_factory=dict)
    _looked: float = 0.0

    def submit(self, cell: Cell) -> Any:
        """The job of a cell: the one that is out, or a new one."""
        known = self.book.find(cell)
        job = None if known is None else self._again(known, cell)
        if job is None:
            job = self.executor.submit(Resumable(task_of(cell, self.shared, self.work)))
            self.book.enter(cell, Out(job.job_id, cell.key))
        self._cells[job] = cell
        return job

    def _again(self, known: Out, cell: Cell) -> Any:
        """The job that an earlier command submitted; None when it is over and was about something else.

        Raises:
            UserError: It is not over and about something else.
        """
        kinds = load_submitit().core.plugins.get_executors()
        job = kinds[self.executor.cluster].job_class(self.executor.folder, known.job)
        if known.key == cell.key:
            return job
        if not job.done(force_check=True):
            raise UserError(
                "A job with other settings is still out for a cell.",
                got=f"{cell.path}: job {known.job}",
                expected="the same method, settings, data, model and seed",
                remedy=f"scancel {known.job}, or choose another --out",
            )
        return None

    def ended(self, out: Collection[Any]) -> Sequence[Any]:
        """The jobs that have ended."""
        time.sleep(BEAT / 2)
        if time.monotonic() - self._looked > LOOK:
            next(iter(out)).get_info(mode="force")  # of all jobs; they then know it
            self._looked = time.monotonic()
        return [job for job in out if job.done()]

    def result(self, handle: Any) -> Failure | None:
        """How a cell ended; its job is no longer out.

        Raises:
            Lost: The job left no result.
        """
        error = handle.exception()
        self.book.strike(self._cells.pop(handle))
        if error is not None:
            state = str(handle.state)
            why = f"job {handle.job_id} ({state}): {_last(str(error))}"
            raise Lost(why, again=not state.startswith("CANCELLED"))
        failure: Failure | None = handle.result()
        return failure


def _last(text: str) -> str:
    """The end of what a job wrote to its error stream, or of the traceback it left."""
    lines = [line for line in text.splitlines() if line.strip("- ") and not line.startswith(SUBMITIT_SAYS)]
    return " / ".join(lines[-2:])


def load_submitit() -> Any:
    """The module.

    Raises:
        UserError: It is not installed.
    """
    try:
        import submitit
    except ImportError as error:
        raise UserError(
            "submitit is not installed.",
            got="--engine slurm",
            expected="the package submitit on this machine and on those of the jobs",
            remedy="pip install 'unsee[slurm]'",
        ) from error
    return submitit


def executor_of(options: SlurmOptions, folder: Path) -> Any:
    """What submits jobs with these options; logs and what submitit keeps go to ``folder``."""
    tries = {f"{options.cluster}_max_num_timeout": options.retries}
    executor = load_submitit().AutoExecutor(folder=folder, cluster=options.cluster, **tries)
    executor.update_parameters(
        name="unsee",
        timeout_min=options.minutes,
        mem_gb=options.memory,
        cpus_per_task=options.cpus,
        tasks_per_node=1,
        gpus_per_node=options.gpus or None,
        slurm_partition=options.partition or None,
        slurm_account=options.account or None,
    )
    return executor
