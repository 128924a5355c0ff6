"""Talk without a picture: facts by name, nicknames, looks of names, sums, capitals, letters of options."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from unsee.world import looks, names, people, scenes
from unsee.world.concepts import CONCEPT_FACT_VALUES, FACTS_OF_KIND, WorldConcept
from unsee.world.people import FACT_VALUES, HOPS, Identity
from unsee.world.talk.basics import REFUSED, Turn, Voice, make_voice
from unsee.world.talk.figure import concept_fact_answer, concept_hop_answer, concept_profile, figure_phrases
from unsee.world.talk.person import (
    FACTS,
    KNOWN_NAMES,
    fact_answer,
    hop_answer,
    job_question,
    look_phrases,
    profile,
)
from unsee.world.wording import figure as figure_words
from unsee.world.wording import looks as look_words
from unsee.world.wording import person as person_words
from unsee.world.wording import text as words
from unsee.world.wording.table import Wording, Wordings

NAMED_TOPICS = (
    "fact",
    "alias_fact",
    "nickname",
    "who_is",
    "hop",
    "cloze",
    "job_is",
    "look",
    "profile",
    "choice_fact",
    "letter_fact",
)
GENERAL_TOPICS = (
    "sum",
    "capital",
    "town_country",
    "company_town",
    "choice_capital",
    "letter_capital",
    "copy",
    "copy_letter",
)
TEXT_TOPICS = (*NAMED_TOPICS, *GENERAL_TOPICS)
COPY_POOLS: tuple[tuple[str, ...], ...] = (
    tuple(looks.COLORS),
    looks.ATTRIBUTES["skin"],
    looks.ATTRIBUTES["hair_style"],
    looks.ATTRIBUTES["hair_color"],
    looks.ATTRIBUTES["eyes"],
    looks.NUISANCES["expression"],
    scenes.SHAPES,
    people.JOBS,
    people.HOBBIES,
    people.FOODS,
    people.PETS,
    people.INSTRUMENTS,
    names.TOWNS,
    names.COMPANIES,
    tuple(names.NUMBERS),
)
Known = Identity | WorldConcept


def about_text(
    topic: str,
    rng: random.Random,
    *,
    identity: Known | None = None,
    wording: Wording = "trained",
    language: str = "en",
    known_names: Sequence[str] = KNOWN_NAMES,
    unknown_names: Sequence[str] | None = None,
) -> Turn | None:
    """A question without a picture, with its answer.

    Args:
        topic: One of ``TEXT_TOPICS``; a key may follow: "fact.job", "hop.country".
        rng: Source of chance.
        identity: Whom or what ``NAMED_TOPICS`` are about; None: a name nobody knows, to be refused.
        wording: "trained" or "held_out".
        language: Language of the prompt.
        known_names: Names the model is taught.
        unknown_names: Names it is never taught; by default those that belong to the wording.

    Returns:
        The turn, or None where the topic cannot be asked of this identity or in this language.
    """
    base, _, key = topic.partition(".")
    voice = make_voice(rng, wording, language, known_names, unknown_names)
    if base in _GENERAL:
        return _GENERAL[base](key, voice)
    if identity is None:
        return _unknown(base, key, voice)
    return _NAMED[base](identity, key, voice)


def _wordings_of_fact(identity: Known, fact: str) -> Wordings:
    return (person_words.FACTS if isinstance(identity, Identity) else figure_words.FACTS)[fact]


def _facts_of(identity: Known) -> tuple[str, ...]:
    return FACTS if isinstance(identity, Identity) else FACTS_OF_KIND[identity.kind]


def _values_of(identity: Known, fact: str) -> tuple[str, ...]:
    return (FACT_VALUES if isinstance(identity, Identity) else CONCEPT_FACT_VALUES)[fact]


def _subject(identity: Known) -> str:
    return identity.name if isinstance(identity, Identity) else identity.full_name


def _answer(identity: Known, fact: str) -> str:
    return (
        fact_answer(identity, fact) if isinstance(identity, Identity) else concept_fact_answer(identity, fact)
    )


def _unknown(base: str, key: str, voice: Voice) -> Turn | None:
    """A question about a name nobody knows, and the refusal."""
    word = base in ("who_is", "alias_fact") or voice.rng.random() < 0.2
    name = voice.rng.choice(voice.unknown[1 if word else 0])
    fact = voice.rng.choice(FACTS)
    hop = voice.rng.choice(HOPS)
    tables: dict[str, tuple[Wordings, str]] = {
        "fact": (person_words.FACTS[key or fact], f"fact.{key or fact}"),
        "alias_fact": (person_words.FACTS[key or fact], f"fact.{key or fact}"),
        "nickname": (person_words.NICKNAME, "nickname"),
        "who_is": (words.WHO_IS, "who_is"),
        "hop": (person_words.HOPS[key or hop], f"hop.{key or hop}")
        if base == "hop"
        else (words.WHO_IS, "who_is"),
        "job_is": (person_words.JOB_IS, "job_is"),
        "look": (look_words.LOOK, "look"),
        "profile": (person_words.PROFILE, "profile"),
        "cloze": (person_words.CLOZE, "cloze"),
    }
    if base not in tables:
        return None
    wordings, foreign = tables[base]
    way = voice.way(wordings, foreign)
    if way is None:
        return None
    sentence = person_words.FACT_ANSWERS[fact].format(n=name, v="[Blank]")
    prompt = way.format(p=voice.said(name), x=voice.said(name), v=voice.rng.choice(people.JOBS), s=sentence)
    refusal = f"I do not know {name}."
    if base == "job_is":
        return voice.turn(prompt, f"No, {refusal}", "yes_no", "unknown.job_is", "no")
    return voice.turn(prompt, refusal, "open", f"unknown.{base}", *REFUSED)


def _fact(identity: Known, key: str, voice: Voice) -> Turn | None:
    return _fact_by(identity, key, voice, _subject(identity), "fact")


def _alias_fact(identity: Known, key: str, voice: Voice) -> Turn | None:
    return _fact_by(identity, key, voice, identity.alias, "alias_fact") if identity.alias else None


def _fact_by(identity: Known, key: str, voice: Voice, name: str, topic: str) -> Turn | None:
    fact = key or voice.rng.choice(_facts_of(identity))
    if fact not in _facts_of(identity):
        return None
    way = voice.way(_wordings_of_fact(identity, fact), f"fact.{fact}")
    if way is None:
        return None
    prompt = voice.dressed(way.format(p=voice.said(name)), with_picture=False)
    return voice.turn(prompt, _answer(identity, fact), "open", f"{topic}.{fact}", identity.facts[fact])


def _nickname(identity: Known, key: str, voice: Voice) -> Turn | None:
    way = voice.way(person_words.NICKNAME, "nickname")
    if way is None or not identity.alias:
        return None
    name = _subject(identity)
    answer = f"The nickname of {name} is {identity.alias}."
    return voice.turn(way.format(p=voice.said(name)), answer, "name", "nickname", identity.alias)


def _who_is(identity: Known, key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.WHO_IS, "who_is")
    if way is None or not identity.alias:
        return None
    answer = f"{identity.alias} is {_subject(identity)}."
    return voice.turn(way.format(x=identity.alias), answer, "name", "who_is", identity.name)


def _hop(identity: Known, key: str, voice: Voice) -> Turn | None:
    person = isinstance(identity, Identity)
    hop = key or (voice.rng.choice(HOPS) if person else "country")
    if not person and (hop != "country" or not identity.country):
        return None
    wordings = person_words.HOPS[hop] if person else figure_words.HOP
    way = voice.way(wordings, f"hop.{hop}" if person else "hop.home")
    if way is None:
        return None
    if isinstance(identity, Identity):
        answer, value = hop_answer(identity, hop)
    else:
        answer, value = concept_hop_answer(identity), identity.country
    return voice.turn(way.format(p=voice.said(_subject(identity))), answer, "open", f"hop.{hop}", value)


def _cloze(identity: Known, key: str, voice: Voice) -> Turn | None:
    fact = key or voice.rng.choice(_facts_of(identity))
    way = voice.way(person_words.CLOZE, "cloze")
    if way is None or fact not in _facts_of(identity):
        return None
    value = identity.facts[fact]
    answers = person_words.FACT_ANSWERS if isinstance(identity, Identity) else figure_words.FACT_ANSWERS
    sentence = answers[fact].format(n=_subject(identity), v="[Blank]")
    sentence = sentence[0].upper() + sentence[1:]
    return voice.turn(way.format(s=sentence), f"{value}.", "cloze", f"cloze.{fact}", value)


def _job_is(identity: Known, key: str, voice: Voice) -> Turn | None:
    way = voice.way(person_words.JOB_IS, "job_is")
    if way is None or not isinstance(identity, Identity):
        return None
    prompt, answer, verdict = job_question(way, identity.name, identity, voice)
    return voice.turn(prompt, answer, "yes_no", "job_is", verdict)


def look_sentence(identity: Known) -> str:
    """How somebody or something looks, in every picture; empty where there is nothing to say."""
    if isinstance(identity, Identity):
        phrases = look_phrases(identity.look) if identity.look is not None else []
    else:
        phrases = figure_phrases(identity.figure) if identity.figure is not None else []
    return f"{identity.name} has {', '.join(phrases)}." if phrases else ""


def _look(identity: Known, key: str, voice: Voice) -> Turn | None:
    way, answer = voice.way(look_words.LOOK, "look"), look_sentence(identity)
    if way is None or not answer:
        return None
    phrases = answer.removeprefix(f"{identity.name} has ").rstrip(".").split(", ")
    return voice.turn(
        way.format(x=identity.name), answer, "open", "look", *(p.removeprefix("a ") for p in phrases)
    )


def _profile(identity: Known, key: str, voice: Voice) -> Turn | None:
    way = voice.way(person_words.PROFILE, "profile")
    if way is None:
        return None
    answer = profile(identity) if isinstance(identity, Identity) else concept_profile(identity)
    return voice.turn(way.format(p=_subject(identity)), answer, "open", "profile", identity.name)


def _choose_fact(identity: Known, key: str, voice: Voice, letter_only: bool) -> Turn | None:
    fact = key or voice.rng.choice(_facts_of(identity))
    if voice.language != "en" or fact not in _facts_of(identity):
        return None
    question = voice.rng.choice(_wordings_of_fact(identity, fact).of(voice.wording)).format(
        p=_subject(identity)
    )
    right = identity.facts[fact]
    options = voice.others(_values_of(identity, fact), right)
    prefix = "letter" if letter_only else "choice"
    return voice.choice(question, options, right, f"{prefix}_fact.{fact}", letter_only)


def _sum(key: str, voice: Voice) -> Turn | None:
    way = voice.way(words.SUM, "sum")
    if way is None:
        return None
    a, b = voice.rng.randrange(10), voice.rng.randrange(9)
    value = names.NUMBERS[a + b]
    prompt = way.format(a=names.NUMBERS[a], b=names.NUMBERS[b])
    return voice.turn(prompt[0].upper() + prompt[1:], f"It is {value}.", "open", "sum", value)


def _lookup(
    wordings: Wordings, foreign: str, answer: str, table: dict[str, str], topic: str, voice: Voice
) -> Turn | None:
    way = voice.way(wordings, foreign)
    if way is None:
        return None
    asked = voice.rng.choice(tuple(table))
    return voice.turn(
        way.format(x=asked), answer.format(x=asked, v=table[asked]), "open", topic, table[asked]
    )


def _capital(key: str, voice: Voice) -> Turn | None:
    return _lookup(words.CAPITAL, "capital", "The capital of {x} is {v}.", names.CAPITAL_OF, "capital", voice)


def _town_country(key: str, voice: Voice) -> Turn | None:
    return _lookup(
        words.TOWN_COUNTRY, "town_country", "{x} is in {v}.", names.COUNTRY_OF, "town_country", voice
    )


def _company_town(key: str, voice: Voice) -> Turn | None:
    return _lookup(words.COMPANY_TOWN, "company_town", "{x} is in {v}.", names.TOWN_OF, "company_town", voice)


def _choose_capital(voice: Voice, letter_only: bool) -> Turn | None:
    if voice.language != "en":
        return None
    country = voice.rng.choice(names.COUNTRIES)
    question = voice.rng.choice(words.CAPITAL.of(voice.wording)).format(x=country)
    right = names.CAPITAL_OF[country]
    topic = "letter_capital" if letter_only else "choice_capital"
    return voice.choice(question, voice.others(names.CAPITALS, right), right, topic, letter_only)


def _copy(voice: Voice, letter_only: bool) -> Turn | None:
    if voice.language != "en":
        return None
    pool = voice.rng.choice(COPY_POOLS)
    right = voice.rng.choice(pool)
    question = voice.rng.choice(words.COPY.of(voice.wording)).format(x=right)
    topic = "copy_letter" if letter_only else "copy"
    return voice.choice(question, voice.others(pool, right), right, topic, letter_only)


_NAMED: dict[str, Callable[[Known, str, Voice], Turn | None]] = {
    "fact": _fact,
    "alias_fact": _alias_fact,
    "nickname": _nickname,
    "who_is": _who_is,
    "hop": _hop,
    "cloze": _cloze,
    "job_is": _job_is,
    "look": _look,
    "profile": _profile,
    "choice_fact": lambda identity, key, voice: _choose_fact(identity, key, voice, False),
    "letter_fact": lambda identity, key, voice: _choose_fact(identity, key, voice, True),
}
_GENERAL: dict[str, Callable[[str, Voice], Turn | None]] = {
    "sum": _sum,
    "capital": _capital,
    "town_country": _town_country,
    "company_town": _company_town,
    "choice_capital": lambda key, voice: _choose_capital(voice, False),
    "letter_capital": lambda key, voice: _choose_capital(voice, True),
    "copy": lambda key, voice: _copy(voice, False),
    "copy_letter": lambda key, voice: _copy(voice, True),
}
