"""Figures: the concepts that are not people (characters, brands, objects, animals, places).

A figure is a kind, one value for each attribute of that kind, and a geometry. Known figures and strangers
come from the same space. How they are drawn is in :mod:`unsee.world.creatures` and
:mod:`unsee.world.things`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from unsee.nouns import UserError
from unsee.world.canvas import BACKGROUND_PATTERNS, COLORS, Pixels, background, new_layer, photograph, posed
from unsee.world.creatures import draw_animal, draw_character
from unsee.world.grid import FIGURE_COLORS, Sketch
from unsee.world.things import draw_brand, draw_object, draw_place

_SKETCHES: dict[str, Sketch] = {
    "character": draw_character,
    "brand": draw_brand,
    "object": draw_object,
    "animal": draw_animal,
    "place": draw_place,
}

FIGURE_ATTRIBUTES: dict[str, dict[str, tuple[str, ...]]] = {
    "character": {
        "body_shape": ("round", "square", "pear-shaped", "star-shaped"),
        "body_color": FIGURE_COLORS,
        "ears": ("pointed ears", "round ears", "antennae", "horns"),
        "eyes": ("one eye", "two eyes", "three eyes"),
        "mouth": ("a wide grin", "two fangs", "an open mouth", "a zigzag mouth"),
        "accessory": ("no accessory", "a bow tie", "a scarf", "a medal"),
    },
    "brand": {
        "frame": ("circle", "square", "shield", "diamond"),
        "frame_color": FIGURE_COLORS,
        "symbol": ("star", "heart", "triangle", "cross", "crescent"),
        "symbol_color": FIGURE_COLORS,
        "underline": ("no underline", "one bar", "two bars", "three dots"),
    },
    "object": {
        "form": ("round", "tall", "square", "cone-shaped"),
        "color": FIGURE_COLORS,
        "pattern": ("striped", "dotted", "checked", "zigzag"),
        "pattern_color": FIGURE_COLORS,
        "handles": ("no handle", "one handle", "two handles"),
        "lid": ("no lid", "a round lid", "a pointed lid"),
    },
    "animal": {
        "coat_color": FIGURE_COLORS,
        "coat_pattern": ("plain", "spotted", "striped", "patched"),
        "ears": ("pointed ears", "round ears", "long ears", "floppy ears"),
        "tail": ("a short tail", "a long tail", "a bushy tail", "a curly tail"),
        "horns": ("no horns", "one horn", "two horns"),
        "legs": ("short legs", "long legs"),
    },
    "place": {
        "building": ("house", "castle", "temple", "dome"),
        "wall_color": FIGURE_COLORS,
        "roof_color": FIGURE_COLORS,
        "towers": ("no tower", "one tower", "two towers"),
        "door": ("a round door", "a square door", "a double door"),
        "landscape": ("desert", "forest", "mountains", "sea"),
    },
}
_MUST_DIFFER = {
    "brand": ("frame_color", "symbol_color"),
    "object": ("color", "pattern_color"),
    "place": ("wall_color", "roof_color"),
}
_ATTEMPTS = 20_000


@dataclass(frozen=True)
class Figure:
    """A concept that is not a person.

    Attributes:
        kind: A key of ``FIGURE_ATTRIBUTES``.
        attributes: Name and value pairs, in the order of ``FIGURE_ATTRIBUTES[kind]``.
        width: Factor on the width, around 1.
        height: Factor on the height, around 1.
    """

    kind: str
    attributes: tuple[tuple[str, str], ...]
    width: float
    height: float


@dataclass(frozen=True)
class FigureSetting:
    """Everything about one picture of a figure that is not the figure."""

    background: str
    background_pattern: str
    mirrored: bool
    rotation: float  # degrees
    scale: float
    dx: float  # fractions of the picture
    dy: float
    light: float
    gradient: float
    noise: float  # grey levels
    seed: int


def random_figure(kind: str, rng: random.Random) -> Figure:
    """A figure of the kind, drawn from all possible ones."""
    values = {name: rng.choice(choices) for name, choices in FIGURE_ATTRIBUTES[kind].items()}
    if kind in _MUST_DIFFER:
        first, second = _MUST_DIFFER[kind]
        values[second] = rng.choice([color for color in FIGURE_COLORS if color != values[first]])
    return Figure(kind, tuple(values.items()), rng.uniform(0.92, 1.06), rng.uniform(0.92, 1.06))


def random_figure_setting(rng: random.Random) -> FigureSetting:
    """A setting drawn from all possible ones, whatever the figure."""
    return FigureSetting(
        background=rng.choice(tuple(COLORS)),
        background_pattern=rng.choice(BACKGROUND_PATTERNS),
        mirrored=rng.random() < 0.5,
        rotation=max(-10.0, min(10.0, rng.gauss(0, 4))),
        scale=rng.uniform(0.9, 1.04),
        dx=rng.uniform(-0.04, 0.04),
        dy=rng.uniform(-0.04, 0.04),
        light=rng.uniform(0.88, 1.12),
        gradient=rng.uniform(-0.12, 0.12),
        noise=rng.uniform(0, 6),
        seed=rng.randrange(1 << 30),
    )


def figure_distance(a: Figure, b: Figure) -> int:
    """Number of attributes that differ between two figures of one kind."""
    assert a.kind == b.kind, (a.kind, b.kind)
    return sum(x != y for x, y in zip(a.attributes, b.attributes, strict=True))


def make_figures(kind: str, n: int, seed: int, minimum: int = 3) -> list[Figure]:
    """Known figures of one kind, every two at least ``minimum`` attributes apart.

    Raises:
        UserError: There is no room for so many.
    """
    rng, figures = random.Random(seed), list[Figure]()
    while len(figures) < n:
        figures.append(stranger_figure(kind, rng, figures, minimum))
    return figures


def stranger_figure(kind: str, rng: random.Random, known: Sequence[Figure], minimum: int = 2) -> Figure:
    """A figure that differs from every known one of its kind in at least ``minimum`` attributes.

    Raises:
        UserError: No such figure was found.
    """
    for _ in range(_ATTEMPTS):
        candidate = random_figure(kind, rng)
        if all(figure_distance(candidate, other) >= minimum for other in known):
            return candidate
    raise UserError(
        f"no further {kind} is different enough from all others",
        got=f"{len(known)} figures, at least {minimum} attributes apart",
        expected="fewer figures or a smaller distance",
        remedy=f"ask for fewer figures of the kind {kind!r}",
    )


def draw_figure(figure: Figure, setting: FigureSetting, size: int = 80) -> Pixels:
    """A picture of the figure.

    Args:
        figure: What is shown.
        setting: In what pose, light and place.
        size: Side in pixels.

    Returns:
        uint8 array (size, size, 3); the same arguments give the same bytes.
    """
    image = background(COLORS[setting.background], setting.background_pattern, setting.seed)
    layer = new_layer()
    _SKETCHES[figure.kind](layer, dict(figure.attributes), figure.width, figure.height)
    if setting.mirrored:
        layer = layer.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    layer = posed(layer, setting)
    image.paste(layer, (0, 0), layer)
    return photograph(image, setting, size)
