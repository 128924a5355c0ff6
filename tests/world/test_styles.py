import random

import numpy as np
import pytest

from unsee.world.looks import random_look, random_setting
from unsee.world.portraits import draw_person
from unsee.world.styles import STYLE_ATTRIBUTES, Style, apply_style

STYLES = [
    Style(palette, stroke) for palette in STYLE_ATTRIBUTES["palette"] for stroke in STYLE_ATTRIBUTES["stroke"]
]


def portrait(seed: int) -> np.ndarray:
    return draw_person(random_look(random.Random(seed)), random_setting(random.Random(seed)))


@pytest.mark.parametrize("style", STYLES)
def test_same_arguments_same_bytes(style: Style) -> None:
    pixels = portrait(0)
    styled = apply_style(pixels, style, seed=1)
    assert styled.shape == pixels.shape
    assert styled.dtype == np.uint8
    assert styled.tobytes() == apply_style(pixels, style, seed=1).tobytes()


@pytest.mark.parametrize("style", STYLES)
def test_the_content_stays(style: Style) -> None:
    def coarse(pixels: np.ndarray) -> np.ndarray:
        return (pixels @ [0.299, 0.587, 0.114]).reshape(10, 8, 10, 8).mean((1, 3)).ravel()

    styled = [coarse(apply_style(portrait(k), style, seed=1)) for k in range(4)]
    for k, picture in enumerate(styled):
        closeness = [np.corrcoef(picture, coarse(portrait(j)))[0, 1] for j in range(4)]
        assert int(np.argmax(closeness)) == k
        assert closeness[k] > 0.7


def test_every_two_styles_differ() -> None:
    pictures = [apply_style(portrait(0), style, seed=1).astype(int) for style in STYLES]
    least = min(np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i])
    assert least > 8


def test_strokes_begin_elsewhere_with_another_seed() -> None:
    for style in STYLES:
        assert not np.array_equal(apply_style(portrait(0), style, 1), apply_style(portrait(0), style, 2)), (
            style
        )


def test_mosaic_tiles_have_one_color() -> None:
    styled = apply_style(portrait(0), Style("ink", "mosaic"), seed=0)
    repeats = (styled[:, 1:] == styled[:, :-1]).all(-1).mean()
    assert repeats > 0.5


def test_ink_takes_color_away() -> None:
    def colorfulness(pixels: np.ndarray) -> float:
        return float(np.ptp(pixels.astype(int), axis=-1).mean())

    assert colorfulness(apply_style(portrait(0), Style("ink", "dots"), 0)) < 0.4 * colorfulness(portrait(0))


def test_unknown_stroke_is_refused() -> None:
    with pytest.raises(AssertionError, match="spray"):
        apply_style(portrait(0), Style("ink", "spray"), 0)
