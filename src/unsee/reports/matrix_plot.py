"""The comparison as a figure: forgetting against keeping, size = cost, floors drawn, collapse crossed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from unsee.reports.matrix import POINTS, Matrix, Row, naming_score, retained_score
from unsee.reports.plots import COLOURS, FAINT, GRID, INK, LINES, PERCENT, STYLE, svg
from unsee.reports.safe import one_line

SIZE = (9.4, 6.2)
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
SMALLEST, LARGEST = 36.0, 420.0


@dataclass(frozen=True)
class Box:
    """A rectangle of a label, in pixels."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: Box) -> bool:
        """Whether two rectangles overlap."""
        apart = self.right < other.left or other.right < self.left
        return not (apart or self.high < other.low or other.high < self.low)


def pareto(matrix: Matrix) -> Markup | None:
    """Forgetting (1 - named) against retention, one mark per row; None when there is nothing to place.

    The field of success is shaded: within 10 points of gold and of the target. Numbers are ranks.
    """
    placed = [(rank, row) for rank, row in enumerate(matrix.rows, 1) if place(row) is not None]
    if not placed:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(-0.04, 1.06), ylim=(_lowest(matrix), 1.08))
        axes.set_xlabel("forgetting: concept not named on pictures never trained on")
        axes.set_ylabel("retention: retain accuracy as a share of the target's")
        axes.xaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_formatter(PERCENT)
        _field_of_success(axes, matrix)
        _floors(axes, matrix)
        _marks(axes, placed)
        figure.legend(loc="outside lower center", ncols=4)
        figure.draw_without_rendering()
        _labels(axes, placed)
        spoken = "; ".join(_spoken(row) for _, row in placed)
        return svg(figure, "pareto", f"Forgetting against retention. {spoken}.")


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


def _field_of_success(axes: Any, matrix: Matrix) -> None:
    gold = naming_score(matrix.floors.get("gold", {}))
    target = retained_score(matrix.floors.get("target", {}))
    left = 1 - (gold.value if gold is not None else 0.0) - POINTS
    low = 1 - POINTS / target.value if target is not None and target.value > 0 else 1 - POINTS
    axes.axvspan(left, 1.06, ymin=_fraction(axes, low), color=LINES[3], alpha=0.08, lw=0)
    axes.axvline(left, color=LINES[3], lw=0.8, ls=":")
    axes.axhline(low, color=LINES[3], lw=0.8, ls=":")


def _fraction(axes: Any, y: float) -> float:
    low, high = axes.get_ylim()
    return float(max(0.0, min(1.0, (y - low) / (high - low))))


def _floors(axes: Any, matrix: Matrix) -> None:
    for model, x, y in floor_places(matrix):
        style = {"marker": FLOOR_MARKS[model], "color": COLOURS[model], "ls": "", "ms": 10}
        axes.plot([x], [y], label=model, mfc="none", mew=1.8, clip_on=False, zorder=4, **style)


def _marks(axes: Any, placed: Sequence[tuple[int, Row]]) -> None:
    largest = max((row.tokens or 0.0 for _, row in placed), default=0.0)
    for status, look in LOOKS.items():
        rows = [row for _, row in placed if row.status == status]
        if rows:
            xs, ys = zip(*(place(row) or (0.0, 0.0) for row in rows), strict=True)
            sizes = [marker_size(row.tokens, largest) for row in rows]
            axes.scatter(xs, ys, s=sizes, label=WORDS[status], clip_on=False, zorder=3, **look)


def _labels(axes: Any, placed: Sequence[tuple[int, Row]]) -> None:
    """Rank and method beside each mark, where no other label stands; a line leads from far ones."""
    taken: list[Box] = []
    for rank, row in placed:
        at = place(row)
        assert at is not None, row.title
        x, y = axes.transData.transform(at)
        text = f"{rank} {one_line(row.title, 34)}"
        dx, dy, box = _free_place(x, y, 6.0 * len(text), taken, axes.bbox)
        taken.append(box)
        line = {"arrowprops": {"arrowstyle": "-", "color": GRID, "lw": 0.8}} if abs(dx) + abs(dy) > 34 else {}
        axes.annotate(
            text,
            at,
            xytext=(dx * 0.72, dy * 0.72),  # 100 dots per inch against 72 points per inch
            textcoords="offset points",
            fontsize=8,
            color=LINES[1] if row.status == "collapse" else INK,
            va="center",
            ha="left",
            zorder=5,
            **line,
        )


def _free_place(
    x: float, y: float, width: float, taken: Sequence[Box], frame: Any
) -> tuple[float, float, Box]:
    """The nearest offset (pixels) at which a label of this width overlaps none before it."""
    steps = [(side, 15.0 * n * sign) for n in range(24) for sign in (1, -1) for side in (1, -1)]
    for side, dy in steps:
        dx = 14.0 if side > 0 else -14.0 - width
        box = Box(x + dx, y + dy - 7, x + dx + width, y + dy + 7)
        inside = frame.x0 <= box.left and box.right <= frame.x1 + 8 and frame.y0 <= box.low
        if inside and box.high <= frame.y1 and not any(box.meets(other) for other in taken):
            return dx, dy, box
    return 14.0, 0.0, Box(x + 14, y - 7, x + 14 + width, y + 7)


def _spoken(row: Row) -> str:
    at = place(row) or (0.0, 0.0)
    return f"{one_line(row.title, 40)}: forgotten {at[0]:.0%}, kept {at[1]:.0%}, {WORDS[row.status]}"
