"""What an engine is, and which one is meant.

An engine gets cells, runs or continues them, and hands each back as it ends. What is done with a cell is the
same everywhere (:func:`unsee.jobs.bench_pool.run_cell`), and so are its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from unsee.config import nearest
from unsee.jobs.bench_cell import Cell
from unsee.jobs.bench_pool import Done
from unsee.jobs.engines.options import ENGINES, RayOptions, SlurmOptions, parse_options
from unsee.nouns import UserError

Say = Callable[[str], None]


class Engine(Protocol):
    """Something that runs cells."""

    def check(self, cells: Sequence[Cell]) -> None:
        """Makes sure that cells can be sent off, before anything is written.

        Args:
            cells: What is to be run; where there is nothing to run, nothing is refused.

        Raises:
            UserError: There is no cluster to run them on.
        """
        ...

    def run(self, cells: Sequence[Cell], shared: Path, jobs: int, say: Say) -> Iterator[Done]:
        """Runs the cells and hands each back as it ends, with the reason where it failed.

        Args:
            cells: What to run or continue.
            shared: Folder of what the cells have in common, in the folder of the matrix.
            jobs: Most cells at once; 0 = as many as fit.
            say: Where lines about the progress go.
        """
        ...


def make_engine(name: str, options: Sequence[str] = ()) -> Engine:
    """The engine of this name.

    Args:
        name: A key of ``ENGINES``.
        options: ``key=value`` texts, the keys of its options.

    Raises:
        UserError: No such engine or option, or its package is not installed.
    """
    if name not in ENGINES:
        match = nearest(name, list(ENGINES))
        raise UserError(
            "There is no such engine.",
            got=f"--engine {name}",
            expected=", ".join(ENGINES),
            remedy=f"did you mean {match}?" if match else "leave --engine out to run here",
        )
    found = parse_options(name, options)
    if isinstance(found, RayOptions):
        from unsee.jobs.engines.ray import Ray

        return Ray(found)
    if isinstance(found, SlurmOptions):
        from unsee.jobs.engines.slurm import Slurm

        return Slurm(found)
    from unsee.jobs.engines.local import Local

    return Local()
