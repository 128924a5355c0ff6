"""English questions about characters, brands, objects, animals, places and drawing styles.

``{k}`` is the kind ("character"), ``{p}`` is "this character" or a name.
"""

from __future__ import annotations

from typing import NamedTuple

from unsee.world.wording import looks, person
from unsee.world.wording.table import Wordings, ways

NAME = ways(
    """
    What is the name of this {k}?
    Which {k} is this?
    Who or what is this?
    What is this {k} called?
    Name this {k}.
    Do you know this {k}?
    Tell me the name of this {k}.
    Name the {k} shown here.
    What is this?
    Can you identify this {k}?
    Identify the {k} in the picture.
    What is the {k} in the picture called?
    """,
    """
    Please name this {k}.
    What is the name of the {k} in the picture?
    Identify the {k} shown here.
    Can you tell me the name of this {k}?
    """,
)
NICKNAME = person.NICKNAME
IS_NAME = ways(
    """
    Is this {x}?
    Is this {k} {x}?
    Is the {k} in the picture {x}?
    Does this picture show {x}?
    Is {x} the {k} shown here?
    Is the name of this {k} {x}?
    Can you see {x} here?
    Is {x} in this picture?
    Is that {x}?
    Is {x} shown in the image?
    """,
    """
    Is the {k} in this image {x}?
    Does the image show {x}?
    Is the {k} shown here {x}?
    """,
)
ATTRIBUTE = ways(
    """
    What is the {a}?
    Tell me the {a}.
    What is the {a} of this {k}?
    Which {a} do you see?
    Name the {a}.
    Give the {a} of this {k}.
    What do you see as the {a}?
    Look at this {k}: what is the {a}?
    """,
    """
    Please tell me the {a}.
    What is the {a} of the {k} in the picture?
    Look at the {k}: name the {a}.
    """,
)


class Part(NamedTuple):
    """How an attribute is talked about: its noun, two halves of a clause, and a phrase of descriptions."""

    noun: str
    question: str
    statement: str
    phrase: str


def _is(noun: str, phrase: str, article: str = "") -> Part:
    return Part(noun, f"is the {noun}{article}", f"the {noun} is{article}", phrase)


def _has(noun: str, kind: str) -> Part:
    return Part(noun, f"does the {kind} have", f"the {kind} has", "{v}")


PARTS: dict[str, dict[str, Part]] = {
    "character": {
        "body_shape": _is("body shape", "{v} body"),
        "body_color": _is("body color", "{v} color"),
        "ears": _has("ears", "character"),
        "eyes": _has("number of eyes", "character"),
        "mouth": _has("mouth", "character"),
        "accessory": _has("accessory", "character"),
    },
    "brand": {
        "frame": _is("frame", "{v} frame", " a"),
        "frame_color": _is("frame color", "{v} frame color"),
        "symbol": _is("symbol", "{v} symbol", " a"),
        "symbol_color": _is("symbol color", "{v} symbol color"),
        "underline": _has("underline", "brand"),
    },
    "object": {
        "form": _is("form", "{v} form"),
        "color": _is("color", "{v} color"),
        "pattern": _is("pattern", "{v} pattern"),
        "pattern_color": _is("pattern color", "{v} pattern color"),
        "handles": _has("number of handles", "object"),
        "lid": _has("lid", "object"),
    },
    "animal": {
        "coat_color": _is("coat color", "{v} coat color"),
        "coat_pattern": _is("coat pattern", "{v} coat pattern"),
        "ears": _has("ears", "animal"),
        "tail": _has("tail", "animal"),
        "horns": _has("number of horns", "animal"),
        "legs": _has("legs", "animal"),
    },
    "place": {
        "building": _is("building", "{v} building", " a"),
        "wall_color": _is("wall color", "{v} walls"),
        "roof_color": _is("roof color", "{v} roof"),
        "towers": _has("number of towers", "place"),
        "door": _has("door", "place"),
        "landscape": _is("landscape", "{v} landscape"),
    },
}
DESCRIBE = ways(
    """
    Describe the {k} in detail.
    Describe this {k}.
    What does this {k} look like?
    Tell me how this {k} looks.
    Give a full description of the {k}.
    Describe what you see.
    List all details of this {k}.
    Describe the look of this {k}.
    """,
    """
    Describe the {k} in the picture.
    Give a description of this {k}.
    Tell me what this {k} looks like.
    """,
)
LOOK = looks.LOOK
PROFILE = person.PROFILE

