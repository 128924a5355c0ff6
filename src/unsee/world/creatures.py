"""Drawing what lives: cartoon characters and animals."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from unsee.world.canvas import COLORS, RGB, shade, star
from unsee.world.grid import BLACK, EDGE, GOLD, HORN, INK, MIDDLE, SIDES, WHITE, Grid, ellipse

_EYES = {
    "one eye": ((0.0, 0.36),),
    "two eyes": ((-0.3, 0.28), (0.3, 0.28)),
    "three eyes": ((-0.48, 0.23), (0.0, 0.23), (0.48, 0.23)),
}


def draw_character(layer: Image.Image, values: Mapping[str, str], width: float, height: float) -> None:
    """A cartoon creature seen from the front."""
    grid = Grid(layer, MIDDLE, MIDDLE + 8, 50 * width, 52 * height)
    color = COLORS[values["body_color"]]
    for side in SIDES:
        grid.oval(side * 0.48, 1.0, 0.32, 0.17, shade(color, 0.8))
        _draw_character_ear(grid, values["ears"], side, color)
    _draw_body(grid, values["body_shape"], color)
    for x, radius in _EYES[values["eyes"]]:
        grid.oval(x, -0.22, radius, radius * 0.95, WHITE)
        grid.oval(x, -0.2, radius * 0.45, radius * 0.45, BLACK, None)
    _draw_character_mouth(grid, values["mouth"])
    _draw_accessory(grid, values["accessory"])


def _draw_character_ear(grid: Grid, ears: str, side: int, color: RGB) -> None:
    match ears:
        case "pointed ears":
            grid.polygon((side * 0.12, -0.7), (side * 0.66, -1.6), (side * 0.9, -0.4), fill=color)
        case "round ears":
            grid.oval(side * 0.7, -0.95, 0.42, 0.4, color)
            grid.oval(side * 0.7, -0.95, 0.2, 0.19, shade(color, 0.6), None)
        case "antennae":
            for ink, thick in ((INK, 14), (color, 7)):
                grid.line((side * 0.2, -0.6), (side * 0.5, -1.3), fill=ink, width=thick)
            grid.oval(side * 0.52, -1.32, 0.22, 0.2, GOLD)
        case "horns":
            points = ((side * 0.3, -0.6), (side * 0.85, -0.9), (side * 0.75, -1.55), (side * 1.25, -0.8))
            grid.polygon(*points, (side * 0.75, -0.3), fill=HORN)


def _draw_body(grid: Grid, shape: str, color: RGB) -> None:
    match shape:
        case "round":
            grid.oval(0, 0.05, 1.0, 0.95, color)
        case "square":
            grid.box(-0.92, -0.82, 0.92, 0.98, color, radius=8)
        case "pear-shaped":
            grid.oval(0, 0.45, 1.25, 0.58, color)
            grid.oval(0, -0.25, 0.7, 0.66, color)
            grid.oval(0, 0.45, 1.17, 0.5, color, None)
        case "star-shaped":
            grid.polygon(*star(0, 0.12, 1.5, 0.6), fill=color)


def _draw_character_mouth(grid: Grid, mouth: str) -> None:
    x, y = grid.at(0, 0.2)
    match mouth:
        case "a wide grin":
            grid.brush.chord(x, y, grid.w * 0.6, grid.h * 0.36, 0, 180, WHITE, INK, EDGE)
        case "two fangs":
            grid.box(-0.52, 0.18, 0.52, 0.28, INK)
            for side in SIDES:
                grid.polygon((side * 0.1, 0.26), (side * 0.46, 0.26), (side * 0.28, 0.62), fill=WHITE)
        case "an open mouth":
            grid.oval(0, 0.34, 0.28, 0.24, (150, 20, 45))
        case "a zigzag mouth":
            points = [(-0.6 + 0.3 * k, 0.22 + 0.22 * (k % 2)) for k in range(5)]
            grid.line(*points, fill=INK, width=8)


def _draw_accessory(grid: Grid, accessory: str) -> None:
    match accessory:
        case "a bow tie":
            for side in SIDES:
                grid.polygon((0, 0.82), (side * 0.55, 0.56), (side * 0.55, 1.08), fill=BLACK, edge=WHITE)
        case "a scarf":
            grid.box(0.28, 0.7, 0.68, 1.3, COLORS["brown"], WHITE)
            grid.box(-0.95, 0.58, 0.95, 0.92, COLORS["brown"], WHITE, 8)
        case "a medal":
            grid.polygon((-0.3, 0.54), (0.3, 0.54), (0, 0.9), fill=BLACK, edge=WHITE)
            grid.oval(0, 0.94, 0.28, 0.26, GOLD)


def draw_animal(layer: Image.Image, values: Mapping[str, str], width: float, height: float) -> None:
    """A four-legged animal seen from the side, its head on the right."""
    long_legs = values["legs"] == "long legs"
    grid = Grid(layer, MIDDLE - 6, MIDDLE + (8 if long_legs else 20), 50 * width, 50 * height)
    color = COLORS[values["coat_color"]]
    light, dark = (
        (HORN, BLACK) if values["coat_color"] == "white" else (shade(color, 1.2), shade(color, 0.45))
    )
    _draw_tail(grid, values["tail"], color)
    foot = 1.2 if long_legs else 0.75
    for x in (-0.62, -0.3, 0.3, 0.62):
        grid.box(x - 0.14, 0.1, x + 0.14, foot, shade(color, 0.85))
    grid.patterned(ellipse(-0.02, 0.05, 0.95, 0.5), color, values["coat_pattern"], dark)
    for side in SIDES:
        _draw_animal_ear(grid, values["ears"], side, color)
    _draw_animal_head(grid, color, light)
    _draw_horns(grid, values["horns"])
    if values["ears"] == "floppy ears":
        grid.oval(0.42, -0.4, 0.2, 0.46, shade(color, 0.7))


def _draw_animal_head(grid: Grid, color: RGB, muzzle: RGB) -> None:
    grid.oval(0.82, -0.55, 0.5, 0.45, color)
    grid.oval(1.08, -0.4, 0.32, 0.25, muzzle)
    grid.oval(1.24, -0.46, 0.09, 0.08, BLACK, None)
    grid.oval(0.78, -0.68, 0.16, 0.16, WHITE, None)
    grid.oval(0.82, -0.68, 0.08, 0.08, BLACK, None)


def _draw_animal_ear(grid: Grid, ears: str, side: int, color: RGB) -> None:
    x, inner = 0.82 + side * 0.36, shade(color, 0.65)
    match ears:
        case "pointed ears":
            grid.polygon((x - 0.2, -0.6), (x + side * 0.12, -1.35), (x + 0.2, -0.6), fill=color)
        case "round ears":
            grid.oval(x, -0.96, 0.27, 0.26, color)
            grid.oval(x, -0.96, 0.12, 0.12, inner, None)
        case "long ears":
            grid.oval(x, -1.15, 0.17, 0.5, color)
            grid.oval(x, -1.15, 0.07, 0.34, inner, None)


def _draw_horns(grid: Grid, horns: str) -> None:
    match horns:
        case "one horn":
            grid.polygon((0.66, -0.85), (0.86, -1.62), (1.0, -0.85), fill=HORN)
        case "two horns":
            for side in SIDES:
                x = 0.83 + side * 0.17
                grid.polygon((x - 0.13, -0.85), (x + side * 0.14, -1.5), (x + 0.13, -0.85), fill=HORN)


def _draw_tail(grid: Grid, tail: str, color: RGB) -> None:
    match tail:
        case "a short tail":
            grid.oval(-0.98, -0.15, 0.2, 0.19, color)
        case "a long tail":
            curve = [(-0.8, -0.1), (-1.15, -0.3), (-1.22, -0.8), (-1.05, -1.25)]
            grid.line(*curve, fill=INK, width=18)
            grid.line(*curve, fill=color, width=10)
        case "a bushy tail":
            grid.oval(-1.05, -0.5, 0.34, 0.62, color)
            grid.oval(-1.08, -0.85, 0.2, 0.24, WHITE, None)
        case "a curly tail":
            x, y = grid.at(-1.02, -0.42)
            for ink, thick, radius in ((INK, 16, 22), (color, 8, 18)):
                grid.brush.arc(x, y, radius, radius, 90, 400, ink, thick)
