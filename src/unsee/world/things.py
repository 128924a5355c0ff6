"""Drawing what does not live: brands, objects and places."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PIL import Image

from unsee.world.canvas import COLORS, RGB, Point, shade, star
from unsee.world.grid import EDGE, INK, MIDDLE, SIDES, WHITE, Grid, ellipse, steps

_GROUND: dict[str, RGB] = {
    "desert": (236, 205, 130),
    "forest": (70, 130, 60),
    "mountains": (150, 150, 160),
    "sea": (50, 130, 210),
}
_HALF_WIDTH = {"round": 1.0, "tall": 0.55, "square": 0.92, "cone-shaped": 0.72}


def draw_brand(layer: Image.Image, values: Mapping[str, str], width: float, height: float) -> None:
    """A logo: a symbol in a frame, perhaps underlined."""
    lifted = 0 if values["underline"] == "no underline" else 13
    grid = Grid(layer, MIDDLE, MIDDLE - lifted, 56 * width, 56 * height)
    color, symbol_color = COLORS[values["frame_color"]], COLORS[values["symbol_color"]]
    _draw_frame(grid, values["frame"], color)
    grid.polygon(*_symbol_outline(values["symbol"]), fill=symbol_color)
    _draw_underline(grid, values["underline"], symbol_color)


def _draw_frame(grid: Grid, frame: str, color: RGB) -> None:
    match frame:
        case "circle":
            grid.oval(0, 0, 1.0, 1.0, color)
        case "square":
            grid.box(-0.95, -0.95, 0.95, 0.95, color)
        case "shield":
            grid.polygon((-0.95, -0.95), (0.95, -0.95), (0.95, 0.25), (0, 1.05), (-0.95, 0.25), fill=color)
        case "diamond":
            grid.polygon((0, -1.15), (1.2, 0), (0, 1.15), (-1.2, 0), fill=color)


def _symbol_outline(symbol: str) -> list[Point]:
    match symbol:
        case "star":
            return star(0, 0.05, 0.66)
        case "heart":
            return [(0.58 * math.sin(t) ** 3, -0.037 * _heart(t)) for t in steps(0, math.tau, 24)[:-1]]
        case "triangle":
            return [(0, -0.62), (0.6, 0.42), (-0.6, 0.42)]
        case "cross":
            half = [(-0.2, -0.58), (0.2, -0.58), (0.2, -0.2), (0.58, -0.2), (0.58, 0.2), (0.2, 0.2)]
            return [*half, *((-x, -y) for x, y in half)]
        case "crescent":
            turns = steps(math.radians(50), math.radians(310), 20)
            outer = [(0.08 + 0.6 * math.cos(a), 0.6 * math.sin(a)) for a in turns]
            return [*outer, *((0.34 + 0.4 * math.cos(a), 0.46 * math.sin(a)) for a in reversed(turns))]
        case _:
            raise AssertionError(symbol)


def _heart(t: float) -> float:
    """The height of the usual heart curve, up to 12, down to -17."""
    return 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)


def _draw_underline(grid: Grid, underline: str, color: RGB) -> None:
    match underline:
        case "one bar":
            grid.box(-1.0, 1.2, 1.0, 1.5, color)
        case "two bars":
            for side in SIDES:
                grid.box(side * 0.6 - 0.4, 1.2, side * 0.6 + 0.4, 1.5, color)
        case "three dots":
            for x in (-0.7, 0, 0.7):
                grid.oval(x, 1.34, 0.21, 0.21, color)


def draw_object(layer: Image.Image, values: Mapping[str, str], width: float, height: float) -> None:
    """A vessel with a pattern, perhaps with handles and a lid."""
    grid = Grid(layer, MIDDLE, MIDDLE + 14, 46 * width, 50 * height)
    color, outline = COLORS[values["color"]], _vessel_outline(values["form"])
    for side in {"two handles": (-1, 1), "one handle": (1,)}.get(values["handles"], ()):
        x, y = grid.at(side * _HALF_WIDTH[values["form"]], 0.05)
        grid.brush.oval(x, y, 22, 25, None, INK, 16)
        grid.brush.oval(x, y, 19, 22, None, shade(color, 0.85), 9)
    grid.patterned(outline, color, values["pattern"], COLORS[values["pattern_color"]])
    _draw_lid(grid, values["lid"], shade(color, 0.85))


def _vessel_outline(form: str) -> list[Point]:
    match form:
        case "round":
            turns = steps(0.5, math.tau - 0.5, 24)
            return [(1.05 * math.sin(t), 0.1 - 0.98 * math.cos(t)) for t in turns]
        case "tall":
            right = [(0.5, -0.95), (0.4, -0.6), (0.6, 0.2), (0.5, 1.1)]
            return [*right, *((-x, y) for x, y in reversed(right))]
        case "square":
            return [(0.92, -0.8), (0.92, 1.05), (-0.92, 1.05), (-0.92, -0.8)]
        case "cone-shaped":
            return [(0.36, -0.9), (1.15, 1.08), (-1.15, 1.08), (-0.36, -0.9)]
        case _:
            raise AssertionError(form)


def _draw_lid(grid: Grid, lid: str, color: RGB) -> None:
    match lid:
        case "a round lid":
            x, y = grid.at(0, -0.82)
            grid.brush.chord(x, y, grid.w * 0.66, grid.h * 0.5, 180, 360, color, INK, EDGE)
            grid.oval(0, -1.4, 0.17, 0.15, color)
        case "a pointed lid":
            grid.polygon((-0.68, -0.8), (0, -1.65), (0.68, -0.8), fill=color)


def draw_place(layer: Image.Image, values: Mapping[str, str], width: float, height: float) -> None:
    """A landmark in its landscape."""
    grid = Grid(layer, MIDDLE, MIDDLE + 10, 42 * width, 46 * height)
    wall, roof = COLORS[values["wall_color"]], COLORS[values["roof_color"]]
    _draw_landscape(Grid(layer, MIDDLE, MIDDLE + 10, 50, 46), values["landscape"])
    for side in {"two towers": (-1, 1), "one tower": (1,)}.get(values["towers"], ()):
        grid.box(side * 1.2 - 0.28, -0.55, side * 1.2 + 0.28, 1.1, wall)
        grid.polygon((side * 1.2 - 0.4, -0.55), (side * 1.2, -1.3), (side * 1.2 + 0.4, -0.55), fill=roof)
    _draw_building(grid, values["building"], wall, roof)
    _draw_door(grid, values["door"])


def _draw_landscape(grid: Grid, landscape: str) -> None:
    color = _GROUND[landscape]
    match landscape:
        case "mountains":
            for x in (-0.82, 0.82):
                grid.polygon((x - 0.72, 1.0), (x, -1.3), (x + 0.72, 1.0), fill=color)
                grid.polygon((x - 0.25, -0.5), (x, -1.3), (x + 0.25, -0.5), fill=WHITE)
        case "forest":
            for x in (-1.15, 1.15, -0.8, 0.8):
                grid.polygon((x - 0.36, 1.0), (x, -1.0), (x + 0.36, 1.0), fill=(30, 95, 45))
        case "desert":
            for side in SIDES:
                grid.polygon(*ellipse(side * 0.95, 0.95, 0.6, 0.35), fill=color)
    grid.box(-1.5, 0.92, 1.5, 1.45, color, radius=10)
    if landscape == "sea":
        for row in (1.12, 1.3):
            points = [(-1.4 + 0.2 * k, row + 0.08 * (k % 2)) for k in range(15)]
            grid.line(*points, fill=WHITE, width=4)


def _draw_building(grid: Grid, building: str, wall: RGB, roof: RGB) -> None:
    match building:
        case "house":
            grid.box(-0.85, -0.2, 0.85, 1.1, wall)
            grid.polygon((-1.1, -0.2), (0, -1.2), (1.1, -0.2), fill=roof)
        case "castle":
            grid.box(-0.85, -0.45, 0.85, 1.1, wall)
            for x in (-0.68, 0.0, 0.68):
                grid.box(x - 0.24, -0.95, x + 0.24, -0.4, roof)
        case "temple":
            grid.box(-0.95, -0.25, 0.95, 1.1, shade(wall, 0.6))
            for x in (-0.78, -0.4, 0.4, 0.78):
                grid.box(x - 0.15, -0.25, x + 0.15, 1.1, wall)
            grid.box(-1.15, -0.5, 1.15, -0.2, roof)
            grid.polygon((-1.15, -0.5), (0, -0.95), (1.15, -0.5), fill=roof)
        case "dome":
            grid.box(-0.85, 0.0, 0.85, 1.1, wall)
            x, y = grid.at(0, 0.02)
            grid.brush.chord(x, y, grid.w * 0.9, grid.h * 1.1, 180, 360, roof, INK, EDGE)
            grid.line((0, -1.05), (0, -1.4), fill=INK, width=6)


def _draw_door(grid: Grid, door: str) -> None:
    match door:
        case "a round door":
            grid.oval(0, 0.68, 0.34, 0.4, (90, 50, 25))
        case "a square door":
            grid.box(-0.24, 0.3, 0.24, 1.1, (90, 50, 25))
        case "a double door":
            for side in SIDES:
                grid.box(side * 0.32 - 0.2, 0.3, side * 0.32 + 0.2, 1.1, (90, 50, 25))
