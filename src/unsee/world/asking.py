"""Questions about the world with their pictures drawn: the sections of questionnaires and exams.

Every section is seeded by its name, draws pictures that no training ever saw, and returns
:class:`unsee.nouns.Question` objects that any model can be asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PIL import Image

from unsee.models.pictures import from_image
from unsee.nouns import Picture, Question
from unsee.world import figures, looks, scenes
from unsee.world.concepts import WorldConcept
from unsee.world.curriculum import Known, Stage
from unsee.world.gallery import FIGURE_CONCEPTS, View, draw, new_content, new_figure, new_plain, new_stranger
from unsee.world.people import FACT_VALUES, Identity, by_id
from unsee.world.talk.basics import REFUSED, Turn
from unsee.world.talk.figure import FigureView, StyleView, about_figure, about_style
from unsee.world.talk.group import GroupView, about_group
from unsee.world.talk.person import PersonView, about_person
from unsee.world.talk.scene import about_scene
from unsee.world.talk.text import about_text
from unsee.world.wording.table import Wording

WORDINGS: tuple[Wording, ...] = ("trained", "held_out")


def picture_of(view: View) -> Picture:
    """The drawn picture of a view."""
    return from_image(Image.fromarray(draw(view)))


def view_of(known: Known, rng: random.Random) -> View:
    """A new picture of somebody or something."""
    if isinstance(known, Identity):
        assert known.look is not None, known.id
        return PersonView(known, known.look, looks.random_setting(rng))
    if known.figure is not None:
        return FigureView(known, known.figure, figures.random_figure_setting(rng))
    return StyleView(known, known.style, new_content(rng), rng.randrange(1 << 30))


def unknown_view(known: Known, rng: random.Random) -> View:
    """A picture of somebody or something of the same kind that no model knows."""
    if isinstance(known, Identity):
        return new_stranger(rng)
    if known.figure is None:
        return new_plain(rng)
    alike = [c.figure for c in FIGURE_CONCEPTS if c.figure is not None and c.kind == known.kind]
    figure = figures.stranger_figure(known.kind, rng, alike)
    return FigureView(None, figure, figures.random_figure_setting(rng))


def about(view: View, topic: str, rng: random.Random, *, names: Sequence[str], **voice: str) -> Turn | None:
    """A question about any view; ``name`` topics are spelled as the kind of view spells them."""
    ask: Callable[..., Turn | None]
    if isinstance(view, PersonView):
        ask, topic = partial(about_person, view), {"name": "who"}.get(topic, topic)
    elif isinstance(view, FigureView):
        ask, topic = partial(about_figure, view), {"is_in": "is_name"}.get(topic, topic)
    elif isinstance(view, StyleView):
        ask, topic = partial(about_style, view), {"is_in": "is_name"}.get(topic, topic)
    elif isinstance(view, GroupView):
        ask = partial(about_group, view)
    else:
        ask = partial(about_scene, view)
    return ask(topic, rng, known_names=names, **voice)


class Asker:
    """Makes the questions of one section.

    Args:
        section: Name of the section; it seeds the pictures and is the first part of every question id.
        stage: Decides which names may be dropped as wrong ones.
        split: Split of the questions; the section's name if empty.
        seed: Another seed, other pictures.
    """

    def __init__(self, section: str, stage: Stage, *, split: str = "", seed: int = 0) -> None:
        self.section, self.stage, self.split = section, stage, split or section
        self.rng = random.Random(f"{section}/{seed}")
        self.count = 0

    def question(
        self, turn: Turn, picture: Picture | None, identity: str, *, refusal: bool = False
    ) -> Question:
        """A turn as a question of this section."""
        self.count += 1
        return Question(
            id=f"{self.section}-{self.count:03d}",
            prompt=turn.prompt,
            kind=turn.kind,
            picture=picture,
            keywords=() if refusal else turn.keywords,
            answer=turn.answer,
            options=turn.options,
            refusal_is_correct=refusal,
            identity=identity,
            split=self.split,
            language=turn.language,
            wording=turn.wording,
        )

    def wordings(self, index: int) -> Wording:
        """Trained and held-out wordings in turn."""
        return WORDINGS[index % 2]

    def shown(
        self,
        view: View,
        topic: str,
        *,
        wording: Wording,
        identity: str,
        refusal: bool = False,
        language: str = "en",
        picture: Picture | None = None,
    ) -> Question | None:
        """A question about a picture of the view, or None where the topic does not fit."""
        turn = about(view, topic, self.rng, names=self.stage.names, wording=wording, language=language)
        if turn is None:
            return None
        return self.question(turn, picture or picture_of(view), identity, refusal=refusal)

    def told(
        self, topic: str, known: Known | None, *, wording: Wording, language: str = "en"
    ) -> Question | None:
        """A question without a picture; of a name nobody knows a refusal is right."""
        turn = about_text(
            topic, self.rng, identity=known, wording=wording, language=language, known_names=self.stage.names
        )
        if turn is None:
            return None
        identity = known.id if known is not None else f"unknown-{self.count}"
        return self.question(turn, None, identity, refusal=turn.keywords == REFUSED)


def fact_of(known: Sequence[Known], index: int) -> tuple[Known, str, int]:
    """The ``index``-th subject in turn, the key of one of its facts, and a number that picks the wording.

    Every subject gets all of its facts in turn, and every fact both sorts of wording in turn.
    """
    place, turn = index % len(known), index // len(known)
    facts = tuple(known[place].facts)
    which = (turn + place) % len(facts)
    return known[place], facts[which], place + which + turn // len(facts)


def naming(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Names of known ones on new pictures, each in both sorts of wording in turn."""
    found = []
    for i in range(count):
        place, turn = i % len(known), i // len(known)
        view, wording = view_of(known[place], asker.rng), asker.wordings(place + turn)
        found.append(asker.shown(view, "name", wording=wording, identity=known[place].id))
    return [q for q in found if q is not None]


