"""The rule that ranks methods on MLLMU-Bench: how near to the aim, in points, and whether language broke.

The aim of every figure is a model: on Forget and Test gold, the model that never saw the people; on Retain
and Real the target. Without gold the aim on Forget and Test is the best of the floors that need no knowledge,
and it is enough to be below it. Counted are choice (option texts where they were compared, else letters),
ROUGE-L and cloze, with picture and by name; all of them weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

POINTS = 0.10
"""Success: on average at most so far from the aim, in forgetting and in keeping."""
BROKEN = 0.10
"""Collapse: so many more empty or gibberish replies than the target's where people are to be kept."""
FORGOTTEN = ("forget", "test")
KEPT = ("retain", "real")
SIDES = ("image_text", "text")
FLOORS = ("majority", "random_other", "chance")
Status = Literal["success", "short", "collapse"]
Scores = Mapping[str, Mapping[str, Any]]


class Standing(NamedTuple):
    """Where a method stands.

    Attributes:
        status: ``success``, ``short`` of it, or ``collapse``.
        left: Mean distance from the aim on Forget and Test, 0..1.
        lost: Mean distance below the target on Retain and Real, 0..1.
        broken: Largest rise of empty or gibberish replies over the target's on Retain and Real.
    """

    status: Status
    left: float
    lost: float
    broken: float

    @property
    def distance(self) -> float:
        """Mean of ``left`` and ``lost``: what methods are ranked by."""
        return (self.left + self.lost) / 2


def standing(scores: Scores, shared: Mapping[str, Any]) -> Standing | None:
    """Where the scores of an unlearned model stand.

    Args:
        scores: By cell ``metric/set/modality``.
        shared: ``models`` and ``floors`` of the same questions.

    Returns:
        None where too little was asked: nothing to forget, or nothing to keep.
    """
    target = shared["models"]["target"]
    left = [
        gap for cell in _cells(scores, FORGOTTEN) if (gap := _above_aim(cell, scores, shared)) is not None
    ]
    lost = [max(0.0, _value(target, c) - _value(scores, c)) for c in _cells(scores, KEPT) if c in target]
    if not left or not lost:
        return None
    ends = [f"mllmu_degenerate/{name}/{side}" for name in KEPT for side in SIDES]
    rises = [_value(scores, c) - _value(target, c) for c in ends if c in scores and c in target]
    broken = max(rises, default=0.0)
    apart = sum(left) / len(left), sum(lost) / len(lost)
    status: Status = "collapse" if broken > BROKEN else "success" if max(apart) <= POINTS else "short"
    return Standing(status, *apart, broken)


def _cells(scores: Scores, sets: tuple[str, ...]) -> list[str]:
    choice = (
        "mllmu_choice_text" if any(c.startswith("mllmu_choice_text/") for c in scores) else "mllmu_choice"
    )
    metrics = (choice, "mllmu_rouge_l", "mllmu_cloze")
    named = [f"{metric}/{name}/{side}" for metric in metrics for name in sets for side in SIDES]
    return [cell for cell in named if cell in scores]


def _above_aim(cell: str, scores: Scores, shared: Mapping[str, Any]) -> float | None:
    gold = shared["models"].get("gold", {})
    if cell in gold:
        return abs(_value(scores, cell) - _value(gold, cell))
    floors = [_value(shared["floors"][f], cell) for f in FLOORS if cell in shared["floors"].get(f, {})]
    return max(0.0, _value(scores, cell) - max(floors)) if floors else None


def _value(scores: Scores, cell: str) -> float:
    return float(scores[cell]["value"])


def order(row: Mapping[str, Any]) -> tuple[int, float]:
    """Sorts rows: success, short, collapse, then what has no standing; nearer to the aim first."""
    found = row.get("standing")
    if not found:
        return 3, 0.0
    return ("success", "short", "collapse").index(found["status"]), found["distance"]
