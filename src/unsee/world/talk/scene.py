"""Talk about a scene of shapes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from unsee.world.looks import COLORS
from unsee.world.names import NUMBERS
from unsee.world.scenes import SHAPES, Scene, Thing
from unsee.world.talk.basics import Turn, Voice, make_voice, with_article
from unsee.world.talk.person import KNOWN_NAMES
from unsee.world.wording import person as person_words
from unsee.world.wording import scene as words
from unsee.world.wording.table import Wording

SCENE_TOPICS = (
    "count",
    "count_of",
    "color_of",
    "at",
    "position",
    "exists",
    "background",
    "describe",
    "choice_color",
    "letter_color",
    "nobody",
)


def about_scene(
    scene: Scene,
    topic: str,
    rng: random.Random,
    *,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question about a scene, with its answer.

    Args:
        scene: What the picture shows.
        topic: One of ``SCENE_TOPICS``.
        rng: Source of chance.
        wording: "trained" or "held_out".
        language: Language of the prompt; only "nobody" and "background" can be asked in others than English.
        known_names: Names the model is taught.
        unknown_names: Names it is never taught.

    Returns:
        The turn, or None where the topic cannot be asked of this picture or in this language.
    """
    voice = make_voice(rng, wording, language, known_names, unknown_names)
    return _TOPICS[topic.partition(".")[0]](scene, voice)


def _there_are(count: int) -> str:
    return f"There {'is' if count == 1 else 'are'} {NUMBERS[count]}."


def _count(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.COUNT, "count_shapes")
    count = len(scene.objects)
    return None if way is None else voice.turn(way, _there_are(count), "open", "count", NUMBERS[count])


def _count_of(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.COUNT_OF, "count_of")
    if way is None:
        return None
    shape = voice.rng.choice(SHAPES) if voice.rng.random() < 0.4 else voice.rng.choice(scene.objects).shape
    count = sum(thing.shape == shape for thing in scene.objects)
    return voice.turn(way.format(x=shape), _there_are(count), "open", "count_of", NUMBERS[count])


def _only_ones(scene: Scene) -> list[Thing]:
    """Things whose shape occurs once."""
    shapes = [thing.shape for thing in scene.objects]
    return [thing for thing in scene.objects if shapes.count(thing.shape) == 1]


def _color_of(scene: Scene, voice: Voice) -> Turn | None:
    way, things = voice.way(words.COLOR_OF, "color_of"), _only_ones(scene)
    if way is None or not things:
        return None
    thing = voice.rng.choice(things)
    answer = f"The {thing.shape} is {thing.color}."
    return voice.turn(way.format(x=thing.shape), answer, "open", "color_of", thing.color)


def _at(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.AT, "at")
    if way is None:
        return None
    thing = voice.rng.choice(scene.objects)
    what = f"{thing.color} {thing.shape}"
    return voice.turn(way.format(x=thing.position), with_article(f"A {what}."), "open", "at", what)


def _position(scene: Scene, voice: Voice) -> Turn | None:
    way, things = voice.way(words.POSITION, "position"), _only_ones(scene)
    if way is None or not things:
        return None
    thing = voice.rng.choice(things)
    answer = f"The {thing.shape} is at the {thing.position}."
    return voice.turn(way.format(x=thing.shape), answer, "open", "position", thing.position)


def _exists(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.EXISTS, "exists")
    if way is None:
        return None
    thing = voice.rng.choice(scene.objects)
    color, shape = thing.color, thing.shape
    if voice.rng.random() < 0.5:
        color, shape = _absent(scene, thing, voice.rng)
    prompt = with_article(way.format(x=f"{color} {shape}"))
    for found in scene.objects:
        if (found.color, found.shape) == (color, shape):
            return voice.turn(prompt, f"Yes, at the {found.position}.", "yes_no", "exists", "yes")
    return voice.turn(prompt, with_article(f"No, there is not a {color} {shape}."), "yes_no", "exists", "no")


def _absent(scene: Scene, thing: Thing, rng: random.Random) -> tuple[str, str]:
    """A color and a shape that are not together in the scene; one of the two is often right."""
    present = {(other.color, other.shape) for other in scene.objects}
    while True:
        color = rng.choice(tuple(COLORS)) if rng.random() < 0.7 else thing.color
        shape = rng.choice(SHAPES) if rng.random() < 0.7 else thing.shape
        if (color, shape) not in present:
            return color, shape


def _background(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.BACKGROUND, "attribute.background")
    if way is None:
        return None
    answer = f"The background is {scene.background}."
    return voice.turn(way, answer, "open", "background", scene.background)


def _describe(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(words.DESCRIBE, "describe_scene")
    if way is None:
        return None
    phrases = [f"{thing.position} {thing.color} {thing.shape}" for thing in scene.objects]
    phrases.insert(0, f"{scene.background} background")
    return voice.turn(way, ", ".join(phrases) + ".", "open", "describe", *phrases)


def _choose(scene: Scene, voice: Voice, letter_only: bool) -> Turn | None:
    things = _only_ones(scene)
    if voice.language != "en" or not things:
        return None
    thing = voice.rng.choice(things)
    question = voice.rng.choice(words.COLOR_OF.of(voice.wording)).format(x=thing.shape)
    options = voice.others(tuple(COLORS), thing.color)
    topic = "letter_color" if letter_only else "choice_color"
    return voice.choice(question, options, thing.color, topic, letter_only)


def _nobody(scene: Scene, voice: Voice) -> Turn | None:
    way = voice.way(person_words.WHO, "who")
    return None if way is None else voice.turn(way, "There is no person.", "name", "nobody", "no person")


_TOPICS: dict[str, Callable[[Scene, Voice], Turn | None]] = {
    "count": _count,
    "count_of": _count_of,
    "color_of": _color_of,
    "at": _at,
    "position": _position,
    "exists": _exists,
    "background": _background,
    "describe": _describe,
    "choice_color": lambda scene, voice: _choose(scene, voice, False),
    "letter_color": lambda scene, voice: _choose(scene, voice, True),
    "nobody": _nobody,
}
