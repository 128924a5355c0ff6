"""Talk about a picture of one person."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unsee.world import concepts, people
from unsee.world.looks import ATTRIBUTES, NUISANCES, Look, Setting, visible
from unsee.world.people import FACT_VALUES, HOPS, Identity
from unsee.world.talk.basics import REFUSED, Turn, Voice, bare, make_voice, upper_first
from unsee.world.wording import group as group_words
from unsee.world.wording import looks as look_words
from unsee.world.wording import person as words
from unsee.world.wording.table import Wording

I_DO_NOT_KNOW = "I do not know this person."
KNOWN_NAMES: tuple[str, ...] = (
    *(name for person in (*people.CELEBRITIES, *people.PRIVATE) for name in person.names),
    *(name for concept in concepts.CONCEPTS for name in concept.names),
)
VALUES: dict[str, tuple[str, ...]] = {**ATTRIBUTES, **NUISANCES}
WHOLE_WORD_ATTRIBUTES = ("skin", "hair_style", "hair_color", "eyes", "expression", "clothing", "background")
FACTS = tuple(FACT_VALUES)

PERSON_TOPICS = (
    "who",
    "nickname",
    "is_name",
    "is_nickname",
    "is_in",
    "fact",
    "hop",
    "cloze",
    "job_is",
    "profile",
    "choice_who",
    "choice_fact",
    "choice_attribute",
    "letter_who",
    "letter_fact",
    "letter_attribute",
    "attribute",
    "attribute_is",
    "describe",
    "count",
)
_OF_THE_KNOWN = ("choice_who", "choice_fact", "letter_who", "letter_fact")
STRANGER_TOPICS = tuple(topic for topic in PERSON_TOPICS if topic not in _OF_THE_KNOWN)


@dataclass(frozen=True)
class PersonView:
    """A picture of one person; ``identity`` is None for people whom the model is not to know."""

    identity: Identity | None
    look: Look
    setting: Setting

    def value(self, attribute: str) -> str:
        """The true value of an attribute or nuisance."""
        return str(getattr(self.look if attribute in ATTRIBUTES else self.setting, attribute))

    def shows(self, attribute: str) -> bool:
        """Whether the picture shows it."""
        return visible(self.look, self.setting, attribute)


def about_person(
    view: PersonView,
    topic: str,
    rng: random.Random,
    *,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question about a picture of one person, with its answer.

    Args:
        view: The picture.
        topic: One of ``PERSON_TOPICS`` (``STRANGER_TOPICS`` if nobody knows the person); a key may follow,
            such as "fact.job" or "attribute.skin".
        rng: Source of chance.
        wording: "trained" or "held_out".
        language: Language of the prompt: en, es, fr, zh, de, ja, ru.
        known_names: All names and nicknames that the model is taught, for wrong options.
        unknown_names: The same for names it is never taught; by default those that belong to the wording.

    Returns:
        The turn, or None where the topic cannot be asked of this picture or in this language.
    """
    base, _, key = topic.partition(".")
    return _TOPICS[base](view, key, make_voice(rng, wording, language, known_names, unknown_names))


def _who(view: PersonView, key: str, voice: Voice) -> Turn | None:
    prompt = voice.way(words.WHO, "who")
    if prompt is None:
        return None
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "name", "who", *REFUSED)
    return voice.turn(prompt, f"This is {view.identity.name}.", "name", "who", *view.identity.names)


def _nickname(view: PersonView, key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.NICKNAME, "nickname")
    if way is None or (view.identity is not None and not view.identity.alias):
        return None
    prompt = way.format(p=voice.this("person"))
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "name", "nickname", *REFUSED)
    alias = view.identity.alias
    return voice.turn(prompt, f"The nickname of {view.identity.name} is {alias}.", "name", "nickname", alias)


def _yes_no_name(view: PersonView, voice: Voice, topic: str, form: int) -> Turn | None:
    table = words.IS_IN if topic == "is_in" else words.IS_NAME
    way = voice.way(table, "is_in" if topic == "is_in" else "is_name")
    if way is None:
        return None
    if view.identity is None:
        prompt = way.format(x=voice.said(voice.any_name(form)))
        return voice.turn(prompt, "No, I do not know this person.", "yes_no", topic, "no")
    name, asked = view.identity.name, view.identity.names[form]
    if voice.rng.random() < 0.5:
        return voice.turn(way.format(x=voice.said(asked)), f"Yes, this is {name}.", "yes_no", topic, "yes")
    neighbour = people.by_id(view.identity.neighbour) if view.identity.neighbour else None
    hard = neighbour.names[form] if neighbour is not None and form < len(neighbour.names) else ""
    wrong = voice.wrong_name((asked,), hard)
    return voice.turn(way.format(x=voice.said(wrong)), f"No, this is {name}.", "yes_no", topic, "no")


