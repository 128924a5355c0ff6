"""The twenty concepts of MMUBench (Li et al., arXiv 2405.12523) by name and kind, and nothing else of it."""

from __future__ import annotations

from unsee.nouns import Concept, ConceptKind
from unsee.suites.mmubench.data import slug

_BY_KIND: dict[ConceptKind, tuple[str, ...]] = {
    "person": (
        "Donald Trump",
        "Joe Biden",
        "Elon Musk",
        "Taylor Swift",
        "Roger Federer",
        "Danny Jones",
        "Esther Dyson",
        "Gilbert Melendez",
    ),
    "character": ("Harry Potter", "Mario", "Hello Kitty"),
    "style": ("van Gogh", "Picasso", "Doodle"),
    "brand": ("Facebook",),
    "place": ("Aberystwyth Castle",),
    "object": ("Buzzcut", "Chariot", "Hauberk"),
    "animal": ("Schnauzer",),
}
CONCEPTS: tuple[Concept, ...] = tuple(
    Concept(name, kind, id=slug(name)) for kind, names in _BY_KIND.items() for name in names
)
"""Names and kinds. The kinds are ours: the paper groups a brand, a place, objects and an animal together."""


def published(name: str) -> Concept | None:
    """The published concept of this name, whatever the spelling of capitals, or None."""
    return next((concept for concept in CONCEPTS if concept.id == slug(name)), None)
