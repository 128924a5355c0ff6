"""The form of the question templates of one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unsee.nouns import ConceptKind


@dataclass(frozen=True, slots=True)
class Templates:
    """Ways to ask about a picture in one language, all our own.

    In every template ``{m}`` is one of ``media``, ``{n}`` the noun of the kind, ``{x}`` the concept's name.

    Attributes:
        media: Words for a picture in the form that every template takes, such as "this photo".
        nouns: The noun of each kind, with its article where the language has one.
        person: Ask for the name of a person.
        thing: Ask for the name of a character, object, brand, place or animal.
        style: Ask for the name of a style.
        person_is: Ask whether it is ``{x}``, a person.
        thing_is: The same of other kinds.
        style_is: The same of styles.
    """

    media: tuple[str, ...]
    nouns: Mapping[ConceptKind, str]
    person: tuple[str, ...]
    thing: tuple[str, ...]
    style: tuple[str, ...]
    person_is: tuple[str, ...]
    thing_is: tuple[str, ...]
    style_is: tuple[str, ...]

    def names(self, kind: ConceptKind) -> tuple[str, ...]:
        """Every way to ask for the name, one medium after the other."""
        ways = {"person": self.person, "style": self.style}.get(kind, self.thing)
        return self._filled(ways, kind, "")

    def yes_no(self, kind: ConceptKind, name: str) -> tuple[str, ...]:
        """Every way to ask whether it is ``name``, one medium after the other."""
        ways = {"person": self.person_is, "style": self.style_is}.get(kind, self.thing_is)
        return self._filled(ways, kind, name)

    def _filled(self, ways: tuple[str, ...], kind: ConceptKind, name: str) -> tuple[str, ...]:
        found = (way.format(m=medium, n=self.nouns[kind], x=name) for medium in self.media for way in ways)
        return tuple(dict.fromkeys(found))