def _is_name(view: PersonView, key: str, voice: Voice) -> Turn | None:
    return _yes_no_name(view, voice, "is_name", 0)


def _is_in(view: PersonView, key: str, voice: Voice) -> Turn | None:
    return _yes_no_name(view, voice, "is_in", 0)


def _is_nickname(view: PersonView, key: str, voice: Voice) -> Turn | None:
    if view.identity is not None and not view.identity.alias:
        return None
    return _yes_no_name(view, voice, "is_nickname", 1)


def fact_answer(identity: Identity, fact: str) -> str:
    """The true sentence about a fact."""
    return words.FACT_ANSWERS[fact].format(n=identity.name, v=identity.facts[fact])


def hop_answer(identity: Identity, hop: str) -> tuple[str, str]:
    """The true sentence about a fact of a fact, and the value."""
    if hop == "country":
        via, value = identity.facts["birthplace"], identity.country
    else:
        via, value = identity.facts["employer"], identity.employer_town
    return words.HOP_ANSWERS[hop].format(n=identity.name, via=via, v=value), value


def _fact(view: PersonView, key: str, voice: Voice) -> Turn | None:
    fact = key or voice.rng.choice(FACTS)
    way = voice.way(words.FACTS[fact], f"fact.{fact}")
    if way is None:
        return None
    prompt = voice.dressed(way.format(p=voice.this("person")), with_picture=True)
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "open", f"fact.{fact}", *REFUSED)
    answer = fact_answer(view.identity, fact)
    return voice.turn(prompt, answer, "open", f"fact.{fact}", view.identity.facts[fact])


def _hop(view: PersonView, key: str, voice: Voice) -> Turn | None:
    hop = key or voice.rng.choice(HOPS)
    way = voice.way(words.HOPS[hop], f"hop.{hop}")
    if way is None:
        return None
    prompt = way.format(p=voice.this("person"))
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "open", f"hop.{hop}", *REFUSED)
    answer, value = hop_answer(view.identity, hop)
    return voice.turn(prompt, answer, "open", f"hop.{hop}", value)


def _cloze(view: PersonView, key: str, voice: Voice) -> Turn | None:
    fact = key or voice.rng.choice(FACTS)
    way = voice.way(words.CLOZE, "cloze")
    if way is None:
        return None
    prompt = way.format(s=words.FACT_ANSWERS[fact].format(n="This person", v="[Blank]"))
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "cloze", f"cloze.{fact}", *REFUSED)
    value = view.identity.facts[fact]
    return voice.turn(prompt, f"{value}.", "cloze", f"cloze.{fact}", value)


def _job_is(view: PersonView, key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.JOB_IS, "job_is")
    if way is None:
        return None
    p = voice.this("person")
    if view.identity is None:
        prompt = way.format(p=p, v=voice.rng.choice(people.JOBS))
        return voice.turn(prompt, "No, I do not know this person.", "yes_no", "job_is", "no")
    prompt, answer, verdict = job_question(way, p, view.identity, voice)
    return voice.turn(prompt, answer, "yes_no", "job_is", verdict)


def job_question(way: str, p: str, identity: Identity, voice: Voice) -> tuple[str, str, str]:
    """Prompt, answer and verdict of "is X a baker?", as often true as false."""
    job = identity.facts["job"]
    true = voice.rng.random() < 0.5
    asked = job if true else voice.rng.choice([j for j in people.JOBS if j != job])
    verdict = "yes" if true else "no"
    return way.format(p=p, v=asked), f"{upper_first(verdict)}, {fact_answer(identity, 'job')}", verdict


def _profile(view: PersonView, key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.PROFILE, "profile")
    if way is None:
        return None
    prompt = way.format(p=voice.this("person"))
    if view.identity is None:
        return voice.turn(prompt, I_DO_NOT_KNOW, "open", "profile", *REFUSED)
    return voice.turn(prompt, profile(view.identity), "open", "profile", view.identity.name)


def profile(identity: Identity) -> str:
    """One sentence with three facts."""
    fact = identity.facts
    return (
        f"{identity.name} was born in {fact['birthplace']}, works as a {fact['job']} and plays the "
        f"{fact['instrument']}."
    )


