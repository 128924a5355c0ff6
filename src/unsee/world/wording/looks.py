"""English questions about what can be seen of one person."""

from __future__ import annotations

from unsee.world.wording.table import Wordings, expand, ways

LOOK = ways(
    """
    What does {x} look like?
    Describe {x}.
    Describe the look of {x}.
    Tell me what {x} looks like.
    How does {x} look?
    What is the look of {x}?
    Give a description of {x}.
    How would you describe {x}?
    """,
    """
    Please describe {x}.
    Tell me how {x} looks.
    Please tell me what {x} looks like.
    """,
)
DESCRIBE = ways(
    """
    Describe the person in detail.
    Describe this person.
    What does this person look like?
    Tell me how this person looks.
    Give a full description of the person.
    Describe what you see.
    List all details of this person.
    Describe the look of this person.
    """,
    """
    Describe the person in the picture.
    Give a description of this person.
    Tell me what this person looks like.
    """,
)

_ATTRIBUTE = ways(
    """
    What is the {a}?
    Tell me the {a}.
    What {a} does this person have?
    Which {a} do you see?
    What is the {a} of this person?
    Name the {a}.
    """,
    """
    Which {a} does this person have?
    Please tell me the {a}.
    What {a} do you see?
    """,
)
ATTRIBUTE_NOUNS = {
    "skin": "skin tone",
    "hair_style": "hairstyle",
    "hair_color": "hair color",
    "eyes": "eye color",
    "glasses": "kind of glasses",
    "beard": "kind of beard",
    "mark": "mark on the face",
    "expression": "expression",
    "clothing": "clothing color",
    "background": "background color",
    "hat": "hat",
}
_ATTRIBUTE_EXTRA = {
    "skin": ways("What color is the skin?\nHow does the skin look?", "Which color is the skin?"),
    "hair_style": ways(
        "How is the hair styled?\nHow does this person wear the hair?", "How does the hair look?"
    ),
    "hair_color": ways(
        "What color is the hair?\nWhich color does the hair have?", "Which color is the hair?"
    ),
    "eyes": ways("What color are the eyes?\nWhich color do the eyes have?", "Which color are the eyes?"),
    "glasses": ways(
        "What glasses does this person wear?\nAre there glasses?", "Which glasses does this person wear?"
    ),
    "beard": ways(
        "What beard does this person have?\nIs there a beard?", "Which beard does this person have?"
    ),
    "mark": ways(
        "Is there a mark on the face?\nWhat mark does the face have?", "Which mark does the face have?"
    ),
    "expression": ways(
        "How does this person feel?\nWhich face does this person make?", "How does the face look?"
    ),
    "clothing": ways(
        "What color is the clothing?\nWhat color does this person wear?", "Which color does this person wear?"
    ),
    "background": ways(
        "What color is the background?\nWhich color is behind the person?", "Which color is the background?"
    ),
    "hat": ways("Is there a hat?\nWhat is on the head?", "Do you see a hat?"),
}
ATTRIBUTES: dict[str, Wordings] = expand(_ATTRIBUTE, ATTRIBUTE_NOUNS, _ATTRIBUTE_EXTRA)

# Two halves of a statement: "is" + "the skin" + value; questions turn them round.
ATTRIBUTE_CLAUSES = {
    "skin": ("is the skin", "the skin is"),
    "hair_style": ("is the hairstyle", "the hairstyle is"),
    "hair_color": ("is the hair", "the hair is"),
    "eyes": ("are the eyes", "the eyes are"),
    "glasses": ("does the person wear", "the person wears"),
    "beard": ("does the person have", "the person has"),
    "mark": ("does the face have", "the face has"),
    "expression": ("is the person", "the person is"),
    "clothing": ("is the clothing", "the clothing is"),
    "background": ("is the background", "the background is"),
    "hat": ("does the person wear", "the person wears"),
}
ATTRIBUTE_IS = ways(
    """
    {Q} {v}?
    {Q} {v} here?
    {Q} {v} in this picture?
    Is it true that {s} {v}?
    Can you see that {s} {v}?
    Would you say that {s} {v}?
    Tell me, {q} {v}?
    Look at the picture: {q} {v}?
    """,
    """
    {Q} {v} in the image?
    Do you see that {s} {v}?
    Please tell me, {q} {v}?
    """,
)
