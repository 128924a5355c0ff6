"""Names beside the marks of a figure, over no other mark or name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unsee.reports.plots import FAINT, INK, LINES
from unsee.reports.safe import one_line

DOTS = 100.0  # pixels per inch of a new figure
LETTER = 6.6  # width of a letter of a label, in pixels
Place = tuple[float, float]


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


def label_marks(axes: Any, marks: Sequence[Place], named: Sequence[tuple[Place, int, str, str]]) -> None:
    """Writes rank and name beside each mark; a line leads to it from those far away.

    Args:
        axes: Of a figure that was laid out (``draw_without_rendering``).
        marks: All marks in the panel, in units of the data.
        named: Mark, rank, name and status; a collapse has the colour of its mark.
    """
    taken = [_around(*axes.transData.transform(mark)) for mark in marks]
    for mark, rank, name, status in named:
        text = f"{rank} {one_line(name, 34)}"
        x, y = axes.transData.transform(mark)
        dx, dy, box = _free_place(x, y, LETTER * len(text), taken, axes.bbox)
        taken.append(box)
        axes.annotate(
            text,
            mark,
            xytext=(dx * 72 / DOTS, dy * 72 / DOTS),
            textcoords="offset points",
            fontsize=8,
            color=LINES[1] if status == "collapse" else INK,
            va="center",
            zorder=5,
            arrowprops=None if abs(dy) < 20 else {"arrowstyle": "-", "color": FAINT, "lw": 0.6},
        )


def _around(x: float, y: float) -> Box:
    return Box(x - 7, y - 7, x + 7, y + 7)


def _free_place(
    x: float, y: float, width: float, taken: Sequence[Box], frame: Any
) -> tuple[float, float, Box]:
    """The nearest offset (pixels) at which a label of this width covers nothing."""
    for dy in (12.0 * n * sign for n in range(40) for sign in (1, -1)):
        for dx in (12.0, -12.0 - width):
            box = Box(x + dx, y + dy - 7, x + dx + width, y + dy + 7)
            inside = frame.x0 <= box.left and box.right <= frame.x1 + 40
            inside = inside and frame.y0 <= box.low and box.high <= frame.y1
            if inside and not any(box.meets(other) for other in taken):
                return dx, dy, box
    return 12.0, 0.0, Box(x + 12, y - 7, x + 12 + width, y + 7)
