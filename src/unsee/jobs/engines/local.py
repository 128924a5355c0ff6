"""The cells in processes of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unsee.jobs.bench_cell import Cell
from unsee.jobs.bench_pool import Done, Work, cores, run_cell, run_cells
from unsee.jobs.engines.engine import Say


@dataclass(frozen=True)
class Local:
    """Processes that die with the command; a cell whose process died is tried once more, alone.

    Attributes:
        work: What is done with a cell.
    """

    work: Work = run_cell

    def check(self, cells: Sequence[Cell]) -> None:
        """This machine is there."""

    def run(self, cells: Sequence[Cell], shared: Path, jobs: int, say: Say) -> Iterator[Done]:
        """See :class:`unsee.jobs.engines.engine.Engine`; ``jobs`` 0 = one per core, one in all with a GPU."""
        if cells:
            yield from run_cells(cells, shared, min(jobs or default_jobs(cells[0]), len(cells)), self.work)


def default_jobs(cell: Cell) -> int:
    """One process per core; one in all where the model runs on a GPU."""
    import torch

    device = cell.config.device
    return cores() if device == "cpu" or (device == "auto" and not torch.cuda.is_available()) else 1