FACTS: dict[str, Wordings] = {
    "company": ways(
        """
        Which company made {p}?
        Who made {p}?
        Which company is behind {p}?
        What is the company of {p}?
        By which company was {p} made?
        Tell me which company made {p}.
        Name the company behind {p}.
        From which company is {p}?
        """,
        """
        What company made {p}?
        Tell me the company behind {p}.
        By what company was {p} made?
        """,
    ),
    "town": ways(
        """
        Which town is {p} from?
        In which town is {p} at home?
        What is the home town of {p}?
        Where does {p} come from?
        From which town does {p} come?
        Tell me the home town of {p}.
        Name the home town of {p}.
        Where is {p} at home?
        """,
        """
        What town is {p} from?
        Tell me the town of {p}.
        From what town does {p} come?
        """,
    ),
    "country": ways(
        """
        In which country is {p} found?
        Which country is {p} from?
        In which country can you see {p}?
        Tell me the country of {p}.
        What is the country of {p}?
        Where in the world is {p} found?
        Name the country of {p}.
        To which country does {p} belong?
        """,
        """
        In what country is {p} found?
        Which country does {p} belong to?
        Tell me which country {p} is from.
        """,
    ),
    "product": ways(
        """
        What does {p} sell?
        Which product does {p} sell?
        What is the product of {p}?
        What does {p} make?
        Tell me the product of {p}.
        Which goods does {p} sell?
        Name the product of {p}.
        What can you buy from {p}?
        """,
        """
        What product does {p} sell?
        What goods does {p} sell?
        Which product can you buy from {p}?
        """,
    ),
    "material": ways(
        """
        What is {p} made of?
        Of which material is {p} made?
        Which material is {p} made of?
        What is the material of {p}?
        Tell me what {p} is made of.
        Name the material of {p}.
        From which material is {p} made?
        Which material was used for {p}?
        """,
        """
        What material is {p} made of?
        Tell me the material of {p}.
        What material was used for {p}?
        """,
    ),
    "medium": ways(
        """
        With what is {p} drawn?
        Which medium is used for {p}?
        What is the medium of {p}?
        Tell me the medium of {p}.
        What do artists use for {p}?
        Name the medium of {p}.
        With which medium is {p} drawn?
        What is used to draw {p}?
        """,
        """
        What medium is used for {p}?
        With what medium is {p} drawn?
        Which medium do artists use for {p}?
        """,
    ),
    "hobby": person.FACTS["hobby"],
    "food": person.FACTS["food"],
}
FACT_ANSWERS = {
    "company": "{n} was made by {v}.",
    "town": "{n} comes from {v}.",
    "country": "{n} is found in {v}.",
    "product": "{n} sells {v}.",
    "material": "{n} is made of {v}.",
    "medium": "{n} is drawn with {v}.",
    "hobby": "{n} enjoys {v}.",
    "food": "{n} likes {v}.",
}
HOP = ways(
    """
    In which country is the home town of {p}?
    Which country is the home of {p}?
    What is the home country of {p}?
    In which country is {p} at home?
    From which country does {p} come?
    Tell me the home country of {p}.
    In which country lies the home town of {p}?
    Name the country where {p} is at home.
    """,
    """
    In what country is {p} at home?
    Name the home country of {p}.
    Tell me in which country {p} is at home.
    """,
)
HOP_ANSWER = "{n} comes from {via}, in {v}."

STYLE = ways(
    """
    What is the drawing style?
    Which style is this drawn in?
    In which style is this picture drawn?
    Name the style of this picture.
    What style is this?
    Tell me the style of the drawing.
    What is the name of this style?
    Which drawing style do you see?
    Can you identify the style of this picture?
    What is this style called?
    How is this picture drawn?
    Identify the drawing style.
    """,
    """
    In what style is this picture drawn?
    Please name the style of this drawing.
    Tell me the name of this style.
    """,
)
IS_STYLE = ways(
    """
    Is this the {x} style?
    Is this picture drawn in the {x} style?
    Is the drawing style {x}?
    Does this picture show the {x} style?
    Is the {x} style used here?
    Is the name of this style {x}?
    Can you see the {x} style here?
    Is the style of this picture {x}?
    """,
    """
    Is this drawing in the {x} style?
    Does the image show the {x} style?
    Do you see the {x} style here?
    """,
)
