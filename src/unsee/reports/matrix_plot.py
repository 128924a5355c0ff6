"""The comparison as a figure: forgetting against keeping, size = cost, floors drawn, collapse crossed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from unsee.reports.matrix import POINTS, Matrix, Row, naming_score, retained_score
from unsee.reports.plot_labels import label_marks
from unsee.reports.plots import COLOURS, FAINT, INK, LINES, PERCENT, STYLE, svg
from unsee.reports.safe import one_line

SIZE = (9.4, 6.2)
WIDE = (13.6, 6.4)
LOOKS: dict[str, dict[str, Any]] = {
    "success": {"marker": "o", "facecolors": LINES[3], "edgecolors": LINES[3], "alpha": 0.75},
    "short": {"marker": "o", "facecolors": "none", "edgecolors": INK, "linewidths": 1.4},
    "collapse": {
        "marker": "X",
        "facecolors": LINES[1],
        "edgecolors": LINES[1],
        "linewidths": 0.8,
        "alpha": 0.75,
    },
    "unknown": {"marker": "o", "facecolors": "none", "edgecolors": FAINT, "linewidths": 1.0},
    "failed": {"marker": "x", "c": FAINT, "linewidths": 1.4},
}
WORDS = {
    "success": "success",
    "short": "falls short",
    "collapse": "collapse: damage, not forgetting",
    "unknown": "concept never known",
    "failed": "not all runs finished",
}
FLOOR_MARKS = {"target": "s", "gold": "D", "blind": "v"}
SMALLEST, LARGEST = 30.0, 300.0
CROWD = 4  # rows in the field of success from which on it gets a panel of its own


def pareto(matrix: Matrix) -> Markup | None:
    """Forgetting (1 - named) against retention, one mark per row; None when there is nothing to place.

    The field of success is shaded: within 10 points of gold and of the target. Numbers are ranks. Where it is
    crowded, a second panel shows it larger.
    """
    placed = [(rank, row) for rank, row in enumerate(matrix.rows, 1) if place(row) is not None]
    if not placed:
        return None
    left, low = field_of_success(matrix)
    inside = [(rank, row) for rank, row in placed if _within(row, left, low)]
    crowded = len(inside) >= CROWD
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=WIDE if crowded else SIZE, layout="constrained")
        panels = figure.subplots(1, 2 if crowded else 1, squeeze=False)[0]
        panels[0].set(xlim=(-0.04, 1.06), ylim=(_lowest(matrix), 1.08))
        panels[0].set_ylabel("retention: retain accuracy as a share of the target's")
        panels[0].set_xlabel("forgetting: concept not named on pictures never trained on")
        if crowded:
            highest = max(row.retention or 0.0 for _, row in inside)
            panels[1].set(xlim=(left, 1.012), ylim=(low, max(1.02, highest + 0.02)))
            panels[1].set_xlabel("the shaded field, larger")
        for axes in panels:
            axes.xaxis.set_major_formatter(PERCENT)
            axes.yaxis.set_major_formatter(PERCENT)
            _shade(axes, left, low)
        _draw(panels[0], matrix, placed)
        if crowded:
            _draw(panels[1], matrix, inside)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        figure.draw_without_rendering()
        _labels(panels[0], placed, [pair for pair in placed if not crowded or pair not in inside])
        if crowded:
            _labels(panels[1], inside, inside)
        spoken = "; ".join(_spoken(row) for _, row in placed)
        return svg(figure, "pareto", f"Forgetting against retention. {spoken}.")


def field_of_success(matrix: Matrix) -> tuple[float, float]:
    """(smallest forgetting, smallest retention) of the field of success."""
    gold = naming_score(matrix.floors.get("gold", {}))
    target = retained_score(matrix.floors.get("target", {}))
    kept = target.value if target is not None and target.value > 0 else 1.0
    return 1 - (gold.value if gold is not None else 0.0) - POINTS, 1 - POINTS / kept


def _within(row: Row, left: float, low: float) -> bool:
    at = place(row)
    return at is not None and at[0] >= left and at[1] >= low


def place(row: Row) -> tuple[float, float] | None:
    """(forgetting, retention) of a row, or None where one of them was not measured."""
    return None if row.named is None or row.retention is None else (1 - row.named.value, row.retention)


def marker_size(tokens: float | None, largest: float) -> float:
    """Area of a mark: it grows with the cost."""
    share = (tokens or 0.0) / largest if largest else 0.0
    return SMALLEST + (LARGEST - SMALLEST) * float(min(1.0, share))


def floor_places(matrix: Matrix) -> Iterator[tuple[str, float, float]]:
    """(model, forgetting, retention) of the floors."""
    target = retained_score(matrix.floors.get("target", {}))
    for model, scores in matrix.floors.items():
        named, kept = naming_score(scores), retained_score(scores)
        if named is not None and kept is not None and target is not None and target.value > 0:
            yield model, 1 - named.value, kept.value / target.value


def _lowest(matrix: Matrix) -> float:
    shown = [found[1] for row in matrix.rows if (found := place(row)) is not None]
    shown += [kept for _, _, kept in floor_places(matrix)]
    return min(0.0 if not shown else min(shown) - 0.08, 0.75)


def _shade(axes: Any, left: float, low: float) -> None:
    bottom, top = axes.get_ylim()
    axes.axvspan(left, 1.06, ymin=max(0.0, (low - bottom) / (top - bottom)), color=LINES[3], alpha=0.08, lw=0)
    axes.axvline(left, color=LINES[3], lw=0.8, ls=":")
    axes.axhline(low, color=LINES[3], lw=0.8, ls=":")


def _draw(axes: Any, matrix: Matrix, placed: Sequence[tuple[int, Row]]) -> None:
    """Floors and marks; floors outside the panel are left out."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for model, x, y in floor_places(matrix):
        if left <= x <= right and low <= y <= high:
            style = {"marker": FLOOR_MARKS[model], "color": COLOURS[model], "ls": "", "ms": 10}
            axes.plot([x], [y], label=model, mfc="none", mew=1.8, clip_on=False, zorder=4, **style)
    for status, look in LOOKS.items():
        rows = [row for _, row in placed if row.status == status]
        if rows:
            xs, ys = zip(*(place(row) or (0.0, 0.0) for row in rows), strict=True)
            sizes = [marker_size(row.tokens, _dearest(matrix)) for row in rows]
            axes.scatter(xs, ys, s=sizes, label=WORDS[status], clip_on=False, zorder=3, **look)


def _dearest(matrix: Matrix) -> float:
    return max((row.tokens or 0.0 for row in matrix.rows), default=0.0)


def _labels(axes: Any, drawn: Sequence[tuple[int, Row]], named: Sequence[tuple[int, Row]]) -> None:
    """Rank and method beside each mark."""
    marks = [at for _, row in drawn if (at := place(row)) is not None]
    names = [(at, rank, row.title, row.status) for rank, row in named if (at := place(row)) is not None]
    label_marks(axes, marks, names)


def _spoken(row: Row) -> str:
    at = place(row) or (0.0, 0.0)
    return f"{one_line(row.title, 40)}: forgotten {at[0]:.0%}, kept {at[1]:.0%}, {WORDS[row.status]}"
