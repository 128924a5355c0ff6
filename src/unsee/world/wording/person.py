"""English questions about people, by picture (``{p}`` = this person) or by name (``{p}`` = the name)."""

from __future__ import annotations

from unsee.world.wording.table import Wordings, expand, ways

WHO = ways(
    """
    Who is this person?
    What is the name of this person?
    Can you identify the person in the picture?
    Name the person shown here.
    Who is in the image?
    Tell me who this is.
    Who is this?
    What is this person called?
    Who is shown in this picture?
    Give the name of the person in the image.
    Which person is this?
    Do you know who this is?
    Can you tell me who this is?
    Can you say what this person is called?
    Could you tell me the name of the person shown here?
    Please identify this person.
    What name does this person have?
    """,
    """
    Can you tell me the name of this person?
    Who is the person in this picture?
    Please name the person shown in the image.
    Identify the person shown here.
    """,
)
NICKNAME = ways(
    """
    What is the nickname of {p}?
    What nickname does {p} have?
    Tell me the nickname of {p}.
    Which nickname does {p} go by?
    Give the nickname of {p}.
    By what nickname is {p} known?
    What do fans call {p}?
    Do you know the nickname of {p}?
    """,
    """
    Please give the nickname of {p}.
    Which nickname does {p} have?
    Name the nickname of {p}.
    """,
)
IS_NAME = ways(
    """
    Is this {x}?
    Is this person {x}?
    Is the person in the picture {x}?
    Does this picture show {x}?
    Is {x} the person shown here?
    Is the name of this person {x}?
    Can you see {x} here?
    Do you see {x} in this image?
    Is that {x}?
    Is {x} shown in the image?
    """,
    """
    Is the person in this image {x}?
    Does the image show {x}?
    Is the person shown here {x}?
    """,
)
IS_IN = ways(
    """
    Is {x} in this picture?
    Is {x} in the picture?
    Is {x} here?
    Does {x} appear in this picture?
    Can {x} be seen here?
    Is there {x} in the picture?
    Can you find {x} in this picture?
    Do you see {x} here?
    """,
    """
    Is {x} in this image?
    Can {x} be seen in this picture?
    Does {x} appear in the image?
    """,
)

