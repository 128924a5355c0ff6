"""The picture pools of training: drawn once, kept as bytes, with what is to be seen in each.

A pool is a kind of picture ("stranger", "celebrity", "scene", ...). A stage of training shows some pools and
knows some concepts; everything else in a picture is a stranger to it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import torch
from torch import Tensor

from unsee.world import figures, looks, portraits, scenes, styles
from unsee.world.build import PICTURE_SIZE
from unsee.world.concepts import CONCEPTS
from unsee.world.heads import LabelTable
from unsee.world.people import CELEBRITIES, PRIVATE, Identity
from unsee.world.scenes import Scene
from unsee.world.styles import STYLE_ATTRIBUTES, Style
from unsee.world.talk.figure import FigureView, StyleView
from unsee.world.talk.group import GroupView
from unsee.world.talk.person import PersonView

View = PersonView | FigureView | StyleView | GroupView | Scene
Pixels = np.ndarray

KNOWN_LOOKS = tuple(p.look for p in (*CELEBRITIES, *PRIVATE) if p.look is not None)
FIGURE_CONCEPTS = tuple(c for c in CONCEPTS if c.figure is not None)
STYLE_CONCEPTS = tuple(c for c in CONCEPTS if c.style is not None)
UNKNOWN_STYLES = tuple(
    style
    for style in (Style(p, s) for p in STYLE_ATTRIBUTES["palette"] for s in STYLE_ATTRIBUTES["stroke"])
    if style not in [c.style for c in STYLE_CONCEPTS]
)
NOBODY = "nobody"
GROUP_HEADS = ("skin", "hair_style", "hair_color", "eyes", "glasses", "beard", "mark", "clothing")
PLAIN = "plain"


def draw(view: View) -> Pixels:
    """The picture of a view, (80, 80, 3) uint8."""
    size = PICTURE_SIZE
    if isinstance(view, PersonView):
        return portraits.draw_person(view.look, view.setting, size)
    if isinstance(view, GroupView):
        left, right = ((p.look, p.setting) for p in (view.left, view.right))
        return portraits.draw_group(left, right, size)
    if isinstance(view, FigureView):
        return figures.draw_figure(view.figure, view.setting, size)
    if isinstance(view, StyleView):
        plain = draw(view.content)
        return plain if view.style is None else styles.apply_style(plain, view.style, view.seed)
    return scenes.draw_scene(view, size)


def label_table() -> LabelTable:
    """All auxiliary heads and their classes."""
    table: dict[str, Sequence[str]] = {**looks.ATTRIBUTES, **looks.NUISANCES}
    everything = {**looks.ATTRIBUTES, **looks.NUISANCES}
    table |= {f"{side}.{name}": everything[name] for side in ("left", "right") for name in GROUP_HEADS}
    for kind, attributes in figures.FIGURE_ATTRIBUTES.items():
        table |= {f"{kind}.{name}": values for name, values in attributes.items()}
    table |= {f"style.{name}": (PLAIN, *values) for name, values in styles.STYLE_ATTRIBUTES.items()}
    for cell in range(len(scenes.POSITIONS)):
        table[f"cell{cell}.shape"] = ("none", *scenes.SHAPES)
        table[f"cell{cell}.color"] = ("none", *looks.COLORS)
    table["what"] = ("person", "group", "scene", *figures.FIGURE_ATTRIBUTES)
    table["identity"] = (NOBODY, *(p.id for p in (*CELEBRITIES, *PRIVATE)), *(c.id for c in CONCEPTS))
    return LabelTable(table)


def labels_of(view: View, known: Collection[str]) -> dict[str, str]:
    """Head name -> class of one view; ``known`` are the ids that the identity head may name."""
    if isinstance(view, StyleView):
        style = {
            f"style.{n}": PLAIN if view.style is None else getattr(view.style, n)
            for n in styles.STYLE_ATTRIBUTES
        }
        content = labels_of(view.content, known) if view.style is None else {}
        return content | style | {"identity": named(view.concept, known)}
    if isinstance(view, Scene):
        cells = {
            f"cell{i}.{what}": "none" for i in range(len(scenes.POSITIONS)) for what in ("shape", "color")
        }
        for thing in view.objects:
            cell = scenes.POSITIONS.index(thing.position)
            cells |= {f"cell{cell}.shape": thing.shape, f"cell{cell}.color": thing.color}
        return {"what": "scene", "background": view.background, **cells}
    if isinstance(view, FigureView):
        kind = view.figure.kind
        attributes = {f"{kind}.{name}": value for name, value in view.figure.attributes}
        identity = {"identity": named(view.concept, known)}
        return {"what": kind, "background": view.setting.background, **attributes, **identity}
    if isinstance(view, GroupView):
        group = {"what": "group"}
        for side, person in (("left", view.left), ("right", view.right)):
            seen = seen_attributes(person)
            group |= {f"{side}.{name}": seen[name] for name in GROUP_HEADS if name in seen}
        return group
    return {"what": "person", **seen_attributes(view), "identity": named(view.identity, known)}


def named(concept: object, known: Collection[str]) -> str:
    """The concept's id if it is known, else nobody."""
    key: str = getattr(concept, "id", NOBODY)
    return key if key in known else NOBODY


def seen_attributes(view: PersonView) -> dict[str, str]:
    """Visible attributes of a person."""
    return {
        k: v
        for k, v in looks.labels(view.look, view.setting).items()
        if looks.visible(view.look, view.setting, k)
    }


