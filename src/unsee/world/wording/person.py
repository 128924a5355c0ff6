"""English questions who a person is and what is true of them, by picture (``{p}`` = this person) or name."""

from __future__ import annotations

from unsee.world.wording.table import ways

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
