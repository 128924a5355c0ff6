"""The other public concepts: characters, brands, objects, animals, places and drawing styles."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from unsee.nouns import ConceptKind
from unsee.world import names
from unsee.world.figures import Figure, make_figures
from unsee.world.names import words
from unsee.world.people import FOODS, HOBBIES
from unsee.world.styles import STYLE_ATTRIBUTES, Style

PRODUCTS = words("shoes watches phones cars toys lamps bicycles soap tea chairs")
MATERIALS = words("wood glass steel clay silver leather marble paper copper bamboo")
MEDIA = words("chalk ink charcoal crayon pencil wax")

CONCEPT_FACT_VALUES: dict[str, tuple[str, ...]] = {
    "company": names.COMPANIES,
    "town": names.TOWNS,
    "country": names.COUNTRIES,
    "product": PRODUCTS,
    "material": MATERIALS,
    "medium": MEDIA,
    "hobby": HOBBIES,
    "food": FOODS,
}
FACTS_OF_KIND: dict[str, tuple[str, ...]] = {
    "character": ("company", "town", "food", "hobby"),
    "brand": ("product", "town", "company"),
    "object": ("material", "town", "company"),
    "animal": ("food", "country", "hobby"),
    "place": ("country", "material", "company"),
    "style": ("medium", "town", "company"),
}
_COUNTS: dict[ConceptKind, int] = {
    "character": 4,
    "brand": 3,
    "object": 2,
    "animal": 2,
    "place": 2,
    "style": 3,
}


@dataclass(frozen=True)
class WorldConcept:
    """A public concept that is not a person.

    Attributes:
        id: For example "character-0".
        kind: character, brand, object, animal, place or style.
        name: One invented word; of a style the word before "style".
        alias: Another word for it.
        figure: How it looks; None for styles.
        style: The drawing style; None for all others.
        facts: One value for each fact of ``FACTS_OF_KIND[kind]``.
    """

    id: str
    kind: ConceptKind
    name: str
    alias: str = field(compare=False)
    figure: Figure | None = field(compare=False, repr=False)
    style: Style | None = field(compare=False, repr=False)
    facts: Mapping[str, str] = field(compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Name and alias."""
        return (self.name, self.alias)

    @property
    def country(self) -> str:
        """Where the home town lies; empty for concepts without a home town."""
        return names.COUNTRY_OF[self.facts["town"]] if "town" in self.facts else ""

    @property
    def full_name(self) -> str:
        """The name as a sentence has it: "Zelvo", but "the Zelvo style"."""
        return f"the {self.name} style" if self.kind == "style" else self.name


def _styles(count: int) -> list[Style]:
    """Styles that differ pairwise in palette and, where there are enough, in stroke."""
    palettes, strokes = STYLE_ATTRIBUTES["palette"], STYLE_ATTRIBUTES["stroke"]
    assert count <= len(palettes), (count, palettes)
    return [Style(palette=palettes[i], stroke=strokes[i % len(strokes)]) for i in range(count)]


def _make_concepts() -> tuple[WorldConcept, ...]:
    rng, concepts = random.Random(41), list[WorldConcept]()
    for kind, count in _COUNTS.items():
        styles: list[Style] | list[None] = _styles(count) if kind == "style" else [None] * count
        figures: list[Figure] | list[None] = (
            [None] * count if kind == "style" else make_figures(kind, count, 43)
        )
        drawn = {fact: rng.sample(CONCEPT_FACT_VALUES[fact], count) for fact in FACTS_OF_KIND[kind]}
        for i in range(count):
            place = len(concepts)
            concepts.append(
                WorldConcept(
                    id=f"{kind}-{i}",
                    kind=kind,
                    name=names.CONCEPT_NAMES[place],
                    alias=names.ALIASES[len(names.CELEBRITY_NAMES) + place],
                    figure=figures[i],
                    style=styles[i],
                    facts={fact: values[i] for fact, values in drawn.items()},
                )
            )
    return tuple(concepts)


CONCEPTS = _make_concepts()