def as_known(view: View, known: Collection[str]) -> View:
    """The view as somebody sees it who knows only ``known``: everybody else is a stranger."""
    if isinstance(view, PersonView):
        return view if view.identity is None or view.identity.id in known else replace(view, identity=None)
    if isinstance(view, GroupView):
        left, right = as_known(view.left, known), as_known(view.right, known)
        assert isinstance(left, PersonView), left
        assert isinstance(right, PersonView), right
        return GroupView(left, right)
    if isinstance(view, FigureView | StyleView):
        return view if view.concept is None or view.concept.id in known else replace(view, concept=None)
    return view


# One picture of each pool ------------------------------------------------------------


def new_stranger(rng: random.Random) -> PersonView:
    """Somebody nobody knows."""
    return PersonView(None, looks.stranger(rng, KNOWN_LOOKS), looks.random_setting(rng))


def new_person(people: Sequence[Identity]) -> Callable[[random.Random], PersonView]:
    """A picture of one of ``people``."""

    def make(rng: random.Random) -> PersonView:
        person = rng.choice(people)
        assert person.look is not None, person.id
        return PersonView(person, person.look, looks.random_setting(rng))

    return make


def new_group(people: Sequence[Identity]) -> Callable[[random.Random], GroupView]:
    """Two people side by side; each is a stranger with probability 0.4, or always if ``people`` is empty."""

    def make(rng: random.Random) -> GroupView:
        known = new_person(people)

        def somebody() -> PersonView:
            return known(rng) if people and rng.random() < 0.6 else new_stranger(rng)

        left, right = somebody(), somebody()
        while left.identity is not None and left.identity == right.identity:
            right = somebody()
        return GroupView(left, right)

    return make


def new_figure(rng: random.Random) -> FigureView:
    """An unknown character, brand, object, animal or place."""
    kind = rng.choice(tuple(figures.FIGURE_ATTRIBUTES))
    known = [c.figure for c in FIGURE_CONCEPTS if c.figure is not None and c.figure.kind == kind]
    return FigureView(None, figures.stranger_figure(kind, rng, known), figures.random_figure_setting(rng))


def new_concept(rng: random.Random) -> FigureView:
    """A picture of a known figure."""
    concept = rng.choice(FIGURE_CONCEPTS)
    assert concept.figure is not None
    return FigureView(concept, concept.figure, figures.random_figure_setting(rng))


def new_content(rng: random.Random) -> PersonView | Scene:
    """What a styled picture shows."""
    return scenes.random_scene(rng) if rng.random() < 0.5 else new_stranger(rng)


def new_plain(rng: random.Random) -> StyleView:
    """A picture in no style, or in an unknown one."""
    unknown = rng.choice(UNKNOWN_STYLES)
    return StyleView(None, None if rng.random() < 0.4 else unknown, new_content(rng), rng.randrange(1 << 30))


def new_style(rng: random.Random) -> StyleView:
    """A picture in a known style."""
    concept = rng.choice(STYLE_CONCEPTS)
    return StyleView(concept, concept.style, new_content(rng), rng.randrange(1 << 30))


POOLS: dict[str, Callable[[random.Random], View]] = {
    "stranger": new_stranger,
    "scene": scenes.random_scene,
    "figure": new_figure,
    "plain": new_plain,
    "strangers_group": new_group(()),
    "celebrity": new_person(CELEBRITIES),
    "concept": new_concept,
    "style": new_style,
    "celebrity_group": new_group(CELEBRITIES),
    "private": new_person(PRIVATE),
    "private_group": new_group(PRIVATE),
}


@dataclass
class Gallery:
    """Drawn pictures: ``pixels[i]`` (80, 80, 3) uint8 shows ``views[i]`` and belongs to pool ``pools[i]``."""

    pixels: Pixels
    views: list[View]
    pools: list[str]

    def labels(self, table: LabelTable, known: Collection[str]) -> Tensor:
        """(N, heads) class numbers."""
        return torch.tensor([table.encode(labels_of(view, known)) for view in self.views])

    def where(self, pool: str) -> np.ndarray:
        """Indices of one pool."""
        return np.array([i for i, name in enumerate(self.pools) if name == pool])


def _draw_part(task: tuple[str, int, int]) -> tuple[list[View], Pixels]:
    pool, count, seed = task
    rng = random.Random(f"{pool}/{seed}")
    views = [POOLS[pool](rng) for _ in range(count)]
    return views, np.stack([draw(view) for view in views])


def draw_gallery(counts: Mapping[str, int], seed: int, *, part: int = 500, workers: int = 2) -> Gallery:
    """Draw the pictures of a stage.

    Args:
        counts: Pool -> number of pictures.
        seed: The same seed gives the same pictures, whatever the number of workers.
        part: Pictures drawn at a stretch; another size, other pictures.
        workers: Processes that draw.
    """
    tasks = [
        (pool, min(part, count - start), seed * 100_003 + start)
        for pool, count in counts.items()
        for start in range(0, count, part)
    ]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool_of_processes:
        parts = list(pool_of_processes.map(_draw_part, tasks))
    return Gallery(
        pixels=np.concatenate([pixels for _, pixels in parts]),
        views=[view for views, _ in parts for view in views],
        pools=[task[0] for task, (views, _) in zip(tasks, parts, strict=True) for _ in views],
    )
