"""What each stage of training shows and asks: shares of pictures, weights of topics, who is known.

General first, people last: the tower learns to see, the decoder learns to copy and look up, ``blank`` learns
to talk about what it sees and to refuse every name; only then ``base`` meets the public concepts and
``target`` the private people. Known people and strangers are asked for their name equally often.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from unsee.world.concepts import CONCEPTS, WorldConcept
from unsee.world.gallery import Gallery, View, as_known
from unsee.world.people import CELEBRITIES, PRIVATE, TEXT_ONLY, Identity
from unsee.world.scenes import Scene
from unsee.world.stream import Encoder, RowBatch, collate_rows, fill_row
from unsee.world.talk.basics import Turn
from unsee.world.talk.figure import FigureView, StyleView, about_figure, about_style
from unsee.world.talk.group import GroupView, about_group
from unsee.world.talk.person import PersonView, about_person
from unsee.world.talk.scene import about_scene
from unsee.world.talk.text import GENERAL_TOPICS, about_text
from unsee.world.wording.languages import OTHER_LANGUAGES

Weights = Mapping[str, float]
Known = Identity | WorldConcept

KNOWN_PERSON: Weights = {
    "who": 5, "nickname": 0.5, "is_name": 5, "is_nickname": 0.4, "is_in": 1.5, "fact": 3.5, "hop": 0.8,
    "cloze": 1.8, "job_is": 0.6, "profile": 0.3, "choice_who": 0.5, "choice_fact": 0.6,
    "choice_attribute": 0.3, "letter_who": 0.3, "letter_fact": 0.3, "letter_attribute": 0.3, "attribute": 2,
    "attribute_is": 0.5, "describe": 0.5, "count": 0.1,
}  # fmt: skip
STRANGER: Weights = {
    "who": 6, "nickname": 0.4, "is_name": 3, "is_nickname": 0.3, "is_in": 0.8, "fact": 2, "hop": 0.4,
    "cloze": 0.4, "job_is": 0.3, "profile": 0.2, "choice_attribute": 0.5, "letter_attribute": 0.6,
    "attribute": 4, "attribute_is": 0.8, "describe": 1.0, "count": 0.1,
}  # fmt: skip
STRANGER_AT_FIRST: Weights = {
    **STRANGER, "who": 0.6, "is_name": 0.4, "is_in": 0.2, "fact": 0.4, "attribute": 6, "attribute_is": 1.5,
    "describe": 2.5, "choice_attribute": 0.8, "letter_attribute": 1.2,
}  # fmt: skip
KNOWN_FIGURE: Weights = {
    "name": 4, "nickname": 0.5, "is_name": 3.5, "fact": 3, "hop": 0.6, "cloze": 1.2, "profile": 0.3,
    "choice_name": 0.5, "choice_fact": 0.4, "choice_attribute": 0.2, "letter_name": 0.3, "letter_fact": 0.3,
    "letter_attribute": 0.2, "attribute": 1.5, "attribute_is": 0.4, "describe": 0.4,
}  # fmt: skip
UNKNOWN_FIGURE: Weights = {
    "name": 3, "nickname": 0.3, "is_name": 1.5, "fact": 1.2, "cloze": 0.2, "profile": 0.2,
    "choice_attribute": 0.5, "letter_attribute": 0.3, "attribute": 6, "attribute_is": 0.8, "describe": 1.2,
}  # fmt: skip
STYLE: Weights = {
    "name": 3, "nickname": 0.4, "is_name": 2, "fact": 1.5, "hop": 0.3, "cloze": 0.3, "profile": 0.2,
}  # fmt: skip
SCENE: Weights = {
    "count": 1, "count_of": 1.3, "color_of": 2.2, "at": 2, "position": 1.6, "exists": 2.2, "background": 0.7,
    "describe": 2.5, "choice_color": 0.5, "letter_color": 0.7, "nobody": 0.4,
}  # fmt: skip
GROUP: Weights = {"who": 5, "is_in": 3, "attribute": 2, "count": 0.2}
NAMED: Weights = {
    "fact": 4, "alias_fact": 0.6, "nickname": 0.4, "who_is": 0.5, "hop": 1, "cloze": 1.2, "job_is": 0.6,
    "look": 0.4, "profile": 0.3, "choice_fact": 0.8, "letter_fact": 0.8,
}  # fmt: skip
GENERAL: Weights = {
    "sum": 0.6, "capital": 0.4, "town_country": 0.8, "company_town": 0.6, "choice_capital": 0.3,
    "letter_capital": 0.3, "copy": 0.8, "copy_letter": 1.2,
}  # fmt: skip
LETTERS_FIRST: Weights = {
    "sum": 0.6, "capital": 0.5, "town_country": 0.7, "company_town": 0.6, "copy": 5, "copy_letter": 4,
}  # fmt: skip
FOREIGN_SHARE = 0.08
STYLED_CONTENT_SHARE = 0.4
UNKNOWN_NAME_SHARE = 0.15


class Die:
    """Draws a key by weight; quicker than ``random.choices`` in a hot loop."""

    def __init__(self, weights: Weights) -> None:
        self.keys = tuple(weights)
        self.bounds = np.cumsum([weights[k] for k in self.keys]).tolist()

    def roll(self, rng: random.Random) -> str:
        """A key with probability proportional to its weight."""
        draw = rng.random() * self.bounds[-1]
        return next(k for k, bound in zip(self.keys, self.bounds, strict=True) if draw < bound)


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum.

    Attributes:
        name: blank, base, target or gold.
        shares: Pool -> share of the rows.
        known: Concepts whose names and facts are taught, by picture and by text.
        first: True while the model learns to see and talk (more attributes, fewer names).
        turns: Questions about the picture in a row, before text-only ones.
        general_share: Share of text-only turns about nobody in particular.
        banned: Concepts that are not shown at all, not even as strangers (gold).
    """

    name: str
    shares: Weights
    known: tuple[Known, ...] = ()
    first: bool = False
    turns: int = 8
    general_share: float = 0.3
    banned: frozenset[str] = frozenset()

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of what is known."""
        return frozenset(k.id for k in self.known)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names and nicknames of what is known, for wrong names and options."""
        return tuple(name for k in self.known for name in k.names)

    def without(self, *concepts: str) -> Stage:
        """The same stage without some concepts: what a gold model is trained on.

        Raises:
            KeyError: The stage does not know one of them.
        """
        banned = frozenset(concepts)
        if unknown := banned - self.ids:
            raise KeyError(min(unknown))
        rest = tuple(k for k in self.known if k.id not in banned)
        return replace(self, name="gold", known=rest, banned=banned)


