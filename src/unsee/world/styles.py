"""Drawing styles: a palette and a stroke that turn any picture into one by a certain hand.

The brightness of the picture is kept where it is, so that what is shown can still be recognised; the colors
are pulled towards the palette and the surface is made of the stroke.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unsee.world.canvas import RGB, Pixels

_Plane = NDArray[np.float32]  # (height, width)
_Floats = NDArray[np.float32]  # (height, width, 3), 0..255

_PALETTES: dict[str, tuple[RGB, RGB, RGB]] = {  # shadows, middle tones, lights
    "ink": ((10, 10, 14), (125, 125, 125), (250, 250, 246)),
    "sepia": ((52, 28, 10), (168, 112, 58), (252, 232, 190)),
    "neon": ((25, 0, 60), (255, 20, 160), (70, 255, 225)),
    "ice": ((8, 30, 90), (70, 150, 220), (235, 250, 255)),
}
_PALETTE_SHARE = 0.65
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

STYLE_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "palette": tuple(_PALETTES),
    "stroke": ("mosaic", "dots", "hatching", "waves"),
}


@dataclass(frozen=True)
class Style:
    """A way of drawing: a value for each of ``STYLE_ATTRIBUTES``."""

    palette: str
    stroke: str


def apply_style(pixels: Pixels, style: Style, seed: int) -> Pixels:
    """The picture in the style.

    Args:
        pixels: uint8 (height, width, 3).
        style: Palette and stroke.
        seed: Where the pattern of the strokes begins.

    Returns:
        uint8 array of the same shape; the same arguments give the same bytes.
    """
    phase = tuple(np.random.default_rng(seed).uniform(0, 1, 2))
    drawn = _strokes(_in_palette(pixels, style.palette), style.stroke, phase)
    result: Pixels = np.clip(drawn, 0, 255).astype(np.uint8)
    return result


def _in_palette(pixels: Pixels, palette: str) -> _Floats:
    """Colors moved most of the way to the palette's color of the same brightness."""
    picture = pixels.astype(np.float32)
    tones = np.array([0, 128, 255], np.float32)
    ramp = np.array(_PALETTES[palette], np.float32)
    table = np.stack([np.interp(np.arange(256), tones, ramp[:, c]) for c in range(3)], -1).astype(np.float32)
    toned = table[(picture @ _LUMA).astype(np.uint8)]
    result: _Floats = toned * _PALETTE_SHARE + picture * (1 - _PALETTE_SHARE)
    return result


def _strokes(picture: _Floats, stroke: str, phase: tuple[float, ...]) -> _Floats:
    match stroke:
        case "mosaic":
            return _mosaic(picture, phase)
        case "dots":
            return _dots(picture, phase)
        case "hatching":
            return _hatching(picture, phase)
        case "waves":
            return _waves(picture, phase)
        case _:
            raise AssertionError(stroke)


def _grid_of(picture: _Floats, phase: tuple[float, ...], period: float) -> tuple[_Plane, _Plane]:
    """Row and column of every pixel, shifted by a share of the period."""
    places: NDArray[np.float32] = np.indices(picture.shape[:2], dtype=np.float32)
    return np.add(places[0], np.float32(phase[0] * period)), np.add(places[1], np.float32(phase[1] * period))


def _mosaic(picture: _Floats, phase: tuple[float, ...]) -> _Floats:
    """Tiles of one color with dark joints."""
    side = max(3, round(picture.shape[0] / 20))
    rows, columns = (plane.astype(np.int64) for plane in _grid_of(picture, phase, side))
    row_starts, column_starts = (
        np.flatnonzero(np.diff(line // side, prepend=-1)) for line in (rows[:, 0], columns[0])
    )
    sums = np.add.reduceat(np.add.reduceat(picture, row_starts, 0), column_starts, 1)
    heights = np.diff(row_starts, append=picture.shape[0])
    widths = np.diff(column_starts, append=picture.shape[1])
    means = sums / (heights[:, None, None] * widths[None, :, None])
    tiles = np.repeat(np.repeat(means, heights, 0), widths, 1)
    joints = (rows % side == 0) | (columns % side == 0)
    result: _Floats = tiles * np.where(joints, 0.55, 1.05)[..., None]
    return result


def _dots(picture: _Floats, phase: tuple[float, ...]) -> _Floats:
    """Halftone: a dark point in every cell, larger where the picture is darker."""
    period = picture.shape[0] / 16
    rows, columns = _grid_of(picture, phase, period)
    away = np.hypot(rows % period - period / 2, columns % period - period / 2)
    darkness = 1 - (picture @ _LUMA) / 255
    dot = np.clip((0.25 + 0.5 * darkness) * period - away, 0, 1)[..., None]
    result: _Floats = picture * (1.2 - 0.75 * dot)
    return result


def _hatching(picture: _Floats, phase: tuple[float, ...]) -> _Floats:
    """Slanting lines, thicker where the picture is darker."""
    period = picture.shape[0] / 14
    rows, columns = _grid_of(picture, phase, period)
    darkness = 1 - (picture @ _LUMA) / 255
    away = np.abs((rows + columns) % period - period / 2)
    line = np.clip((0.14 + 0.3 * darkness) * period - away + 0.5, 0, 1)[..., None]
    result: _Floats = picture * (1.2 - 0.8 * line)
    return result


def _waves(picture: _Floats, phase: tuple[float, ...]) -> _Floats:
    """Everything sways from row to row, and bright crests run across."""
    size, period = picture.shape[0], picture.shape[0] / 5
    rows, columns = _grid_of(picture, phase, period)
    sway = size / 40 * np.sin(math.tau * rows / period)
    source = np.clip(np.indices(picture.shape[:2])[1] + sway, 0, picture.shape[1] - 1).astype(np.int64)
    swayed = np.take_along_axis(picture, source[..., None], 1)
    crest = np.sin(math.tau * (rows + size / 40 * np.sin(math.tau * columns / period)) * 2 / period)
    result: _Floats = swayed * (1 + 0.3 * crest[..., None])
    return result
