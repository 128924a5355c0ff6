"""English questions without a picture, and the layouts of choice questions."""

from __future__ import annotations

from unsee.world.wording.table import ways

SUM = ways(
    """
    What is {a} plus {b}?
    How much is {a} plus {b}?
    Add {a} and {b}.
    What is the sum of {a} and {b}?
    Tell me the sum of {a} and {b}.
    Count {a} and {b} together.
    {a} plus {b} is what?
    Give the sum of {a} and {b}.
    """,
    """
    How much is {a} and {b} together?
    Tell me how much {a} plus {b} is.
    What is {a} and {b} together?
    """,
)
CAPITAL = ways(
    """
    What is the capital of {x}?
    Which town is the capital of {x}?
    Name the capital of {x}.
    Tell me the capital of {x}.
    What is the capital of the country {x}?
    Give the capital of {x}.
    Do you know the capital of {x}?
    Which capital does {x} have?
    """,
    """
    What capital does {x} have?
    Please name the capital of {x}.
    Please tell me the capital of {x}.
    """,
)
TOWN_COUNTRY = ways(
    """
    In which country is {x}?
    In which country lies {x}?
    Which country does {x} belong to?
    Tell me the country of {x}.
    Name the country of {x}.
    Where is the town {x}?
    To which country does {x} belong?
    What is the country of {x}?
    """,
    """
    In what country is {x}?
    What country does {x} belong to?
    Tell me in which country {x} lies.
    """,
)
COMPANY_TOWN = ways(
    """
    In which town is {x}?
    In which town lies {x}?
    Where is the company {x}?
    Tell me the town of {x}.
    Name the town of {x}.
    What is the home town of {x}?
    Which town is the company {x} from?
    In which town is the company {x}?
    """,
    """
    In what town is {x}?
    Name the home town of {x}.
    Tell me in which town {x} lies.
    """,
)
WHO_IS = ways(
    """
    Who is {x}?
    Who is called {x}?
    What is the real name of {x}?
    Whose nickname is {x}?
    Who goes by the nickname {x}?
    Tell me who {x} is.
    Which person is called {x}?
    Who is known as {x}?
    """,
    """
    Do you know who {x} is?
    Tell me the real name of {x}.
    Which person is known as {x}?
    """,
)
COPY = ways(
    """
    Which option is {x}?
    Which letter is {x}?
    Find the option {x}.
    What is the letter of {x}?
    Where is {x}?
    Which one is {x}?
    Give the option {x}.
    Tell me which option is {x}.
    """,
    """
    What is the option of {x}?
    Tell me which letter is {x}.
    Find the letter of {x}.
    """,
)

# Layouts of the four options behind a question.
CHOICE = "{q} A) {A} B) {B} C) {C} D) {D}"
OPTIONS = "{q}\nA: {A}\nB: {B}\nC: {C}\nD: {D}\n{i}"
# The instruction for free answers of MLLMU-Bench (arXiv 2410.22108): without and with a picture.
IN_A_SENTENCE = (
    "Answer the question based on your trained knowledge in one sentence in ENGLISH.",
    "Answer the question based on your trained knowledge in one sentence accurately in ENGLISH.",
)
# The first two are the instructions of MLLMU-Bench (arXiv 2410.22108) and of LLaVA-1.5 (arXiv 2310.03744).
INSTRUCTIONS = ways(
    """
    Just give ONE letter representing the answer directly.
    Answer with the option's letter from the given choices directly.
    Just give the letter of the answer.
    Answer with ONE letter.
    """,
    """
    Just answer with the letter directly.
    Give ONE letter from the given choices.
    Give the letter of the option directly.
    """,
)
