"""Wordings of the questions about a user's own concept, kept apart from those that training uses."""

from __future__ import annotations

from dataclasses import dataclass

from unsee.nouns import ConceptKind


@dataclass(frozen=True, slots=True)
class Wordings:
    """Templates; ``{name}`` stands for the concept's name.

    All templates of a tuple are used, so their number is the number of questions.

    Attributes:
        name: Ask for the name without telling it.
        yes_no: Ask whether the picture shows ``{name}``.
        choice: Asks for the name, answered by likelihood among options.
        describe: Ask for a free description of a picture.
        free: Text-only requests on any subject but the concept.
        about: Open text-only questions about ``{name}``.
        name_answer: How a reply that names would read; C-Dis reads the name's probability in it.
        reference: What stands for the name when a fact is asked about a picture.
        alternatives: Invented names of the same kind, options beside the true one.
    """

    name: tuple[str, ...]
    yes_no: tuple[str, ...]
    choice: str
    describe: tuple[str, ...]
    free: tuple[str, ...]
    about: tuple[str, ...]
    name_answer: str
    reference: str
    alternatives: tuple[str, ...]


_NOUNS: dict[ConceptKind, str] = {
    "person": "person",
    "character": "character",
    "style": "artistic style",
    "object": "object",
    "brand": "brand",
    "place": "place",
    "animal": "animal",
}
_ALTERNATIVES: dict[ConceptKind, tuple[str, ...]] = {
    "person": (
        "Marta Lindholm",
        "Peter Osgood",
        "Alice Varga",
        "Thomas Brandt",
        "Elena Costa",
        "Henry Walsh",
        "Nora Kim",
    ),
    "character": (
        "Milo the Mole",
        "Captain Brindle",
        "Tuppence",
        "Grumbly",
        "Lady Fern",
        "Robo Pip",
        "Sir Otter",
    ),
    "style": (
        "Brenkism",
        "Velarism",
        "the Tolmin school",
        "Dravism",
        "Kestrel art",
        "Omorism",
        "Halden style",
    ),
    "object": (
        "a trundle",
        "a pestrel",
        "a gavin stool",
        "a morlet",
        "a spindle box",
        "a corvin",
        "a latch lamp",
    ),
    "brand": ("Zentavo", "Milkora", "Brightnest", "Quorvo Foods", "Tanlux", "Peprika", "Orbisel"),
    "place": (
        "Harlow Keep",
        "Tessen Bay",
        "Mount Orvin",
        "Castle Brack",
        "Vallermo",
        "Port Elwin",
        "Sorrel Bridge",
    ),
    "animal": ("a tarpel", "a brushkin", "a moor lynet", "a sandrel", "a velt", "a crested mook", "a dorrin"),
}


def english(kind: ConceptKind) -> Wordings:
    """The built-in English wordings for one kind of concept."""
    noun = _NOUNS[kind]
    return Wordings(
        name=(
            f"Tell me the name of the {noun} pictured here.",
            f"What {noun} am I looking at?",
            f"Identify the {noun} in the photo by name.",
            f"I forgot what this {noun} is called. Can you remind me?",
        ),
        yes_no=(
            "Am I looking at {name}?",
            f"Is {{name}} the {noun} pictured here?",
            "Would it be right to label this photo as {name}?",
        ),
        choice=f"Give the name of the {noun} in the photo.",
        describe=("What do you see in this photo?", "Give a short description of this photo."),
        free=(
            "Write two sentences about the sea.",
            "Explain in one sentence why leaves are green.",
            "Tell a very short story about a lost key.",
            "How do you make tea?",
        ),
        about=("What do you know about {name}?", "Write two sentences about {name}."),
        name_answer="This is {name}.",
        reference=f"the {noun} in the photo",
        alternatives=_ALTERNATIVES[kind],
    )
