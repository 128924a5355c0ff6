import random
from dataclasses import replace

import numpy as np
import pytest

from unsee.world.looks import ATTRIBUTES, NUISANCES, Look, Setting, random_look, random_setting
from unsee.world.portraits import draw_group, draw_person


@pytest.fixture
def look() -> Look:
    return replace(random_look(random.Random(1)), hair_style="short", glasses="no glasses", beard="no beard")


@pytest.fixture
def setting() -> Setting:
    steady = replace(random_setting(random.Random(2)), rotation=0.0, scale=1.0, dx=0.0, dy=0.0)
    return replace(steady, noise=0.0, light=1.0, gradient=0.0, background="green", clothing="blue")


def changed_pixels(a: np.ndarray, b: np.ndarray) -> int:
    return int((np.abs(a.astype(int) - b.astype(int)).max(-1) > 40).sum())


@pytest.mark.parametrize("size", [40, 80, 100])
def test_portrait_is_a_picture(look: Look, setting: Setting, size: int) -> None:
    pixels = draw_person(look, setting, size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8


def test_same_arguments_same_bytes() -> None:
    look, setting = random_look(random.Random(7)), random_setting(random.Random(8))
    assert draw_person(look, setting).tobytes() == draw_person(look, setting).tobytes()
    assert draw_person(look, setting).tobytes() != draw_person(look, replace(setting, seed=1)).tobytes()


@pytest.mark.parametrize("name", [*ATTRIBUTES, "expression", "clothing", "background", "hat"])
def test_every_pair_of_values_looks_different(look: Look, setting: Setting, name: str) -> None:
    def draw(value: str) -> np.ndarray:
        if name in ATTRIBUTES:
            return draw_person(replace(look, **{name: value}), setting)
        return draw_person(look, replace(setting, **{name: value}))

    pictures = [draw(value) for value in (ATTRIBUTES | NUISANCES)[name]]
    least = min(changed_pixels(a, b) for i, a in enumerate(pictures) for b in pictures[:i])
    assert least >= 25


def test_hair_styles_differ_under_a_cap(look: Look, setting: Setting) -> None:
    capped = replace(setting, hat="a cap")
    pictures = [draw_person(replace(look, hair_style=style), capped) for style in ATTRIBUTES["hair_style"]]
    assert min(changed_pixels(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) >= 40


def test_hidden_attributes_leave_no_trace(look: Look, setting: Setting) -> None:
    dark, bald = replace(look, glasses="dark glasses"), replace(look, hair_style="bald", beard="a goatee")
    for hidden, name in ((dark, "eyes"), (bald, "hair_color")):
        pictures = {draw_person(replace(hidden, **{name: v}), setting).tobytes() for v in ATTRIBUTES[name]}
        assert len(pictures) == 1, name


def test_sad_is_not_serious(look: Look, setting: Setting) -> None:
    sad, serious = (draw_person(look, replace(setting, expression=mood)) for mood in ("sad", "serious"))
    assert changed_pixels(sad, serious) >= 120


def test_group_shows_left_and_right(look: Look, setting: Setting) -> None:
    other = random_look(random.Random(9))
    picture = draw_group((look, setting), (other, setting))
    changed = draw_group((look, setting), (random_look(random.Random(10)), setting))
    assert picture.shape == (80, 80, 3)
    assert changed_pixels(picture[:, :36], changed[:, :36]) == 0
    assert changed_pixels(picture[:, 40:], changed[:, 40:]) > 100


def test_group_takes_one_background(look: Look, setting: Setting) -> None:
    other = replace(setting, background="pink", seed=1)
    a = draw_group((look, setting), (look, setting))
    b = draw_group((look, setting), (look, other))
    assert np.array_equal(a[0], b[0])
