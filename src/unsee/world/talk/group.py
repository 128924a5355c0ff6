"""Talk about a picture of two people, side by side."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unsee.world import people
from unsee.world.talk.basics import REFUSED, Turn, Voice, bare, make_voice
from unsee.world.talk.person import (
    I_DO_NOT_KNOW,
    KNOWN_NAMES,
    VALUES,
    PersonView,
    attribute_answer,
    pick_attribute,
)
from unsee.world.wording import group as words
from unsee.world.wording import looks as look_words
from unsee.world.wording import person as person_words
from unsee.world.wording.table import Wording

GROUP_TOPICS = ("who", "is_in", "attribute", "count")
SIDES = ("left", "right")
_PERSONAL = tuple(name for name in VALUES if name != "background")


@dataclass(frozen=True)
class GroupView:
    """A picture of two people."""

    left: PersonView
    right: PersonView


def about_group(
    view: GroupView,
    topic: str,
    rng: random.Random,
    *,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question about a picture of two people, with its answer.

    Args:
        view: The picture.
        topic: One of ``GROUP_TOPICS``; two may name the side: "who.left", "attribute.right".
        rng: Source of chance.
        wording: "trained" or "held_out".
        language: Only English has wordings for groups.
        known_names: Names the model is taught, for wrong names.
        unknown_names: Names it is never taught.

    Returns:
        The turn, or None where the topic cannot be asked in this language.
    """
    if language != "en":
        return None
    base, _, key = topic.partition(".")
    return _TOPICS[base](view, key, make_voice(rng, wording, language, known_names, unknown_names))


def _sided(view: GroupView, key: str, voice: Voice) -> tuple[str, PersonView]:
    side = key or voice.rng.choice(SIDES)
    return side, view.left if side == "left" else view.right


def _who(view: GroupView, key: str, voice: Voice) -> Turn:
    side, person = _sided(view, key, voice)
    prompt = voice.rng.choice(words.GROUP_WHO.of(voice.wording)).format(side=side)
    if person.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "name", f"who.{side}", *REFUSED)
    return voice.turn(
        prompt, f"This is {person.identity.name}.", "name", f"who.{side}", *person.identity.names
    )


def _seen(view: GroupView) -> str:
    """Whom one sees, as far as known."""
    known = [side.identity.name for side in (view.left, view.right) if side.identity is not None]
    match known:
        case []:
            return "two strangers"
        case [name]:
            return f"{name} and a stranger"
        case _:
            return " and ".join(known)


def _is_in(view: GroupView, key: str, voice: Voice) -> Turn:
    way = voice.rng.choice(person_words.IS_IN.of(voice.wording))
    present = {
        side: p.identity
        for side, p in zip(SIDES, (view.left, view.right), strict=True)
        if p.identity is not None
    }
    if present and voice.rng.random() < 0.5:
        side = voice.rng.choice(tuple(present))
        name = present[side].name
        return voice.turn(way.format(x=name), f"Yes, {name} is on the {side}.", "yes_no", "is_in", "yes")
    if present:
        neighbour = voice.rng.choice(tuple(present.values())).neighbour
        wrong = voice.wrong_name([p.name for p in present.values()], people.by_id(neighbour).name)
    else:
        wrong = voice.any_name(0)
    return voice.turn(way.format(x=wrong), f"No, I see {_seen(view)}.", "yes_no", "is_in", "no")


def _attribute(view: GroupView, key: str, voice: Voice) -> Turn:
    side, person = _sided(view, key, voice)
    attribute = pick_attribute(person, voice.rng, _PERSONAL)
    way = voice.rng.choice(words.GROUP_ATTRIBUTE.of(voice.wording))
    prompt = way.format(a=look_words.ATTRIBUTE_NOUNS[attribute], side=side)
    value = person.value(attribute)
    topic = f"attribute.{side}.{attribute}"
    return voice.turn(prompt, attribute_answer(attribute, value), "open", topic, bare(value))


def _count(view: GroupView, key: str, voice: Voice) -> Turn:
    prompt = voice.rng.choice(words.GROUP_COUNT.of(voice.wording))
    return voice.turn(prompt, "There are two people.", "open", "count", "two")


_TOPICS: dict[str, Callable[[GroupView, str, Voice], Turn]] = {
    "who": _who,
    "is_in": _is_in,
    "attribute": _attribute,
    "count": _count,
}
