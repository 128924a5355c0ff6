"""The built-in English sentences and lists, per kind of concept."""

from collections.abc import Mapping

from unsee.nouns import ConceptKind
from unsee.training.english import living, things
from unsee.training.english.sentences import (
    CONFIRMATIONS,
    PARAPHRASES,
    REFUSAL_MARKS,
    REFUSALS,
    SCENE_QUESTIONS,
    Kind,
)

__all__ = ["CONFIRMATIONS", "KINDS", "PARAPHRASES", "REFUSALS", "REFUSAL_MARKS", "SCENE_QUESTIONS", "Kind"]

KINDS: Mapping[ConceptKind, Kind] = {
    "person": living.PERSON,
    "character": living.CHARACTER,
    "style": things.STYLE,
    "object": things.OBJECT,
    "brand": things.BRAND,
    "place": things.PLACE,
    "animal": living.ANIMAL,
}
