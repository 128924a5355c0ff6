"""What MLLMU-Bench consists of (Liu et al., arXiv 2410.22108): people, their pictures and their questions.

The words are those of the paper's four sets: ``forget``, ``test`` (the forget people in altered pictures and
reworded questions), ``retain`` and ``real`` (celebrities; the data call them ``Retain_Set``, misleadingly).
Three tasks: multiple choice, generation and cloze, each with a picture ("image_text", of "this person") and
without ("text", by name). ``load`` reads them from published files; ``unsee.world.mllmu`` makes them from the
embedded world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unsee.nouns import Picture

LETTERS: tuple[str, ...] = ("A", "B", "C", "D")
BLANK = "__"  # stands for the missing words of a cloze question


@dataclass(frozen=True)
class Choice:
    """A multiple-choice question.

    Attributes:
        question: The question, without its options.
        options: Option texts by letter "A" to "D", in this order; an option missing in the data is absent.
        correct: The letter of the right option.
    """

    question: str
    options: Mapping[str, str]
    correct: str


@dataclass(frozen=True)
class Item:
    """A generation or cloze question; in a cloze question ``__`` is the blank that ``truth`` fills."""

    question: str
    truth: str


@dataclass(frozen=True)
class Tasks:
    """All questions of one person in one modality."""

    choices: tuple[Choice, ...] = ()
    generation: tuple[Item, ...] = ()
    cloze: tuple[Item, ...] = ()

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.choices) + len(self.generation) + len(self.cloze)


@dataclass(frozen=True)
class Person:
    """One row: a person with pictures and questions.

    Attributes:
        id: As published, e.g. "093".
        name: "" when the row does not tell.
        pictures: One; in the test set one or several altered ones. Decoded when ``Picture.read`` is called.
        image_text: Questions about "this person", asked with a picture.
        text: Questions that name the person, asked without a picture.
        training: (question, answer) pairs a model was fine-tuned on, always with the picture.
        biography: Free fields such as Name, Born, Employment; nested fields are joined by a dot.
        appearance: The row's question and answer about the looks; ("", "") when absent.
    """

    id: str
    name: str
    pictures: tuple[Picture, ...]
    image_text: Tasks
    text: Tasks
    training: tuple[tuple[str, str], ...] = ()
    biography: Mapping[str, str] = field(default_factory=dict)
    appearance: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Mllmu:
    """The benchmark at one forget ratio.

    Attributes:
        forget: The people to forget.
        test: The forget people again, in altered pictures and reworded questions; same ids.
        retain: All other fictitious people.
        real: Celebrities, whom no fine-tuning taught.
        full: All fictitious people: where few-shot examples come from.
        ratio: Percent of the fictitious people in ``forget``: 5, 10 or 15.
        revision: Which data these are: a commit of the hub, or a hash of local files.
        notes: What the integrity checks found, one sentence each; empty = nothing.
    """

    forget: tuple[Person, ...]
    test: tuple[Person, ...]
    retain: tuple[Person, ...]
    real: tuple[Person, ...]
    full: tuple[Person, ...]
    ratio: int
    revision: str
    notes: tuple[str, ...] = ()
