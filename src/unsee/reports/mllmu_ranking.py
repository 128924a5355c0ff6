"""Methods on MLLMU-Bench in the order of ``mllmu_standing``: at one ratio, and across ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unsee.reports.matrix_files import count_text
from unsee.reports.measures import show
from unsee.reports.mllmu_standing import order
from unsee.reports.safe import markdown

RESULTS: Mapping[str, str] = {"success": "success", "short": "falls short", "collapse": "collapse"}
COST: Mapping[str, str] = {
    "training_seconds": "training s",
    "asking_seconds": "asking s",
    "training_lm_tokens": "training tokens",
}
Row = Mapping[str, Any]


def ranking(rows: Sequence[Row]) -> list[list[str]]:
    """The methods of one ratio with what they cost; what has no figures stands last and says why."""
    lines = [["", "method", "result", "left", "lost", "gibberish", *COST.values()]]
    for rank, row in enumerate(sorted(rows, key=order), 1):
        found = row.get("standing")
        if found:
            told = [RESULTS[found["status"]], *(_points(found[key]) for key in ("left", "lost", "broken"))]
            lines.append([str(rank), f"`{title(row)}`", *told, *cost_of(row)])
        else:
            lines.append([str(rank), f"`{title(row)}`", _state(row), *["–"] * (3 + len(COST))])
    return lines


def across_ratios(rows: Sequence[Row]) -> list[list[str]]:
    """Result, left and lost of each method at every ratio side by side.

    Ordered by the worst result, then by the mean distance from both aims.
    """
    ratios = sorted({row["ratio"] for row in rows})
    by_title: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_title.setdefault(title(row), {})[row["ratio"]] = row

    def place(found: Mapping[int, Row]) -> tuple[int, float]:
        orders = [order(found.get(ratio, {})) for ratio in ratios]
        return max(kind for kind, _ in orders), sum(distance for _, distance in orders)

    header = [f"{ratio} % {word}" for ratio in ratios for word in ("result", "left", "lost")]
    lines = [["", "method", *header]]
    for rank, name in enumerate(sorted(by_title, key=lambda name: place(by_title[name])), 1):
        cells = [cell for ratio in ratios for cell in _of_ratio(by_title[name].get(ratio))]
        lines.append([str(rank), f"`{name}`", *cells])
    return lines


def _of_ratio(row: Row | None) -> list[str]:
    found = (row or {}).get("standing")
    if row is None or not found:
        return [_state(row) if row else "–", "–", "–"]
    return [RESULTS[found["status"]], _points(found["left"]), _points(found["lost"])]


def _points(value: float) -> str:
    """A share as points of 100."""
    return show(value, "share").removesuffix(" %")


def _state(row: Row) -> str:
    """Why a row has no figures."""
    if row["failures"]:
        return f"failed: {markdown(in_one_line(row['failures'][0]), 160)}"
    return "not ranked" if "models" in row else "not finished"


def title(row: Row) -> str:
    """How a row is called: the method, the form of its training questions, its settings."""
    form = {"image_text": "", "text": " (text only)", "both": " (both forms)"}[row["modality"]]
    return f"{row['method']}{form}" + "".join(f", {key}={value}" for key, value in row["settings"].items())


def cost_of(row: Row | None) -> list[str]:
    """The cost of a method; blank for what no method changes."""
    return [""] * len(COST) if row is None else [count_text(row["cost"].get(key)) for key in COST]


def in_one_line(text: str) -> str:
    """A message of several lines as one."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
