"""English questions about scenes of shapes."""

from __future__ import annotations

from unsee.world.wording.table import ways

COUNT = ways(
    """
    How many shapes are there?
    How many shapes are in the picture?
    How many shapes do you see?
    What is the number of shapes?
    Count the shapes.
    How many shapes are shown here?
    Tell me the number of shapes.
    How many shapes can be seen?
    """,
    """
    How many shapes are in this image?
    Tell me how many shapes are there.
    Count the shapes in the picture.
    """,
)
COUNT_OF = ways(
    """
    How many {x}s are there?
    How many {x}s are in the picture?
    How many {x}s do you see?
    What is the number of {x}s?
    Count the {x}s.
    How many {x}s are shown here?
    Tell me the number of {x}s.
    How many {x}s can be seen?
    """,
    """
    How many {x}s are in this image?
    Tell me how many {x}s are there.
    Count the {x}s in the picture.
    """,
)
COLOR_OF = ways(
    """
    What color is the {x}?
    Which color does the {x} have?
    What is the color of the {x}?
    Tell me the color of the {x}.
    Name the color of the {x}.
    What color does the {x} have?
    Give the color of the {x}.
    In which color do you see the {x}?
    """,
    """
    Which color is the {x}?
    Please tell me the color of the {x}.
    In what color do you see the {x}?
    """,
)
AT = ways(
    """
    What is at the {x}?
    What do you see at the {x}?
    Which shape is at the {x}?
    Tell me what is at the {x}.
    What is shown at the {x}?
    Name the shape at the {x}.
    Which thing is at the {x}?
    Look at the {x}: what is there?
    """,
    """
    What shape is at the {x}?
    Tell me which shape is at the {x}.
    Which thing do you see at the {x}?
    """,
)
POSITION = ways(
    """
    Where is the {x}?
    Where do you see the {x}?
    In which corner is the {x}?
    Tell me where the {x} is.
    Where can the {x} be seen?
    At which place is the {x}?
    What is the place of the {x}?
    Find the {x}.
    """,
    """
    Tell me the place of the {x}.
    In which corner do you see the {x}?
    Where in the picture is the {x}?
    """,
)
EXISTS = ways(
    """
    Is there a {x}?
    Do you see a {x}?
    Is a {x} in the picture?
    Can you see a {x}?
    Is there a {x} in the image?
    Does the picture show a {x}?
    Can you find a {x}?
    Is a {x} shown here?
    """,
    """
    Is there a {x} in this picture?
    Does the image show a {x}?
    Can you find a {x} here?
    """,
)
BACKGROUND = ways(
    """
    What color is the background?
    Which color does the background have?
    What is the background color?
    Tell me the background color.
    What is the color of the background?
    Name the color of the background.
    What color is behind the shapes?
    Give the background color.
    """,
    """
    Which color is the background?
    Please tell me the color of the background.
    Which color is behind the shapes?
    """,
)
DESCRIBE = ways(
    """
    Describe the picture in detail.
    Describe this picture.
    What does the picture show?
    What is in the picture?
    Give a full description of the picture.
    Describe what you see.
    List all shapes.
    Tell me what you see in the picture.
    """,
    """
    Describe the image in detail.
    Give a description of the picture.
    Tell me what is in the picture.
    """,
)
