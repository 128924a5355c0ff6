"""Two ways of doing the same work, timed in turn in one process."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import torch

REPEATS = 5
T = TypeVar("T")


@dataclass
class Times:
    """Seconds of each repetition on the clock and of this process on all its threads."""

    wall: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)

    @property
    def wall_median(self) -> float:
        """Median wall-clock seconds."""
        return statistics.median(self.wall)

    @property
    def process_median(self) -> float:
        """Median processor seconds."""
        return statistics.median(self.process)

    def as_json(self) -> dict[str, object]:
        """All repetitions and their medians."""
        return {
            "wall_seconds": self.wall_median,
            "process_seconds": self.process_median,
            "all_wall_seconds": self.wall,
            "all_process_seconds": self.process,
        }


def interleave(
    ours: Callable[[int], T],
    peer: Callable[[int], T],
    check: Callable[[T, T], object],
    *,
    before: Callable[[int], object] | None = None,
    repeats: int = REPEATS,
    budget: float | None = None,
) -> tuple[Times, Times]:
    """Times of both, one after the other in every repetition and with the other one first in every second.

    Args:
        ours: Called with 1, 2 ... ``repeats``; each number is another picture, so nothing kept from one
            repetition helps the next.
        peer: Called with the same numbers.
        check: Called with both outcomes of each repetition, outside the timed part.
        before: Called with each number first, outside the timed part.
        repeats: How often each runs at most; once in any case.
        budget: Seconds on the clock after which no further repetition begins.
    """
    ours_times, peer_times = Times(), Times()
    start = time.perf_counter()
    for number in range(1, repeats + 1):
        if number > 1 and budget is not None and time.perf_counter() - start > budget:
            break
        if before is not None:
            before(number)
        if number % 2:
            mine = timed(partial(ours, number), ours_times)
            theirs = timed(partial(peer, number), peer_times)
        else:
            theirs = timed(partial(peer, number), peer_times)
            mine = timed(partial(ours, number), ours_times)
        check(mine, theirs)
    return ours_times, peer_times


def timed(work: Callable[[], T], times: Times) -> T:
    """Do the work and add its seconds to the times."""
    gc.collect()
    _wait()
    wall, process = time.perf_counter(), time.process_time()
    outcome = work()
    _wait()
    times.wall.append(time.perf_counter() - wall)
    times.process.append(time.process_time() - process)
    return outcome


def _wait() -> None:
    """A GPU works on after the call; its time counts."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
