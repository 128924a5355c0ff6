"""What the comparisons are expected to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Goal(NamedTuple):
    """Smallest wanted ratios; None = nothing is promised.

    Attributes:
        time: Processor seconds on a CPU, seconds on the clock on a GPU: the peer's over ours.
        memory: Peak memory beyond the resident models: the peer's over ours.
    """

    time: float | None = None
    memory: float | None = None


GOALS: Mapping[tuple[str, str], Goal] = {
    ("T1", "tiny"): Goal(2, 2),
    ("T1", "tiny152k"): Goal(6, 6),
    ("T2", "tiny"): Goal(4, 3),
    ("T3", "tiny"): Goal(None, 2),
    ("T3", "tiny152k"): Goal(None, 5),
    ("T4", "tiny"): Goal(12, 6),
    ("T5", "tiny"): Goal(10, 8),
    ("E1", "tiny"): Goal(4),
    ("E2", "tiny"): Goal(6),
    ("E3", "tiny"): Goal(20),
    ("E4", "tiny"): Goal(30),
    ("E5", "tiny"): Goal(5),
    ("T4", "real7b"): Goal(3),
    ("E1", "real7b"): Goal(8),
    ("E3", "real7b"): Goal(50),
}


def goal_of(result: Mapping[str, Any]) -> Goal:
    """The goal of a comparison on a shape."""
    return GOALS.get((result["case"], result["shape"]["name"]), Goal())
