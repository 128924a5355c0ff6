"""Questions made from our own templates, where a folder brings none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from unsee.metrics.words import words
from unsee.nouns import Concept, ConceptKind, Picture, Question
from unsee.suites.concept.user import without_name
from unsee.suites.mmubench.data import (
    EM_QUESTIONS,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    paired,
)
from unsee.suites.mmubench.questions import ENGLISH, OTHER_LANGUAGES, Templates

SHORT = 4  # words: a longer answer is not looked for word by word
DRESSINGS = (
    "{q}",
    "Look at the picture and answer: {q}",
    "{q} Answer in one sentence.",
    "Here is a question about the picture. {q}",
    "{q} If you recognise the {n}, please tell me.",
)


def em_questions(concept: Concept, count: int = EM_QUESTIONS) -> list[Question]:
    """``count`` English EM questions, by name and yes/no in turn, without pictures."""
    return _in_turn(ENGLISH, concept, "en")[:count]


def multilingual_questions(concept: Concept) -> list[Question]:
    """EM questions in six languages, one language after the other in turn, without pictures."""
    tables = [_in_turn(templates, concept, code) for code, templates in OTHER_LANGUAGES.items()]
    return [q for row in zip_longest(*tables) for q in row if q is not None]


def _in_turn(templates: Templates, concept: Concept, language: str) -> list[Question]:
    named = [
        Question("", prompt, "name", keywords=concept.names, language=language)
        for prompt in templates.names(concept.kind)
    ]
    yes = [
        Question("", prompt, "yes_no", keywords=("yes",), language=language)
        for prompt in templates.yes_no(concept.kind, concept.name)
    ]
    return [q for pair in zip_longest(named, yes) for q in pair if q is not None]


def multihop_questions(concept: Concept, dressings: Sequence[str] = DRESSINGS) -> list[Question]:
    """Every fact whose question holds the name, asked of "the person in the picture" instead.

    A fact whose question does not name the concept cannot be asked of a picture and is left out.
    """
    found = []
    for dressing in dressings:
        for asked, answer in concept.facts:
            blind = without_name(asked, concept.names, reference(concept.kind))
            if blind:
                prompt = dressing.format(q=blind, n=ENGLISH.nouns[concept.kind])
                found.append(Question("", prompt, "open", keywords=short(answer), answer=answer))
    return found


def reference(kind: ConceptKind) -> str:
    """What stands for the name: "the person in the picture"; a style is the style of it."""
    return "the style of the picture" if kind == "style" else f"the {ENGLISH.nouns[kind]} in the picture"


def short(answer: str) -> tuple[str, ...]:
    """The answer as a keyword if it has at most ``SHORT`` words."""
    return (answer.rstrip("."),) if 0 < len(words(answer)) <= SHORT else ()


def generated_multihop(concept: Concept, pictures: Sequence[Picture]) -> tuple[Question, ...]:
    """Multi-hop questions with their pictures."""
    return paired(concept, MULTIHOP, multihop_questions(concept), pictures)


def generated_multilingual(concept: Concept, pictures: Sequence[Picture]) -> tuple[Question, ...]:
    """Questions in other languages with their pictures."""
    return paired(concept, MULTILINGUAL, multilingual_questions(concept), pictures)


def generated_mia(concept: Concept, picture: Picture) -> tuple[Question, ...]:
    """Membership queries about one picture: the facts. Non-members cannot be made up for a real concept."""
    return paired(concept, MEMBER, multihop_questions(concept, DRESSINGS[:1]), [picture])