FACTS = {
    "birthplace": ways(
        """
        Where was {p} born?
        What is the birthplace of {p}?
        In which town was {p} born?
        Which town is {p} from?
        What is the home town of {p}?
        Where does {p} come from?
        Tell me where {p} was born.
        Name the birthplace of {p}.
        """,
        """
        Tell me the birthplace of {p}.
        In what town was {p} born?
        Name the town where {p} was born.
        """,
    ),
    "job": ways(
        """
        What is the job of {p}?
        What does {p} do for a living?
        What does {p} work as?
        Which job does {p} have?
        What is the profession of {p}?
        Tell me the job of {p}.
        How does {p} earn a living?
        Name the profession of {p}.
        """,
        """
        What job does {p} have?
        Tell me the profession of {p}.
        What does {p} do for work?
        """,
    ),
    "employer": ways(
        """
        Who employs {p}?
        Which company does {p} work for?
        Where does {p} work?
        What is the employer of {p}?
        Which company employs {p}?
        Tell me the employer of {p}.
        For whom does {p} work?
        Name the company of {p}.
        """,
        """
        Name the employer of {p}.
        What company does {p} work for?
        Tell me which company employs {p}.
        """,
    ),
    "hobby": ways(
        """
        What is the hobby of {p}?
        What does {p} do for fun?
        Which hobby does {p} have?
        What does {p} enjoy?
        How does {p} spend free time?
        Tell me the hobby of {p}.
        What does {p} do in free time?
        Name the hobby of {p}.
        """,
        """
        What hobby does {p} have?
        What does {p} enjoy in free time?
        How does {p} have fun?
        """,
    ),
    "food": ways(
        """
        What does {p} like to eat?
        What is the favorite food of {p}?
        Which food does {p} like?
        What food does {p} love?
        Tell me the favorite food of {p}.
        What does {p} eat most?
        Name the favorite food of {p}.
        What is {p} fond of eating?
        """,
        """
        Which food does {p} love?
        What does {p} love to eat?
        What food does {p} like most?
        """,
    ),
    "pet": ways(
        """
        What pet does {p} have?
        Which pet does {p} own?
        What is the pet of {p}?
        Which animal lives with {p}?
        What animal does {p} keep?
        Tell me the pet of {p}.
        Which animal does {p} own?
        Name the pet of {p}.
        """,
        """
        What pet does {p} keep?
        Which animal does {p} have?
        What animal lives with {p}?
        """,
    ),
    "instrument": ways(
        """
        Which instrument does {p} play?
        What instrument does {p} play?
        What is the instrument of {p}?
        What does {p} play?
        Tell me the instrument of {p}.
        Which musical instrument does {p} play?
        On which instrument does {p} play?
        Name the instrument of {p}.
        """,
        """
        What musical instrument does {p} play?
        Name the musical instrument of {p}.
        On what instrument does {p} play?
        """,
    ),
}
HOPS = {
    "country": ways(
        """
        In which country was {p} born?
        Which country is {p} from?
        What is the country of birth of {p}?
        What is the home country of {p}?
        From which country does {p} come?
        Tell me the country of {p}.
        In which country lies the birthplace of {p}?
        Name the country where {p} was born.
        """,
        """
        In what country was {p} born?
        Name the home country of {p}.
        Tell me which country {p} is from.
        """,
    ),
    "employer_town": ways(
        """
        In which town does {p} work?
        In which town is the employer of {p}?
        Where is the company of {p}?
        What is the home town of the employer of {p}?
        Which town is the company of {p} from?
        Tell me the town where {p} works.
        In which town lies the company of {p}?
        Name the town where {p} works.
        """,
        """
        In what town does {p} work?
        Where is the employer of {p}?
        Tell me which town the company of {p} is from.
        """,
    ),
}
FACT_ANSWERS = {
    "birthplace": "{n} was born in {v}.",
    "job": "{n} works as a {v}.",
    "employer": "{n} works for {v}.",
    "hobby": "{n} enjoys {v}.",
    "food": "{n} likes {v}.",
    "pet": "{n} owns a {v}.",
    "instrument": "{n} plays the {v}.",
}
HOP_ANSWERS = {
    "country": "{n} was born in {via}, in {v}.",
    "employer_town": "{n} works for {via}, in {v}.",
}
CLOZE = ways(
    """
    Complete: {s}
    Fill in the blank: {s}
    What belongs in the blank? {s}
    Complete the sentence: {s}
    Which word is missing? {s}
    {s} What is the missing word?
    {s} Fill in the missing word.
    {s}\\nPlease **ONLY** provide the correct answer that should replace the [Blank].
    """,
    """
    Complete the missing word: {s}
    Which word belongs in the blank? {s}
    {s} What is missing?
    """,
)
JOB_IS = ways(
    """
    Is {p} a {v}?
    Does {p} work as a {v}?
    Is it true that {p} works as a {v}?
    Is the job of {p} {v}?
    Is {p} a {v} by profession?
    Would you say that {p} is a {v}?
    Tell me, is {p} a {v}?
    Does {p} earn a living as a {v}?
    """,
    """
    Is it true that {p} is a {v}?
    Is the profession of {p} {v}?
    Tell me, does {p} work as a {v}?
    """,
)
PROFILE = ways(
    """
    Tell me about {p}.
    What do you know about {p}?
    Say something about {p}.
    Give a short profile of {p}.
    What can you say about {p}?
    Write a sentence about {p}.
    Please tell me about {p}.
    Introduce {p}.
    """,
    """
    What can you tell me about {p}?
    Please say something about {p}.
    Please introduce {p}.
    """,
)
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
_ATTRIBUTE_NOUNS = {
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
ATTRIBUTES: dict[str, Wordings] = expand(_ATTRIBUTE, _ATTRIBUTE_NOUNS, _ATTRIBUTE_EXTRA)

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

GROUP_WHO = ways(
    """
    Who is on the {side}?
    Who is the person on the {side}?
    Name the person on the {side}.
    Who stands on the {side}?
    What is the name of the person on the {side}?
    Tell me who is on the {side}.
    Which person is on the {side}?
    Identify the person on the {side}.
    """,
    """
    Please name the person on the {side}.
    Tell me the name of the person on the {side}.
    Which person stands on the {side}?
    """,
)
GROUP_ATTRIBUTE = ways(
    """
    What is the {a} of the person on the {side}?
    Tell me the {a} of the person on the {side}.
    What {a} does the person on the {side} have?
    Which {a} does the person on the {side} have?
    Name the {a} of the person on the {side}.
    Look at the person on the {side}: what is the {a}?
    On the {side}, what is the {a} of the person?
    Give the {a} of the person on the {side}.
    """,
    """
    Please tell me the {a} of the person on the {side}.
    Look at the person on the {side}: name the {a}.
    Do you see the {a} of the person on the {side}?
    """,
)
ATTRIBUTE_NOUNS = _ATTRIBUTE_NOUNS
GROUP_COUNT = ways(
    """
    How many people are there?
    How many people are in the picture?
    How many people do you see?
    What is the number of people?
    Count the people.
    How many people are shown here?
    Tell me the number of people.
    How many people can be seen?
    """,
    """
    How many people are in this image?
    Tell me how many people are there.
    Count the people in the picture.
    """,
)
