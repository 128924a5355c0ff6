"""A brush in relative units, and patterns that stay inside an outline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageChops, ImageDraw

from unsee.world.canvas import CANVAS, COLORS, RGB, Brush, Point

Sketch = Callable[[Image.Image, Mapping[str, str], float, float], None]
"""Draws on a transparent canvas the attribute values (by name), with factors on width and height."""

FIGURE_COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
INK: RGB = (25, 22, 28)
BLACK: RGB = COLORS["black"]
WHITE: RGB = (250, 250, 250)
GOLD: RGB = (250, 205, 40)
HORN: RGB = (225, 205, 150)
MIDDLE = CANVAS / 2
SIDES = (-1, 1)
EDGE = 4


class Grid:
    """Relative places: the origin is ``x, y``; one unit is ``w`` pixels across and ``h`` pixels down."""

    def __init__(self, layer: Image.Image, x: float, y: float, w: float, h: float) -> None:
        self.layer, self.brush, self.x, self.y, self.w, self.h = layer, Brush(layer), x, y, w, h

    def at(self, across: float, down: float) -> Point:
        """The canvas pixel of a relative place."""
        return self.x + across * self.w, self.y + down * self.h

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB, edge: RGB | None = INK) -> None:
        """An ellipse."""
        self.brush.oval(*self.at(x, y), rx * self.w, ry * self.h, fill, edge, EDGE)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: RGB,
        edge: RGB | None = INK,
        radius: int = 0,
    ) -> None:
        """A rectangle; ``radius`` of its corners in pixels."""
        self.brush.box(*self.at(left, top), *self.at(right, bottom), fill, radius, edge, EDGE)

    def polygon(self, *points: Point, fill: RGB, edge: RGB | None = INK) -> None:
        """A polygon."""
        self.brush.polygon([self.at(*point) for point in points], fill, edge, EDGE)

    def line(self, *points: Point, fill: RGB, width: int) -> None:
        """A line of ``width`` pixels."""
        self.brush.line([self.at(*point) for point in points], fill, width)

    def patterned(self, outline: Sequence[Point], color: RGB, pattern: str, pattern_color: RGB) -> None:
        """A polygon with a pattern that ends at its border."""
        points = [self.at(*point) for point in outline]
        self.brush.polygon(points, color)
        inside, marks = Image.new("L", (CANVAS, CANVAS)), Image.new("L", (CANVAS, CANVAS))
        ImageDraw.Draw(inside).polygon(points, fill=255)
        _draw_pattern(ImageDraw.Draw(marks), pattern, self.at(0, 0))
        self.layer.paste(pattern_color, (0, 0), ImageChops.multiply(inside, marks))
        self.brush.draw.line([*points, points[0], points[1]], fill=INK, width=EDGE, joint="curve")


def steps(start: float, stop: float, count: int) -> list[float]:
    """``count`` + 1 evenly spaced numbers from start to stop."""
    return [start + (stop - start) * k / count for k in range(count + 1)]


def ellipse(x: float, y: float, rx: float, ry: float) -> list[Point]:
    """Corners of a polygon that looks like an ellipse."""
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in steps(0, math.tau, 28)[:-1]]


def _draw_pattern(draw: ImageDraw.ImageDraw, pattern: str, origin: Point) -> None:
    """White marks of one pattern on black, aligned to the origin so that they move with the figure."""
    x0, y0 = origin[0] - CANVAS, origin[1] - CANVAS
    many = range(0, 2 * CANVAS, 20)
    match pattern:
        case "plain":
            pass
        case "striped":
            for step in range(CANVAS % 28 - 14, 2 * CANVAS, 28):
                draw.rectangle((x0 + step - 7, 0, x0 + step + 7, CANVAS), fill=255)
        case "dotted" | "spotted":
            for row in range(0, 2 * CANVAS, 26):
                for step in range(13 * (row // 26 % 2), 2 * CANVAS, 26):
                    x, y = x0 + step + 4, y0 + row + 4
                    draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=255)
        case "checked":
            for row in many:
                for step in range(row % 40, 2 * CANVAS, 40):
                    draw.rectangle((x0 + step, y0 + row, x0 + step + 19, y0 + row + 19), fill=255)
        case "zigzag":
            for row in range(0, 2 * CANVAS, 40):
                line = [(x0 + step, y0 + row + (9 if step % 40 else -9)) for step in many]
                draw.line(line, fill=255, width=12)
        case "patched":
            draw.ellipse((origin[0] - 46, origin[1] - 36, origin[0] - 6, origin[1] + 10), fill=255)
            draw.ellipse((origin[0] + 8, origin[1] - 8, origin[0] + 44, origin[1] + 34), fill=255)
        case _:
            raise AssertionError(pattern)