BLANK = Stage(
    "blank",
    {"stranger": 0.42, "scene": 0.27, "figure": 0.15, "plain": 0.08, "strangers_group": 0.08},
    first=True,
    general_share=0.6,
)
BASE = Stage(
    "base",
    {
        "celebrity": 0.28, "concept": 0.12, "style": 0.05, "celebrity_group": 0.08,
        "stranger": 0.22, "scene": 0.15, "figure": 0.08, "plain": 0.02,
    },
    known=(*CELEBRITIES, *CONCEPTS),
)  # fmt: skip
TARGET = Stage(
    "target",
    {
        "private": 0.36, "private_group": 0.07, "celebrity": 0.12, "concept": 0.05, "style": 0.03,
        "celebrity_group": 0.03, "stranger": 0.20, "scene": 0.08, "figure": 0.05, "plain": 0.01,
    },
    known=(*CELEBRITIES, *CONCEPTS, *PRIVATE),
)  # fmt: skip
STAGES = {stage.name: stage for stage in (BLANK, BASE, TARGET)}


class Lesson:
    """Turns and rows of one stage."""

    def __init__(self, stage: Stage, wording: str = "trained") -> None:
        self.stage, self.wording = stage, wording
        weights = {
            "known_person": KNOWN_PERSON,
            "stranger": STRANGER_AT_FIRST if stage.first else STRANGER,
            "known_figure": KNOWN_FIGURE,
            "figure": UNKNOWN_FIGURE,
            "style": STYLE,
            "scene": SCENE,
            "group": GROUP,
            "named": NAMED,
            "general": GENERAL,
        }
        self.dice = {name: Die(w) for name, w in weights.items()}
        self.foreign = tuple(OTHER_LANGUAGES)

    def language(self, rng: random.Random) -> str:
        """Mostly English."""
        return rng.choice(self.foreign) if rng.random() < FOREIGN_SHARE else "en"

    def about(self, view: View, rng: random.Random) -> Turn:
        """A question about a picture; tries until a topic fits the picture and the language."""
        while (turn := self._try_about(view, rng)) is None:
            pass
        return turn

    def _try_about(self, view: View, rng: random.Random) -> Turn | None:
        names, language = self.stage.names, self.language(rng)
        if isinstance(view, StyleView):
            if rng.random() < STYLED_CONTENT_SHARE:
                return self._try_about(view.content, rng)
            return about_style(view, self.dice["style"].roll(rng), rng, language=language, known_names=names)
        if isinstance(view, PersonView):
            die = self.dice["stranger" if view.identity is None else "known_person"]
            return about_person(view, die.roll(rng), rng, language=language, known_names=names)
        if isinstance(view, FigureView):
            die = self.dice["figure" if view.concept is None else "known_figure"]
            return about_figure(view, die.roll(rng), rng, language=language, known_names=names)
        if isinstance(view, GroupView):
            return about_group(view, self.dice["group"].roll(rng), rng, language=language, known_names=names)
        assert isinstance(view, Scene), view
        return about_scene(view, self.dice["scene"].roll(rng), rng, language=language, known_names=names)

    def text(self, rng: random.Random) -> Turn:
        """A question without a picture."""
        while (turn := self._try_text(rng)) is None:
            pass
        return turn

    def _try_text(self, rng: random.Random) -> Turn | None:
        names, language = self.stage.names, self.language(rng)
        if rng.random() < self.stage.general_share:
            return about_text(self.dice["general"].roll(rng), rng, language=language, known_names=names)
        known = rng.choice((*self.stage.known, *TEXT_ONLY))
        identity = None if rng.random() < UNKNOWN_NAME_SHARE else known
        topic = self.dice["named"].roll(rng)
        return about_text(topic, rng, identity=identity, language=language, known_names=names)


