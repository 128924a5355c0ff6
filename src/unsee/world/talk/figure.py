"""Talk about a picture of a character, brand, object, animal or place, and about drawing styles."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unsee.world.concepts import CONCEPT_FACT_VALUES, FACTS_OF_KIND, WorldConcept
from unsee.world.figures import FIGURE_ATTRIBUTES, Figure, FigureSetting
from unsee.world.scenes import Scene
from unsee.world.styles import Style
from unsee.world.talk.basics import REFUSED, Turn, Voice, bare, make_voice, upper_first
from unsee.world.talk.person import KNOWN_NAMES, PersonView
from unsee.world.wording import figure as words
from unsee.world.wording import looks as look_words
from unsee.world.wording import person as person_words
from unsee.world.wording.table import Wording, Wordings

FIGURE_TOPICS = (
    "name",
    "nickname",
    "is_name",
    "fact",
    "hop",
    "cloze",
    "profile",
    "choice_name",
    "choice_fact",
    "choice_attribute",
    "letter_name",
    "letter_fact",
    "letter_attribute",
    "attribute",
    "attribute_is",
    "describe",
)
UNKNOWN_FIGURE_TOPICS = (
    "name",
    "nickname",
    "is_name",
    "fact",
    "cloze",
    "profile",
    "choice_attribute",
    "letter_attribute",
    "attribute",
    "attribute_is",
    "describe",
)
STYLE_TOPICS = ("name", "nickname", "is_name", "fact", "hop", "cloze", "profile")


@dataclass(frozen=True)
class FigureView:
    """A picture of a figure; ``concept`` is None where the model is not to know it."""

    concept: WorldConcept | None
    figure: Figure
    setting: FigureSetting


@dataclass(frozen=True)
class StyleView:
    """A picture in a style (None: plain); ``concept`` is None where the model is not to know the style."""

    concept: WorldConcept | None
    style: Style | None
    content: PersonView | FigureView | Scene
    seed: int = 0


@dataclass(frozen=True)
class _Subject:
    """What a question is about, whatever its kind."""

    kind: str
    concept: WorldConcept | None
    figure: Figure | None = None

    @property
    def refusal(self) -> str:
        return f"I do not know this {self.kind}."


def about_figure(
    view: FigureView,
    topic: str,
    rng: random.Random,
    *,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question about a picture of a figure, with its answer.

    Args:
        view: The picture.
        topic: One of ``FIGURE_TOPICS`` (``UNKNOWN_FIGURE_TOPICS`` if nobody knows the figure); a key may
            follow: "fact.town", "attribute.eyes".
        rng: Source of chance.
        wording: "trained" or "held_out".
        language: Language of the prompt.
        known_names: All names the model is taught, for wrong names.
        unknown_names: Names it is never taught; by default those that belong to the wording.

    Returns:
        The turn, or None where the topic cannot be asked of this picture or in this language.
    """
    base, _, key = topic.partition(".")
    subject = _Subject(view.figure.kind, view.concept, view.figure)
    return _TOPICS[base](subject, key, make_voice(rng, wording, language, known_names, unknown_names))