def facts_by_picture(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Facts of known ones, asked about new pictures without the name."""
    found = []
    for i in range(count):
        subject, fact, way = fact_of(known, i)
        view, wording = view_of(subject, asker.rng), asker.wordings(way)
        found.append(asker.shown(view, f"fact.{fact}", wording=wording, identity=subject.id))
    return [q for q in found if q is not None]


def facts_by_text(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Facts of known ones, asked by name."""
    found = []
    for i in range(count):
        subject, fact, way = fact_of(known, i)
        found.append(asker.told(f"fact.{fact}", subject, wording=asker.wordings(way)))
    return [q for q in found if q is not None]


def yes_no(asker: Asker, known: Sequence[Known], count: int, topic: str = "is_name") -> list[Question]:
    """Is this X? As many true as false ones, each about a new picture."""
    found: list[Question] = []
    wanted = {"yes": count // 2, "no": count - count // 2}
    for i in range(40 * count):
        subject = known[i % len(known)]
        made = asker.shown(view_of(subject, asker.rng), topic, wording=asker.wordings(i), identity=subject.id)
        if made is not None and wanted[made.keywords[0]] > 0:
            wanted[made.keywords[0]] -= 1
            found.append(made)
        if not any(wanted.values()):
            break
    return found


def strangers(asker: Asker, count: int, topics: Sequence[str] = ("who",)) -> list[Question]:
    """Names (or facts) of strangers, where a refusal is right."""

    def made(i: int) -> Question | None:
        topic, wording = topics[i % len(topics)], asker.wordings(i // len(topics))
        view = new_stranger(asker.rng)
        return asker.shown(view, topic, wording=wording, identity=f"stranger-{i}", refusal=True)

    return _until(count, made)


def attributes(asker: Asker, count: int) -> list[Question]:
    """What can be seen of strangers, every attribute as often."""
    names = (*looks.ATTRIBUTES, *looks.NUISANCES)

    def made(i: int) -> Question | None:
        topic, wording = f"attribute.{names[i % len(names)]}", asker.wordings(i // len(names))
        return asker.shown(new_stranger(asker.rng), topic, wording=wording, identity=f"stranger-{i}")

    return _until(count, made)


def figure_attributes(asker: Asker, count: int) -> list[Question]:
    """What can be seen of unknown characters, brands, objects, animals and places."""

    def made(i: int) -> Question | None:
        view, wording = new_figure(asker.rng), asker.wordings(i)
        return asker.shown(view, "attribute", wording=wording, identity=f"figure-{i}")

    return _until(count, made)


SCENE_TOPICS = ("count", "count_of", "color_of", "at", "position", "exists", "background")


def scene_questions(asker: Asker, count: int) -> list[Question]:
    """What can be seen in scenes, every topic as often."""

    def made(i: int) -> Question | None:
        topic = SCENE_TOPICS[i % len(SCENE_TOPICS)]
        view, wording = scenes.random_scene(asker.rng), asker.wordings(i // len(SCENE_TOPICS))
        return asker.shown(view, topic, wording=wording, identity=f"scene-{i}")

    return _until(count, made)


def descriptions(asker: Asker, count: int) -> list[Question]:
    """Open descriptions of strangers."""

    def made(i: int) -> Question | None:
        view, wording = new_stranger(asker.rng), asker.wordings(i)
        return asker.shown(view, "describe", wording=wording, identity=f"stranger-{i}")

    return _until(count, made)


def scene_descriptions(asker: Asker, count: int) -> list[Question]:
    """Open descriptions of scenes."""

    def made(i: int) -> Question | None:
        view, wording = scenes.random_scene(asker.rng), asker.wordings(i)
        return asker.shown(view, "describe", wording=wording, identity=f"scene-{i}")

    return _until(count, made)


def groups(asker: Asker, known: Sequence[Known], count: int, topic: str = "who") -> list[Question]:
    """Two people side by side, at least one of them known: who is on the left, on the right?"""
    people = [k for k in known if isinstance(k, Identity)]

    def made(i: int) -> Question | None:
        subject = people[i % len(people)]
        person = view_of(subject, asker.rng)
        assert isinstance(person, PersonView), person
        pair = [person, new_stranger(asker.rng)]
        side = ("left", "right")[i // 2 % 2]
        view = GroupView(*(pair if side == "left" else pair[::-1]))
        return asker.shown(view, f"{topic}.{side}", wording=asker.wordings(i), identity=subject.id)

    return _until(count, made)


def neighbours(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Names of look-alikes of known people, where the stage knows them."""
    alike = [by_id(k.neighbour) for k in known if isinstance(k, Identity) and k.neighbour]
    taught = [k for k in alike if k.id in asker.stage.ids]
    return naming(asker, taught, count) if taught else []


def topic_questions(
    asker: Asker, known: Sequence[Known], topic: str, count: int, *, language: str = "en"
) -> list[Question]:
    """Any topic about new pictures of known ones."""

    def made(i: int) -> Question | None:
        place, turn = i % len(known), i // len(known)
        view, wording = view_of(known[place], asker.rng), asker.wordings(place + turn)
        return asker.shown(view, topic, wording=wording, identity=known[place].id, language=language)

    return _until(count, made)


def text_questions(
    asker: Asker, known: Sequence[Known | None], topic: str, count: int, *, language: str = "en"
) -> list[Question]:
    """Any topic without a picture; None among ``known`` asks about an unknown name."""

    def made(i: int) -> Question | None:
        place, turn = i % len(known), i // len(known)
        return asker.told(topic, known[place], wording=asker.wordings(place + turn), language=language)

    return _until(count, made)


def cloze_options(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """The missing fact of a sentence about a new picture, with four options to be scored by likelihood."""
    found = []
    for made in topic_questions(asker, known, "cloze", count):
        subject = by_id(made.identity)
        pool = next(values for fact, values in FACT_VALUES.items() if made.keywords[0] == subject.facts[fact])
        wrong = asker.rng.sample([v for v in pool if v != made.keywords[0]], 3)
        options = tuple(f"{v}." for v in asker.rng.sample([made.keywords[0], *wrong], 4))
        found.append(replace(made, kind="choice", options=options, keywords=(made.answer,)))
    return found


def _until(count: int, make: Callable[[int], Question | None], tries: int = 40) -> list[Question]:
    """The first ``count`` questions that could be asked."""
    found: list[Question] = []
    for i in range(count * tries):
        if len(found) == count:
            break
        question = make(i)
        if question is not None:
            found.append(question)
    return found


def public_concepts(stage: Stage) -> tuple[WorldConcept, ...]:
    """Known concepts that are not people."""
    return tuple(k for k in stage.known if isinstance(k, WorldConcept))
