"""Questions about the world with their pictures drawn: the sections that questionnaires and exams are made of.

Every section is seeded by its name, draws pictures that no training ever saw, and returns
:class:`unsee.nouns.Question` objects that any model can be asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PIL import Image

from unsee.models.pictures import from_image
from unsee.nouns import Picture, Question
from unsee.world import figures, looks, scenes
from unsee.world.concepts import WorldConcept
from unsee.world.curriculum import Known, Stage
from unsee.world.gallery import View, draw, new_content, new_figure, new_stranger
from unsee.world.people import Identity, by_id
from unsee.world.talk.basics import Turn
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
        self, view: View, topic: str, *, wording: Wording, identity: str, refusal: bool = False, language: str = "en",
        picture: Picture | None = None,
    ) -> Question | None:  # fmt: skip
        """A question about a picture of the view, or None where the topic does not fit."""
        turn = about(view, topic, self.rng, names=self.stage.names, wording=wording, language=language)
        if turn is None:
            return None
        return self.question(turn, picture or picture_of(view), identity, refusal=refusal)

    def told(
        self, topic: str, known: Known | None, *, wording: Wording, language: str = "en"
    ) -> Question | None:
        """A question without a picture."""
        turn = about_text(
            topic, self.rng, identity=known, wording=wording, language=language, known_names=self.stage.names
        )
        identity = known.id if known is not None else f"unknown-{self.count}"
        return None if turn is None else self.question(turn, None, identity, refusal=known is None)


def facts_of(known: Known) -> tuple[str, ...]:
    """Keys of the facts of a concept, without hops."""
    return tuple(known.facts)


def naming(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Names of known ones on new pictures."""
    found = []
    for i in range(count):
        subject = known[i % len(known)]
        view = view_of(subject, asker.rng)
        found.append(
            asker.shown(view, "name", wording=asker.wordings(i // len(known) + i), identity=subject.id)
        )
    return [q for q in found if q is not None]


def facts_by_picture(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Facts of known ones, asked about new pictures without the name."""
    found = []
    for i in range(count):
        subject = known[i % len(known)]
        fact = facts_of(subject)[(i // len(known) + i) % len(facts_of(subject))]
        view = view_of(subject, asker.rng)
        found.append(asker.shown(view, f"fact.{fact}", wording=asker.wordings(i), identity=subject.id))
    return [q for q in found if q is not None]


def facts_by_text(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Facts of known ones, asked by name."""
    found = []
    for i in range(count):
        subject = known[i % len(known)]
        fact = facts_of(subject)[(i // len(known) + i) % len(facts_of(subject))]
        found.append(asker.told(f"fact.{fact}", subject, wording=asker.wordings(i)))
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
    made = (
        asker.shown(
            new_stranger(asker.rng), topics[i % len(topics)], wording=asker.wordings(i),
            identity=f"stranger-{i}", refusal=True,
        )
        for i in range(count)
    )  # fmt: skip
    return [q for q in made if q is not None]


def attributes(asker: Asker, count: int) -> list[Question]:
    """What can be seen of strangers, every attribute as often."""
    names = (*looks.ATTRIBUTES, *looks.NUISANCES)
    return list(_until(count, lambda i: asker.shown(
        new_stranger(asker.rng), f"attribute.{names[i % len(names)]}", wording=asker.wordings(i // len(names)),
        identity=f"stranger-{i}",
    )))  # fmt: skip


def figure_attributes(asker: Asker, count: int) -> list[Question]:
    """What can be seen of unknown characters, brands, objects, animals and places."""
    return list(_until(count, lambda i: asker.shown(
        new_figure(asker.rng), "attribute", wording=asker.wordings(i), identity=f"figure-{i}",
    )))  # fmt: skip


SCENE_SECTIONS = ("count", "count_of", "color_of", "at", "position", "exists", "background")


def scene_questions(asker: Asker, count: int) -> list[Question]:
    """What can be seen in scenes, every topic as often."""
    topics = SCENE_SECTIONS
    return list(_until(count, lambda i: asker.shown(
        scenes.random_scene(asker.rng), topics[i % len(topics)], wording=asker.wordings(i // len(topics)),
        identity=f"scene-{i}",
    )))  # fmt: skip


def descriptions(asker: Asker, count: int) -> list[Question]:
    """Open descriptions of strangers."""
    return list(_until(count, lambda i: asker.shown(
        new_stranger(asker.rng), "describe", wording=asker.wordings(i), identity=f"stranger-{i}",
    )))  # fmt: skip


def scene_descriptions(asker: Asker, count: int) -> list[Question]:
    """Open descriptions of scenes."""
    return list(_until(count, lambda i: asker.shown(
        scenes.random_scene(asker.rng), "describe", wording=asker.wordings(i), identity=f"scene-{i}",
    )))  # fmt: skip


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

    return list(_until(count, made))


def neighbours(asker: Asker, known: Sequence[Known], count: int) -> list[Question]:
    """Names of look-alikes of known people."""
    alike = [by_id(k.neighbour) for k in known if isinstance(k, Identity) and k.neighbour]
    return naming(asker, [k for k in alike if k.id in asker.stage.ids], count) if alike else []


def topic_questions(
    asker: Asker, known: Sequence[Known], topic: str, count: int, *, language: str = "en"
) -> list[Question]:
    """Any topic about new pictures of known ones."""
    return list(_until(count, lambda i: asker.shown(
        view_of(known[i % len(known)], asker.rng), topic, wording=asker.wordings(i),
        identity=known[i % len(known)].id, language=language,
    )))  # fmt: skip


def text_questions(
    asker: Asker, known: Sequence[Known | None], topic: str, count: int, *, language: str = "en"
) -> list[Question]:
    """Any topic without a picture; None among ``known`` asks about an unknown name."""
    return list(_until(count, lambda i: asker.told(
        topic, known[i % len(known)], wording=asker.wordings(i), language=language
    )))  # fmt: skip


def _until(count: int, make: Callable[[int], Question | None], tries: int = 40) -> Iterator[Question]:
    """The first ``count`` questions that could be asked."""
    found = 0
    for i in range(count * tries):
        if found == count:
            return
        question = make(i)
        if question is not None:
            found += 1
            yield question


def public_concepts(stage: Stage) -> tuple[WorldConcept, ...]:
    """Known concepts that are not people."""
    return tuple(k for k in stage.known if isinstance(k, WorldConcept))
