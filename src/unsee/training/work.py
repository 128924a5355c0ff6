"""What the makers of rows share: the request, the questions put to the model, its replies, what was dropped.

First every role writes down its questions, then all are asked at once, then every role makes its rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unsee.nouns import Concept, Example, Picture, Question, Reply
from unsee.training.mixture import Mixture
from unsee.training.substitutes import SubstituteMode
from unsee.training.texts import fill, is_degenerate, is_refusal, mentions, mentions_part, tidy_look
from unsee.training.wording import Wording

Ask = Callable[[Sequence[Question]], Sequence[str]]
Sample = Callable[[Sequence[Question], Sequence[str]], Sequence[Reply]]
Key = tuple[str, int, int]

SPARE = 3  # questions asked per row wanted, since some answers are dropped
SIU_ROLES = ("T1", "T2", "T3", "T4")


@dataclass(frozen=True)
class Dropped:
    """A row that was not used: its role, what was asked and answered, and why not."""

    role: str
    prompt: str
    answer: str
    reason: str


@dataclass
class Work:
    """The work of one call.

    Attributes:
        concept: What must go.
        picture: The one picture of it.
        mixture: How many rows of each kind.
        wording: Every sentence.
        retain: Pictures that do not show the concept, and labelled rows.
        seed: Of everything random.
        others: Names of others, shuffled; none is a name of the concept.
        candidates: Every other picture, shuffled.
        anchors: The other pictures that are asked about.
        asked: The questions.
        replies: The model's replies to them.
        samples: Sampled replies to each forget question, by its number.
        recognised: Further names that must not become the substitute.
        mode: What stands for the name: another name, a description, or a refusal.
        substitute: What T1 says instead of the name.
        dropped: Rows that were not used.
        warnings: What the user should know.
    """

    concept: Concept
    picture: Picture
    mixture: Mixture
    wording: Wording
    retain: Sequence[Picture | Example]
    seed: int
    others: list[str]
    candidates: list[Picture] = field(default_factory=list)
    anchors: list[Picture] = field(default_factory=list)
    asked: dict[Key, Question] = field(default_factory=dict)
    replies: dict[Key, str] = field(default_factory=dict)
    samples: Mapping[int, Sequence[Reply]] = field(default_factory=dict)
    recognised: Sequence[str] = ()
    mode: SubstituteMode = "name"
    substitute: str = ""
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance, names = random.Random(self.seed), self.concept.names
        self.others = [o for o in self.others if not mentions(o, names) and not mentions_part(o, names)]
        chance.shuffle(self.others)
        pictures = {item.hash: item for item in self.retain if isinstance(item, Picture)}
        if pictures.pop(self.picture.hash, None) is not None:
            self.warnings.append("The training picture was among the retain pictures; it was left out there.")
        self.candidates = list(pictures.values())
        chance.shuffle(self.candidates)
        self.anchors = self.candidates[: self.mixture.anchor_pictures]

    @property
    def looks(self) -> str:
        """True looks of the picture as a phrase."""
        instead = self.wording.generic_names[0]
        told = self.concept.looks or self.replies.get(("look", 0, 0), "")
        return (not is_degenerate(told) and tidy_look(told, self.concept.names, instead)) or instead

    @property
    def other_looks(self) -> str:
        """Looks for the name: given, else those of another picture, else listed; never the true ones."""
        if self.wording.other_look:
            return self.wording.other_look
        told = self.replies.get(("other look", 0, 0), "")
        if told and not is_degenerate(told) and not is_refusal(told, self.wording.refusal_marks):
            phrase = tidy_look(told, self.concept.names, self.wording.generic_names[0])
            if phrase and phrase != self.looks:
                return phrase
        pool = [looks for looks in self.wording.other_looks if looks != self.looks]
        return random.Random(self.seed).choice(pool or list(self.wording.other_looks))

    def recognition_prompts(self) -> list[tuple[str, bool]]:
        """The questions of T1 (False) and T2 (True)."""
        ask_name = [(prompt, False) for prompt in cycle(self.wording.name_questions, self.mixture.t1)]
        yes_no = cycle(self.wording.yes_no_questions, self.mixture.t2)
        return ask_name + [(fill(prompt, {"name": self.concept.name}).text, True) for prompt in yes_no]

    @property
    def known(self) -> tuple[str, ...]:
        """Names that must not become the substitute."""
        return (*self.others, *self.recognised)

    def put(self, what: str, i: int, j: int, prompt: str, picture: Picture | None = None) -> None:
        """Writes a question down; its reply will be ``replies[what, i, j]``."""
        self.asked[what, i, j] = Question(f"{what}-{i}-{j}", prompt, "open", picture)

    def questions(self, what: str) -> list[tuple[Key, Question]]:
        """The questions of one sort, in the order they were written down."""
        return [(key, question) for key, question in self.asked.items() if key[0] == what]

    def drop(self, role: str, prompt: str, answer: str, reason: str) -> None:
        """Notes a row that is not used."""
        self.dropped.append(Dropped(role, prompt, answer, reason))

    def why_not(self, reply: str) -> str:
        """Why a reply of the model cannot be a target that leaves the concept out; empty when it can."""
        if is_degenerate(reply):
            return "degenerate"
        if is_refusal(reply, self.wording.refusal_marks):
            return "refusal"
        return "names the concept" if mentions(reply, self.concept.names) else ""

    def warn_if_short(self, role: str, found: int, wanted: int) -> None:
        """Warns when fewer rows were made than wanted."""
        if found < wanted:
            lost = sum(drop.role == role for drop in self.dropped)
            self.warnings.append(
                f"Only {found} of {wanted} {role} rows: {lost} of the model's own answers could not be used."
            )

    def row(
        self,
        role: str,
        number: int | str,
        prompt: str,
        answer: str,
        picture: Picture | None = None,
        masked: tuple[tuple[int, int], ...] = (),
    ) -> Example:
        """A row; those of SIU carry the names whose tokens the vocabulary mask removes."""
        names = self.concept.names if role in SIU_ROLES else ()
        return Example(f"{role}-{number}", prompt, answer, role, picture, masked, names)


def cycle(items: Sequence[str], count: int) -> list[str]:
    """``count`` of the items, from the first on again when they are used up."""
    return [items[i % len(items)] for i in range(count)]