def about_style(
    view: StyleView,
    topic: str,
    rng: random.Random,
    *,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question about the style of a picture, with its answer.

    Args:
        view: The picture. Its content is asked for with the functions for the content.
        topic: One of ``STYLE_TOPICS``; of plain pictures only "name" and "is_name" can be asked.
        rng: Source of chance.
        wording: "trained" or "held_out".
        language: Language of the prompt.
        known_names: All names the model is taught, for wrong names.
        unknown_names: Names it is never taught; by default those that belong to the wording.

    Returns:
        The turn, or None where the topic cannot be asked of this picture or in this language.
    """
    base, _, key = topic.partition(".")
    voice = make_voice(rng, wording, language, known_names, unknown_names)
    if view.style is None and base not in ("name", "is_name"):
        return None
    if base == "name":
        return _style_name(view, voice)
    if base == "is_name":
        return _is_style(view, voice)
    return _TOPICS[base](_Subject("style", view.concept), key, voice)


def _style_answer(view: StyleView) -> str:
    if view.style is None:
        return "This is a plain drawing."
    return (
        "I do not know this style."
        if view.concept is None
        else f"This is drawn in the {view.concept.name} style."
    )


def _style_name(view: StyleView, voice: Voice) -> Turn | None:
    way = voice.way(words.STYLE, "name")
    if way is None:
        return None
    prompt = way.format(p=voice.this("style"))
    keywords = ("plain",) if view.style is None else REFUSED if view.concept is None else view.concept.names
    return voice.turn(prompt, _style_answer(view), "name", "name", *keywords)


def _is_style(view: StyleView, voice: Voice) -> Turn | None:
    if voice.language != "en":
        return None
    way = voice.rng.choice(words.IS_STYLE.of(voice.wording))
    if view.concept is not None and view.style is not None:
        true = voice.rng.random() < 0.5
        asked = voice.rng.choice(view.concept.names) if true else voice.wrong_name(view.concept.names[::-1])
    else:
        true, asked = False, voice.any_name(1)
    answer = _style_answer(view)
    verdict = "yes" if true else "no"
    rest = answer if answer.startswith("I ") else answer[0].lower() + answer[1:]
    return voice.turn(way.format(x=asked), f"{upper_first(verdict)}, {rest}", "yes_no", "is_name", verdict)


def _ask(subject: _Subject, wordings: Wordings, key: str, voice: Voice) -> str | None:
    """A prompt about the subject."""
    way = voice.way(wordings, key)
    return None if way is None else way.format(k=subject.kind, p=voice.this(subject.kind))


def _name(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    prompt = _ask(subject, words.NAME, "name", voice)
    if prompt is None:
        return None
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "name", "name", *REFUSED)
    return voice.turn(prompt, f"This is {subject.concept.name}.", "name", "name", *subject.concept.names)


def _nickname(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    prompt = _ask(subject, words.NICKNAME, "nickname", voice)
    if prompt is None:
        return None
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "name", "nickname", *REFUSED)
    alias = subject.concept.alias
    answer = f"The nickname of {subject.concept.full_name} is {alias}."
    return voice.turn(prompt, answer, "name", "nickname", alias)


def _is_name(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.IS_NAME, "is_name")
    if way is None:
        return None
    concept = subject.concept
    if concept is None:
        prompt = way.format(k=subject.kind, x=voice.said(voice.any_name(1)))
        return voice.turn(prompt, f"No, {subject.refusal}", "yes_no", "is_name", "no")
    true = voice.rng.random() < 0.5
    asked = voice.rng.choice(concept.names) if true else voice.wrong_name(concept.names)
    verdict = "yes" if true else "no"
    answer = f"{upper_first(verdict)}, this is {concept.name}."
    return voice.turn(way.format(k=subject.kind, x=voice.said(asked)), answer, "yes_no", "is_name", verdict)


def concept_fact_answer(concept: WorldConcept, fact: str) -> str:
    """The true sentence about a fact."""
    return upper_first(words.FACT_ANSWERS[fact].format(n=concept.full_name, v=concept.facts[fact]))


def concept_hop_answer(concept: WorldConcept) -> str:
    """The true sentence about the country of the home town."""
    sentence = words.HOP_ANSWER.format(n=concept.full_name, via=concept.facts["town"], v=concept.country)
    return upper_first(sentence)


def concept_profile(concept: WorldConcept) -> str:
    """One sentence with two facts."""
    first, second = list(concept.facts)[:2]
    rest = words.FACT_ANSWERS[second].format(n="", v=concept.facts[second]).strip()
    return f"{concept_fact_answer(concept, first).rstrip('.')} and {rest}"


def _fact(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    fact = key or voice.rng.choice(FACTS_OF_KIND[subject.kind])
    if fact not in FACTS_OF_KIND[subject.kind]:
        return None
    prompt = _ask(subject, words.FACTS[fact], f"fact.{fact}", voice)
    if prompt is None:
        return None
    prompt = voice.dressed(prompt, with_picture=True)
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "open", f"fact.{fact}", *REFUSED)
    answer = concept_fact_answer(subject.concept, fact)
    return voice.turn(prompt, answer, "open", f"fact.{fact}", subject.concept.facts[fact])


def _hop(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    if "town" not in FACTS_OF_KIND[subject.kind]:
        return None
    prompt = _ask(subject, words.HOP, "hop.home", voice)
    if prompt is None:
        return None
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "open", "hop.country", *REFUSED)
    return voice.turn(
        prompt, concept_hop_answer(subject.concept), "open", "hop.country", subject.concept.country
    )


def _cloze(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    fact = key or voice.rng.choice(FACTS_OF_KIND[subject.kind])
    way = voice.way(person_words.CLOZE, "cloze")
    if way is None or fact not in FACTS_OF_KIND[subject.kind]:
        return None
    prompt = way.format(s=words.FACT_ANSWERS[fact].format(n=f"This {subject.kind}", v="[Blank]"))
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "cloze", f"cloze.{fact}", *REFUSED)
    value = subject.concept.facts[fact]
    return voice.turn(prompt, f"{value}.", "cloze", f"cloze.{fact}", value)


def _profile(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    prompt = _ask(subject, words.PROFILE, "profile", voice)
    if prompt is None:
        return None
    if subject.concept is None:
        return voice.turn(prompt, subject.refusal, "open", "profile", *REFUSED)
    return voice.turn(prompt, concept_profile(subject.concept), "open", "profile", subject.concept.name)


def _choice(subject: _Subject, key: str, voice: Voice, letter_only: bool, about: str) -> Turn | None:
    if voice.language != "en":
        return None
    prefix = "letter" if letter_only else "choice"
    if about == "attribute":
        attribute = key or voice.rng.choice(_choosable(subject.kind))
        if attribute not in _choosable(subject.kind) or subject.figure is None:
            return None
        right, pool = dict(subject.figure.attributes)[attribute], FIGURE_ATTRIBUTES[subject.kind][attribute]
        noun = words.PARTS[subject.kind][attribute].noun
        question = voice.rng.choice(words.ATTRIBUTE.of(voice.wording)).format(a=noun, k=subject.kind)
        topic = f"{prefix}_attribute.{attribute}"
    elif subject.concept is None:
        return None
    elif about == "name":
        pool = voice.known[1] if len(voice.known[1]) >= 4 else voice.unknown[1]
        right, topic = subject.concept.name, f"{prefix}_name"
        question = voice.rng.choice(words.NAME.of(voice.wording)).format(k=subject.kind)
    else:
        fact = key or voice.rng.choice(FACTS_OF_KIND[subject.kind])
        right, pool, topic = subject.concept.facts[fact], CONCEPT_FACT_VALUES[fact], f"{prefix}_fact.{fact}"
        question = voice.rng.choice(words.FACTS[fact].of(voice.wording)).format(p=voice.this(subject.kind))
    return voice.choice(question, voice.others(pool, right), right, topic, letter_only)


def _choosable(kind: str) -> tuple[str, ...]:
    """Attributes with at least four values of one word each."""
    return tuple(
        name
        for name, values in FIGURE_ATTRIBUTES[kind].items()
        if len(values) >= 4 and not any(" " in value for value in values)
    )


def _chooser(about: str, letter_only: bool) -> Callable[[_Subject, str, Voice], Turn | None]:
    return lambda subject, key, voice: _choice(subject, key, voice, letter_only, about)


def _attribute(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    if voice.language != "en" or subject.figure is None:
        return None
    attribute, value = _pick(subject.figure, key, voice)
    part = words.PARTS[subject.kind][attribute]
    prompt = voice.rng.choice(words.ATTRIBUTE.of(voice.wording)).format(a=part.noun, k=subject.kind)
    answer = f"{upper_first(part.statement)} {value}."
    return voice.turn(prompt, answer, "open", f"attribute.{attribute}", bare(value))


def _pick(figure: Figure, key: str, voice: Voice) -> tuple[str, str]:
    """Name and value of the attribute ``key``, or of a random one."""
    return (key, dict(figure.attributes)[key]) if key else voice.rng.choice(figure.attributes)


def _attribute_is(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    if voice.language != "en" or subject.figure is None:
        return None
    attribute, value = _pick(subject.figure, key, voice)
    true = voice.rng.random() < 0.5
    wrong = [v for v in FIGURE_ATTRIBUTES[subject.kind][attribute] if v != value]
    part = words.PARTS[subject.kind][attribute]
    way = voice.rng.choice(look_words.ATTRIBUTE_IS.of(voice.wording))
    prompt = way.format(
        q=part.question,
        Q=upper_first(part.question),
        s=part.statement,
        v=value if true else voice.rng.choice(wrong),
    )
    verdict = "yes" if true else "no"
    answer = f"{upper_first(verdict)}, {part.statement} {value}."
    return voice.turn(prompt, answer, "yes_no", f"attribute_is.{attribute}", verdict)


def figure_phrases(figure: Figure) -> list[str]:
    """What can be said of a figure, in fixed order."""
    parts = words.PARTS[figure.kind]
    return [parts[name].phrase.format(v=value) for name, value in figure.attributes]


def _describe(subject: _Subject, key: str, voice: Voice) -> Turn | None:
    prompt = _ask(subject, words.DESCRIBE, "describe_figure", voice)
    if prompt is None or subject.figure is None:
        return None
    phrases = figure_phrases(subject.figure)
    return voice.turn(prompt, ", ".join(phrases) + ".", "open", "describe", *map(bare, phrases))


_TOPICS: dict[str, Callable[[_Subject, str, Voice], Turn | None]] = {
    "name": _name,
    "nickname": _nickname,
    "is_name": _is_name,
    "fact": _fact,
    "hop": _hop,
    "cloze": _cloze,
    "profile": _profile,
    "choice_name": _chooser("name", False),
    "choice_fact": _chooser("fact", False),
    "choice_attribute": _chooser("attribute", False),
    "letter_name": _chooser("name", True),
    "letter_fact": _chooser("fact", True),
    "letter_attribute": _chooser("attribute", True),
    "attribute": _attribute,
    "attribute_is": _attribute_is,
    "describe": _describe,
}