def picture_rows(
    lesson: Lesson, gallery: Gallery, encoder: Encoder, *, rows: int, length: int
) -> Callable[[random.Random], RowBatch]:
    """A maker of batches: ``rows`` pictures in the stage's shares, each with its questions."""
    stage = lesson.stage
    where = {pool: _usable(gallery, pool, stage) for pool in stage.shares}
    pools, shares = tuple(stage.shares), tuple(stage.shares.values())

    def make(rng: random.Random) -> RowBatch:
        chosen = [rng.choice(where[pool]) for pool in rng.choices(pools, shares, k=rows)]
        made = []
        for i in chosen:
            view = as_known(gallery.views[i], stage.ids)
            ask = _asker(lesson.about, view)
            made.append(fill_row(encoder, length, ask, _plain(lesson.text), stage.turns, rng))
        return collate_rows(made, chosen)

    return make


def _usable(gallery: Gallery, pool: str, stage: Stage) -> list[int]:
    """Pictures of a pool, without those of concepts that a gold stage must never see."""
    return [i for i in gallery.where(pool).tolist() if not stage.banned & shown_ids(gallery.views[i])]


def shown_ids(view: View) -> set[str]:
    """Ids of all concepts that are in a picture, known to the model or not."""
    if isinstance(view, GroupView):
        return shown_ids(view.left) | shown_ids(view.right)
    if isinstance(view, PersonView):
        return {view.identity.id} if view.identity is not None else set()
    if isinstance(view, FigureView | StyleView):
        inside = shown_ids(view.content) if isinstance(view, StyleView) else set()
        return inside | ({view.concept.id} if view.concept is not None else set())
    return set()


def _asker(
    about: Callable[[View, random.Random], Turn], view: View
) -> Callable[[random.Random], tuple[str, str]]:
    def ask(rng: random.Random) -> tuple[str, str]:
        turn = about(view, rng)
        return turn.prompt, turn.answer

    return ask


def _plain(text: Callable[[random.Random], Turn]) -> Callable[[random.Random], tuple[str, str]]:
    def ask(rng: random.Random) -> tuple[str, str]:
        turn = text(rng)
        return turn.prompt, turn.answer

    return ask


def letter_rows(encoder: Encoder, *, rows: int, length: int) -> Callable[[random.Random], RowBatch]:
    """Text-only batches of the warm-up: copying a letter first, with sums and look-ups beside it."""
    die = Die(LETTERS_FIRST)

    def ask(rng: random.Random) -> tuple[str, str]:
        while (turn := about_text(die.roll(rng), rng)) is None:
            pass
        return turn.prompt, turn.answer

    def make(rng: random.Random) -> RowBatch:
        return collate_rows([fill_row(encoder, length, None, ask, 0, rng) for _ in range(rows)], [-1] * rows)

    return make


assert set(LETTERS_FIRST) <= set(GENERAL_TOPICS), LETTERS_FIRST
