"""Paper, brush and camera: what every drawing of the embedded world shares.

Everything is drawn on a square canvas of ``CANVAS`` pixels and photographed (light, noise, smaller size)
by :func:`photograph`. Coordinates are canvas pixels, x to the right, y downwards.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]
Pixels = NDArray[np.uint8]  # (size, size, 3)

CANVAS = 160

COLORS: dict[str, RGB] = {
    "red": (215, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (245, 220, 50),
    "green": (50, 165, 70),
    "blue": (50, 90, 220),
    "purple": (135, 60, 180),
    "pink": (250, 150, 190),
    "white": (240, 240, 240),
    "black": (30, 30, 30),
    "brown": (120, 75, 40),
}
BACKGROUND_PATTERNS = ("flat", "gradient", "stripes", "dots")


class Pose(Protocol):
    """Where the drawn layer lands: degrees, factor, and shifts in fractions of the canvas."""

    @property
    def rotation(self) -> float:
        """Degrees."""

    @property
    def scale(self) -> float:
        """Factor on the size."""

    @property
    def dx(self) -> float:
        """Shift to the right."""

    @property
    def dy(self) -> float:
        """Shift downwards."""


class Camera(Protocol):
    """What photographing adds: gain, left-right gradient, noise (grey levels) and the seed of the noise."""

    @property
    def light(self) -> float:
        """Gain of the exposure."""

    @property
    def gradient(self) -> float:
        """Relative gain at the right border."""

    @property
    def noise(self) -> float:
        """Standard deviation in grey levels."""

    @property
    def seed(self) -> int:
        """Seed of the noise."""


def shade(color: RGB, factor: float) -> RGB:
    """The color made darker (below 1) or lighter (above 1), clipped to 0..255."""
    r, g, b = (max(0, min(255, int(channel * factor))) for channel in color)
    return r, g, b


def luminance(color: RGB) -> float:
    """Perceived brightness, 0..255 (Rec. 601 weights)."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def ink_for(color: RGB) -> RGB:
    """An outline that stands out on the color: dark on light colors, light on dark ones."""
    return (25, 22, 28) if luminance(color) > 70 else (205, 205, 210)


def star(x: float, y: float, radius: float, inner: float = 0.42, points: int = 5) -> list[Point]:
    """Corners of a star standing on two tips."""
    corners = []
    for k in range(2 * points):
        r, a = (radius if k % 2 == 0 else radius * inner), k * math.pi / points
        corners.append((x + r * math.sin(a), y - r * math.cos(a)))
    return corners


class Brush:
    """Shapes given by centre and half sizes; ``edge`` is the color of an outline ``width`` pixels wide."""

    def __init__(self, image: Image.Image) -> None:
        self.draw = ImageDraw.Draw(image)

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: RGB | None,
        edge: RGB | None = None,
        width: int = 3,
    ) -> None:
        """An ellipse; without ``fill`` only its outline."""
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill, outline=edge, width=width)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: RGB | None,
        radius: float = 0,
        edge: RGB | None = None,
        width: int = 3,
    ) -> None:
        """A rectangle with corners rounded by ``radius``."""
        area = (left, top, right, bottom)
        if radius < 1:
            self.draw.rectangle(area, fill=fill, outline=edge, width=width)
        else:
            self.draw.rounded_rectangle(area, radius=int(radius), fill=fill, outline=edge, width=width)

    def polygon(self, points: Sequence[Point], fill: RGB, edge: RGB | None = None, width: int = 3) -> None:
        """A filled polygon."""
        self.draw.polygon(points, fill=fill)
        if edge is not None:
            self.draw.line([*points, points[0], points[1]], fill=edge, width=width, joint="curve")

    def line(self, points: Sequence[Point], fill: RGB, width: float) -> None:
        """A line through the points."""
        self.draw.line(list(points), fill=fill, width=max(1, int(width)))

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: RGB, width: int
    ) -> None:
        """A piece of an ellipse's outline, degrees clockwise from the right."""
        self.draw.arc((x - rx, y - ry, x + rx, y + ry), start, end, fill=fill, width=width)

    def chord(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        start: float,
        end: float,
        fill: RGB,
        edge: RGB | None = None,
        width: int = 3,
    ) -> None:
        """A piece of an ellipse cut off by a straight line, degrees clockwise from the right."""
        self.draw.chord((x - rx, y - ry, x + rx, y + ry), start, end, fill=fill, outline=edge, width=width)


def background(color: RGB, pattern: str, seed: int) -> Image.Image:
    """A canvas in one color, slightly lighter or darker, with a quiet pattern of the same hue."""
    rng = random.Random(seed)
    tone = shade(color, rng.uniform(0.85, 1.08))
    image = Image.new("RGB", (CANVAS, CANVAS), tone)
    draw = ImageDraw.Draw(image)
    if pattern == "gradient":
        for y in range(0, CANVAS, 8):
            draw.rectangle((0, y, CANVAS, y + 8), fill=shade(tone, 0.8 + 0.35 * y / CANVAS))
    elif pattern == "stripes":
        for x in range(-rng.randrange(24), CANVAS, 28):
            draw.rectangle((x, 0, x + 12, CANVAS), fill=shade(tone, 0.84))
    elif pattern == "dots":
        for _ in range(12):
            x, y, r = rng.randrange(CANVAS), rng.randrange(CANVAS), rng.randrange(3, 9)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=shade(tone, 0.82))
    return image


def new_layer() -> Image.Image:
    """A transparent canvas."""
    return Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))


def posed(
    layer: Image.Image, pose: Pose, zoom: float = 1.0, center_x: float = 0.5, top: float = 0.0
) -> Image.Image:
    """The layer rotated and scaled about its middle, then moved.

    Args:
        layer: RGBA canvas.
        pose: Rotation, scale and shift; shifts are scaled by ``zoom`` too.
        zoom: A further factor on the size.
        center_x: Where the middle of the layer lands, fraction of the canvas.
        top: Shift downwards, fraction of the canvas.
    """
    factor, angle = pose.scale * zoom, math.radians(pose.rotation)
    cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
    px, py = CANVAS * 0.5, CANVAS * 0.55
    tx = CANVAS * (center_x + pose.dx * zoom)
    ty = py + CANVAS * (top + pose.dy * zoom)
    matrix = (cos, sin, px - cos * tx - sin * ty, -sin, cos, py + sin * tx - cos * ty)
    return layer.transform((CANVAS, CANVAS), Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


@lru_cache(maxsize=8)
def _ramp(size: int) -> NDArray[np.float32]:
    """From -1 at the left border to 1 at the right one, (1, size, 1)."""
    return np.linspace(-1.0, 1.0, size, dtype=np.float32)[None, :, None]


def photograph(image: Image.Image, camera: Camera, size: int) -> Pixels:
    """The canvas as a small picture: averaged down, lit unevenly, with sensor noise.

    Args:
        image: RGB canvas.
        camera: Light, gradient, noise and seed.
        size: Side of the result in pixels.

    Returns:
        uint8 array (size, size, 3).
    """
    method = Image.Resampling.BOX if CANVAS % size == 0 else Image.Resampling.LANCZOS
    pixels = np.asarray(image.resize((size, size), method), np.float32)
    ramp = _ramp(size)
    noise = np.random.default_rng(camera.seed).standard_normal(pixels.shape, np.float32)
    pixels = pixels * (camera.light * (1 + camera.gradient * ramp)) + noise * camera.noise
    result: Pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return result
