"""The nouns of unsee: what a concept, a question, an example and a record are.

Ground floor of the house: this file imports nothing of ours. Everything here is frozen and typed.
The words are those of the field; see ``docs/words.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

ConceptKind = Literal["person", "character", "style", "object", "brand", "place", "animal"]
QuestionKind = Literal["name", "yes_no", "choice", "cloze", "open"]
Modality = Literal["image_text", "text"]
Status = Literal["correct", "incorrect", "refusal", "gibberish", "empty"]
Direction = Literal["higher", "lower"]

CONCEPT_KINDS: tuple[ConceptKind, ...] = (
    "person",
    "character",
    "style",
    "object",
    "brand",
    "place",
    "animal",
)


class UserError(ValueError):
    """The user's input is wrong. The command line prints it without a traceback and exits with 2.

    Args:
        what: What is wrong, in one short sentence.
        got: The offending value, shortened for display.
        expected: What would have been accepted.
        remedy: What to do about it.
    """

    def __init__(self, what: str, *, got: object, expected: str, remedy: str) -> None:
        self.what, self.got, self.expected, self.remedy = what, shorten(got), expected, remedy
        super().__init__(f"{what}\n  got:      {self.got}\n  expected: {expected}\n  remedy:   {remedy}")


def shorten(value: object, limit: int = 200) -> str:
    """One printable line of at most ``limit`` characters; control and direction marks are escaped."""
    text = str(value)[: limit + 1]
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def hash_text(*parts: str) -> str:
    """Sha256 (hex) of the parts, separated so that ("ab", "c") differs from ("a", "bc")."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Picture:
    """One still RGB picture, identified by its pixels.

    Made by ``models.pictures.open_picture`` (a file, checked) or ``models.pictures.from_image`` (memory).

    Attributes:
        hash: Sha256 (hex) of width, height and the decoded RGB bytes.
        read: Returns the RGB picture; called when the pixels are needed.
        path: The file it came from, if any.
    """

    hash: str
    read: Callable[[], Image] = field(repr=False, compare=False)
    path: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Concept:
    """What must go.

    Attributes:
        name: The name as the model would say it, e.g. "Jane Roe".
        kind: Person, character, style, object, brand, place or animal.
        aliases: Other names of the same concept.
        facts: True statements about the concept as (question, answer) pairs; kept by SIU (T3).
        looks: True looks, a phrase such as "long red hair, round glasses"; empty = asked from the model.
        id: A short stable identifier, used in file names and to cluster intervals.
    """

    name: str
    kind: ConceptKind = "person"
    aliases: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    looks: str = ""
    id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its aliases, without repetition."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))


@dataclass(frozen=True, slots=True)
class Question:
    """One question put to a model, with the rule that decides whether the reply is right.

    Attributes:
        id: Unique within its suite; a record is found again by (model, question id).
        prompt: The user turn, without image placeholders.
        kind: name, yes_no, choice, cloze or open.
        picture: None for text-only questions.
        keywords: The reply is correct when it holds one of these as whole words (case-folded).
            For ``yes_no`` the keyword is "yes" or "no". Empty: nothing to check (fluency, diversity).
        answer: The full reference answer, used by likelihood and overlap metrics. May be empty.
        options: Option texts of a choice question, in the order shown.
        refusal_is_correct: True when "I do not know" is the right reply (strangers).
        identity: Id of the person or entity asked about; intervals cluster by it.
        split: forget, test, retain, neighbour, stranger, attribute, scene, ...
        language: ISO 639-1 code of the prompt.
        wording: "trained" or "held_out" where the wording was or was not part of a training set.
    """

    id: str
    prompt: str
    kind: QuestionKind
    picture: Picture | None = None
    keywords: tuple[str, ...] = ()
    answer: str = ""
    options: tuple[str, ...] = ()
    refusal_is_correct: bool = False
    identity: str = ""
    split: str = ""
    language: str = "en"
    wording: str = "held_out"

    @property
    def modality(self) -> Modality:
        """``image_text`` with a picture, else ``text``."""
        return "text" if self.picture is None else "image_text"


@dataclass(frozen=True, slots=True)
class Example:
    """One training row.

    Attributes:
        id: Unique within the run.
        prompt: The user turn.
        answer: The assistant turn that is trained on (or climbed away from).
        role: T1, T2, T3, T4 (SIU), original, refusal, retain, anchor ...; loss terms choose rows by it.
        picture: None for text-only rows.
        masked: Character spans [start, end) of ``answer`` at which the token mask K_S is 0
            (SIU paper, section 4.2): their predicting positions take no part in the masked KL.
        names: Names whose tokens the vocabulary mask K_V removes on this row; empty = no mask.
    """

    id: str
    prompt: str
    answer: str
    role: str
    picture: Picture | None = None
    masked: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said: text, its token ids, mean token log-probability (nats), and whether it was cut."""

    text: str
    tokens: tuple[int, ...] = ()
    mean_logprob: float = 0.0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One (model, question) line of ``records.jsonl``.

    Attributes:
        model: target, unlearned, gold, blind, base ...
        question: The question's id.
        prompt, split, identity, modality, kind: Copied from the question.
        reply: The model's text.
        status: correct, incorrect, refusal, gibberish or empty.
        scores: Named figures of this line, e.g. {"mean_logprob": -0.1, "option": 2.0}.
    """

    model: str
    question: str
    prompt: str
    split: str
    identity: str
    modality: Modality
    kind: QuestionKind
    reply: str
    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """One number with its interval: value in [low, high] from n items; ``better`` is its direction."""

    value: float
    low: float
    high: float
    n: int
    better: Direction

    def as_json(self) -> dict[str, Any]:
        """The form written to ``results.json``."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "better": self.better}