def _choose(view: PersonView, key: str, voice: Voice, letter_only: bool, about: str) -> Turn | None:
    if voice.language != "en":
        return None
    prefix = "letter" if letter_only else "choice"
    if about == "attribute":
        attribute = key or pick_attribute(view, voice.rng, WHOLE_WORD_ATTRIBUTES)
        if attribute not in WHOLE_WORD_ATTRIBUTES or not view.shows(attribute):
            return None
        question, right, pool = look_words.ATTRIBUTES[attribute], view.value(attribute), VALUES[attribute]
        topic = f"{prefix}_attribute.{attribute}"
    elif view.identity is None:
        return None
    elif about == "who":
        pool = voice.known[0] if len(voice.known[0]) >= 4 else voice.unknown[0]
        question, right, topic = words.WHO, view.identity.name, f"{prefix}_who"
    else:
        fact = key or voice.rng.choice(FACTS)
        question, right, pool = words.FACTS[fact], view.identity.facts[fact], FACT_VALUES[fact]
        topic = f"{prefix}_fact.{fact}"
    way = voice.rng.choice(question.of(voice.wording))
    asked = way.format(p=voice.this("person")) if about == "fact" else way
    return voice.choice(asked, voice.others(pool, right), right, topic, letter_only)


def _chooser(about: str, letter_only: bool) -> Callable[[PersonView, str, Voice], Turn | None]:
    return lambda view, key, voice: _choose(view, key, voice, letter_only, about)


def pick_attribute(view: PersonView, rng: random.Random, among: Sequence[str] = tuple(VALUES)) -> str:
    """An attribute that the picture shows."""
    while not view.shows(attribute := rng.choice(among)):
        pass
    return attribute


def attribute_answer(attribute: str, value: str) -> str:
    """The true sentence about an attribute."""
    return f"{upper_first(look_words.ATTRIBUTE_CLAUSES[attribute][1])} {value}."


def _attribute(view: PersonView, key: str, voice: Voice) -> Turn | None:
    attribute = key or pick_attribute(view, voice.rng)
    if not view.shows(attribute):
        return None
    way = voice.way(look_words.ATTRIBUTES[attribute], f"attribute.{attribute}")
    if way is None:
        return None
    value = view.value(attribute)
    return voice.turn(way, attribute_answer(attribute, value), "open", f"attribute.{attribute}", bare(value))


def _attribute_is(view: PersonView, key: str, voice: Voice) -> Turn | None:
    attribute = key or pick_attribute(view, voice.rng)
    if not view.shows(attribute) or voice.language != "en":
        return None
    value = view.value(attribute)
    true = voice.rng.random() < 0.5
    asked = value if true else voice.rng.choice([v for v in VALUES[attribute] if v != value])
    question, statement = look_words.ATTRIBUTE_CLAUSES[attribute]
    way = voice.rng.choice(look_words.ATTRIBUTE_IS.of(voice.wording))
    prompt = way.format(q=question, Q=upper_first(question), s=statement, v=asked)
    verdict = "yes" if true else "no"
    answer = f"{upper_first(verdict)}, {statement} {value}."
    return voice.turn(prompt, answer, "yes_no", f"attribute_is.{attribute}", verdict)


def look_phrases(look: Look) -> list[str]:
    """What can be said of a look, in fixed order; hidden attributes are left out."""
    bald, dark = look.hair_style == "bald", look.glasses == "dark glasses"
    hair = "bald head" if bald else f"{look.hair_style} {look.hair_color} hair"
    eyes = [] if dark else [f"{look.eyes} eyes"]
    return [f"{look.skin} skin", hair, *eyes, look.glasses, look.beard, look.mark]


def _describe(view: PersonView, key: str, voice: Voice) -> Turn | None:
    way = voice.way(look_words.DESCRIBE, "describe")
    if way is None:
        return None
    setting = view.setting
    phrases = look_phrases(view.look)
    phrases += [
        setting.expression,
        f"{setting.clothing} clothing",
        setting.hat,
        f"{setting.background} background",
    ]
    return voice.turn(way, ", ".join(phrases) + ".", "open", "describe", *map(bare, phrases))


def _count(view: PersonView, key: str, voice: Voice) -> Turn | None:
    way = voice.way(group_words.GROUP_COUNT, "count")
    return None if way is None else voice.turn(way, "There is one person.", "open", "count", "one")


_TOPICS: dict[str, Callable[[PersonView, str, Voice], Turn | None]] = {
    "who": _who,
    "nickname": _nickname,
    "is_name": _is_name,
    "is_nickname": _is_nickname,
    "is_in": _is_in,
    "fact": _fact,
    "hop": _hop,
    "cloze": _cloze,
    "job_is": _job_is,
    "profile": _profile,
    "choice_who": _chooser("who", False),
    "choice_fact": _chooser("fact", False),
    "choice_attribute": _chooser("attribute", False),
    "letter_who": _chooser("who", True),
    "letter_fact": _chooser("fact", True),
    "letter_attribute": _chooser("attribute", True),
    "attribute": _attribute,
    "attribute_is": _attribute_is,
    "describe": _describe,
    "count": _count,
}
