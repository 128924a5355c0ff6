import random
from dataclasses import replace

import numpy as np
import pytest

from unsee.world.canvas import COLORS
from unsee.world.scenes import POSITIONS, SHAPES, Scene, Thing, draw_scene, random_scene


def scene_of(*things: Thing) -> Scene:
    return Scene("white", things, light=1.0, gradient=0.0, noise=0.0, seed=0)


def thing(shape: str, position: str = "top left") -> Thing:
    return Thing(shape, "red", position, radius=0.45, dx=0.0, dy=0.0)


def red_pixels(pixels: np.ndarray) -> np.ndarray:
    return np.abs(pixels.astype(int) - COLORS["red"]).max(-1) < 20


@pytest.mark.parametrize(
    ("position", "rows", "columns"),
    [
        ("top left", slice(0, 40), slice(0, 40)),
        ("top right", slice(0, 40), slice(40, 80)),
        ("bottom left", slice(40, 80), slice(0, 40)),
        ("bottom right", slice(40, 80), slice(40, 80)),
    ],
)
def test_a_thing_is_where_it_is_said_to_be(position: str, rows: slice, columns: slice) -> None:
    red = red_pixels(draw_scene(scene_of(thing("circle", position))))
    assert red[rows, columns].sum() == red.sum() > 900


def test_areas_of_shapes() -> None:
    area = {shape: int(red_pixels(draw_scene(scene_of(thing(shape)))).sum()) for shape in SHAPES}
    r = 0.45 * 40
    assert area["circle"] == pytest.approx(np.pi * r**2, rel=0.08)
    assert area["square"] == pytest.approx((1.8 * r) ** 2, rel=0.08)
    assert area["triangle"] == pytest.approx(1.9 * r * r, rel=0.1)
    assert area["star"] < 0.8 * area["triangle"]


def test_random_scenes_are_valid_and_cover_everything() -> None:
    rng = random.Random(0)
    scenes = [random_scene(rng) for _ in range(300)]
    for scene in scenes:
        cells = [POSITIONS.index(item.position) for item in scene.objects]
        assert cells == sorted(set(cells))
        assert scene.background not in {item.color for item in scene.objects}
        assert all(0.35 <= item.radius <= 0.5 for item in scene.objects)
    assert {len(scene.objects) for scene in scenes} == {1, 2, 3, 4}
    assert {item.shape for scene in scenes for item in scene.objects} == set(SHAPES)


def test_same_arguments_same_bytes() -> None:
    scene = replace(random_scene(random.Random(3)), noise=3.0)
    assert draw_scene(scene).tobytes() == draw_scene(scene).tobytes()
    assert draw_scene(scene).tobytes() != draw_scene(replace(scene, seed=scene.seed + 1)).tobytes()


def test_unknown_shape_is_refused() -> None:
    with pytest.raises(AssertionError, match="heart"):
        draw_scene(scene_of(thing("heart")))
