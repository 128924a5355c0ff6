"""Scenes: one to four large shapes on a two by two grid."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from unsee.world.canvas import CANVAS, COLORS, Brush, Pixels, photograph, star

SHAPES = ("circle", "square", "triangle", "star")
POSITIONS = ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True)
class Thing:
    """One shape in a cell of the grid."""

    shape: str
    color: str
    position: str
    radius: float  # fraction of the cell's side
    dx: float  # shift, fractions of the cell's side
    dy: float


@dataclass(frozen=True)
class Scene:
    """A background with one to four things, at most one in a cell, in the order of ``POSITIONS``."""

    background: str
    objects: tuple[Thing, ...]
    light: float
    gradient: float
    noise: float  # grey levels
    seed: int


def random_scene(rng: random.Random) -> Scene:
    """A scene drawn from all possible ones; no thing has the color of the background."""
    background = rng.choice(tuple(COLORS))
    colors = [color for color in COLORS if color != background]
    cells = sorted(rng.sample(range(len(POSITIONS)), rng.randint(1, len(POSITIONS))))
    return Scene(
        background=background,
        objects=tuple(_random_thing(rng, POSITIONS[cell], colors) for cell in cells),
        light=rng.uniform(0.9, 1.1),
        gradient=rng.uniform(-0.1, 0.1),
        noise=rng.uniform(0, 6),
        seed=rng.randrange(1 << 30),
    )


def _random_thing(rng: random.Random, position: str, colors: list[str]) -> Thing:
    return Thing(
        shape=rng.choice(SHAPES),
        color=rng.choice(colors),
        position=position,
        radius=rng.uniform(0.4, 0.47),
        dx=rng.uniform(-0.05, 0.05),
        dy=rng.uniform(-0.05, 0.05),
    )


def draw_scene(scene: Scene, size: int = 80) -> Pixels:
    """A picture of the scene.

    Args:
        scene: What to draw.
        size: Side in pixels.

    Returns:
        uint8 array (size, size, 3); the same arguments give the same bytes.
    """
    image = Image.new("RGB", (CANVAS, CANVAS), COLORS[scene.background])
    brush = Brush(image)
    for thing in scene.objects:
        _draw_thing(brush, thing)
    return photograph(image, scene, size)


def _draw_thing(brush: Brush, thing: Thing) -> None:
    cell, index = CANVAS / 2, POSITIONS.index(thing.position)
    x, y = (index % 2 + 0.5 + thing.dx) * cell, (index // 2 + 0.5 + thing.dy) * cell
    r, color = thing.radius * cell, COLORS[thing.color]
    match thing.shape:
        case "circle":
            brush.oval(x, y, r, r, color)
        case "square":
            brush.box(x - r * 0.9, y - r * 0.9, x + r * 0.9, y + r * 0.9, color)
        case "triangle":
            brush.polygon([(x, y - r), (x - r, y + r * 0.9), (x + r, y + r * 0.9)], color)
        case "star":
            brush.polygon(star(x, y, r * 1.06, 0.42), color)
        case _:
            raise AssertionError(thing.shape)
