import random
from dataclasses import replace

import numpy as np
import pytest

from unsee.nouns import CONCEPT_KINDS, UserError
from unsee.world.figures import (
    FIGURE_ATTRIBUTES,
    Figure,
    FigureSetting,
    draw_figure,
    figure_distance,
    make_figures,
    random_figure,
    random_figure_setting,
    stranger_figure,
)

KINDS = tuple(FIGURE_ATTRIBUTES)


@pytest.fixture
def setting() -> FigureSetting:
    steady = replace(random_figure_setting(random.Random(0)), rotation=0.0, scale=1.0, dx=0.0, dy=0.0)
    return replace(steady, noise=0.0, light=1.0, gradient=0.0, background="brown", mirrored=False)


def changed(figure: Figure, name: str, value: str) -> Figure:
    return replace(figure, attributes=tuple((n, value if n == name else v) for n, v in figure.attributes))


def changed_pixels(a: np.ndarray, b: np.ndarray) -> int:
    return int((np.abs(a.astype(int) - b.astype(int)).max(-1) > 40).sum())


def test_kinds_are_concept_kinds() -> None:
    assert set(KINDS) == set(CONCEPT_KINDS) - {"person", "style"}


@pytest.mark.parametrize("kind", KINDS)
def test_same_arguments_same_bytes(kind: str) -> None:
    figure, setting = random_figure(kind, random.Random(1)), random_figure_setting(random.Random(2))
    pixels = draw_figure(figure, setting)
    assert pixels.shape == (80, 80, 3)
    assert pixels.dtype == np.uint8
    assert pixels.tobytes() == draw_figure(figure, setting).tobytes()
    assert pixels.tobytes() != draw_figure(figure, replace(setting, seed=3)).tobytes()


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in KINDS for name in FIGURE_ATTRIBUTES[kind]]
)
def test_every_pair_of_values_looks_different(kind: str, name: str, setting: FigureSetting) -> None:
    figure = random_figure(kind, random.Random(4))
    pictures = [draw_figure(changed(figure, name, value), setting) for value in FIGURE_ATTRIBUTES[kind][name]]
    assert min(changed_pixels(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) >= 30


@pytest.mark.parametrize("kind", KINDS)
def test_known_figures_keep_their_distance(kind: str) -> None:
    figures = make_figures(kind, 12, seed=0, minimum=3)
    assert figures == make_figures(kind, 12, seed=0, minimum=3)
    assert min(figure_distance(a, b) for i, a in enumerate(figures) for b in figures[:i]) >= 3
    strange = stranger_figure(kind, random.Random(1), figures, minimum=2)
    assert min(figure_distance(strange, other) for other in figures) >= 2


def test_distance_counts_differences() -> None:
    figure = random_figure("brand", random.Random(0))
    other = changed(changed(figure, "frame", "nothing"), "symbol", "nothing")
    assert figure_distance(figure, other) == 2
    assert figure_distance(figure, replace(figure, width=1.05)) == 0


def test_colors_that_must_differ() -> None:
    rng = random.Random(0)
    for _ in range(100):
        values = dict(random_figure("place", rng).attributes)
        assert values["wall_color"] != values["roof_color"]


def test_too_many_figures_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="ask for fewer figures"):
        make_figures("animal", 40, seed=0, minimum=6)
