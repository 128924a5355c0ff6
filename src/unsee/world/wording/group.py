"""English questions about pictures of several people."""

from __future__ import annotations

from unsee.world.wording.table import ways

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
