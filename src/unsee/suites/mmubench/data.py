"""What MMUBench consists of: per concept one picture to train on, others to test with, and questions.

The paper (Li et al., arXiv 2405.12523) asks about each concept in four ways: EM questions (by name or
yes/no), multi-hop questions about "the person in the picture", the same in other languages, and queries for
membership inference. ``released.load`` and ``ours.load`` read folders; ``unsee.world.mmubench`` makes all
of it from the embedded world.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unsee.nouns import Concept, Picture, Question

EM_QUESTIONS, PICTURES = 100, 50  # per concept, as the paper has it: 1 picture to train on, 49 to test with
EFFICACY, GENERALITY, BALANCED = "efficacy", "generality", "balanced"
MULTIHOP, MULTILINGUAL = "multihop", "multilingual"
MEMBER, NON_MEMBER = "member", "non_member"
NEIGHBOUR, GROUP = "neighbour", "group"
SPLITS: dict[str, str] = {
    EFFICACY: "EM questions about the picture that is trained on",
    GENERALITY: "EM questions about other pictures of the concept",
    BALANCED: "the yes/no questions about pictures of others, where no is right",
    MULTIHOP: "facts about whoever or whatever is in the picture",
    MULTILINGUAL: "EM questions in other languages",
    MEMBER: "membership inference: true facts about the concept",
    NON_MEMBER: "membership inference: facts about something invented, in the same words",
    NEIGHBOUR: "look-alikes of the concept, by name",
    GROUP: "the concept beside somebody else, by name",
}
"""What a question's ``split`` says."""

Problem = Literal[
    "one_picture", "few_pictures", "few_questions", "name_unused", "retained", "no_others", "made"
]


@dataclass(frozen=True, slots=True)
class Check:
    """Something about the data that a reader of the figures must know.

    Attributes:
        concept: Id of the concept.
        problem: one_picture: nothing to measure generality with. few_pictures, few_questions: fewer than
            the paper has.
            name_unused: the concept's name is in no question. retained: others are to keep what is to be
            forgotten here. no_others: no picture of others for balanced yes/no. made: a file is absent and
            our own templates stand in for it.
        text: One sentence for the reader.
    """

    concept: str
    problem: Problem
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One concept with its pictures and questions; every question has its picture.

    Attributes:
        concept: Name, aliases, kind, facts, true looks; ``concept.id`` is unique in the benchmark.
        train: Candidates for training; the first is the one that is trained on.
        test: Pictures of the concept that are never trained on; empty if there are none.
        efficacy: Each distinct EM question about ``train[0]``.
        questions: EM questions, kind "name" or "yes_no"; question i shows test picture i, cycled. Empty
            without test pictures. ``keywords`` are the targets, as the file spells them.
        multihop: Facts asked about test pictures. ``keywords`` are empty where the data do not tell the
            answer.
        multilingual: EM questions in other languages, by ``language``.
        mia: Queries about one picture with the true sentence as ``answer`` (empty where the data do not
            tell it); ``split`` says whether member or non_member.
        others: Pictures that do not show the concept, for the balanced yes/no questions.
        neighbours: Look-alikes and groups, where there are such pictures; ``split`` neighbour or group.
        substitute: The name to train in place of the true one; "" = to be chosen.
        other_looks: Made-up looks for the concept's name; "" = to be chosen.
        retain_subjects: Names that training rows about this concept are to keep (T4 rows of the paper).
    """

    concept: Concept
    train: tuple[Picture, ...]
    test: tuple[Picture, ...]
    efficacy: tuple[Question, ...]
    questions: tuple[Question, ...]
    multihop: tuple[Question, ...] = ()
    multilingual: tuple[Question, ...] = ()
    mia: tuple[Question, ...] = ()
    others: tuple[Picture, ...] = ()
    neighbours: tuple[Question, ...] = ()
    substitute: str = ""
    other_looks: str = ""
    retain_subjects: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Id of the concept."""
        return self.concept.id

    @property
    def picture(self) -> Picture:
        """The picture that is trained on."""
        return self.train[0]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """All concepts and what is to be known about the data.

    Attributes:
        name: Where it comes from: a folder, or "embedded".
        entries: The concepts, ids distinct.
        checks: Warnings, in the order of the entries.
    """

    name: str
    entries: tuple[Entry, ...]
    checks: tuple[Check, ...] = ()

    def entry(self, concept: str) -> Entry:
        """The entry with this concept id.

        Raises:
            KeyError: There is none.
        """
        found = next((e for e in self.entries if e.id == concept), None)
        if found is None:
            raise KeyError(concept)
        return found

    def checks_of(self, concept: str) -> tuple[Check, ...]:
        """The warnings about one concept."""
        return tuple(check for check in self.checks if check.concept == concept)


def slug(name: str) -> str:
    """A name as an id: "Aberystwyth Castle" -> "aberystwyth-castle"; letters of every script stay."""
    return "-".join(re.findall(r"\w+", name.casefold())) or "concept"


def paired(
    concept: Concept, split: str, asked: Sequence[Question], pictures: Sequence[Picture]
) -> tuple[Question, ...]:
    """The questions of one split: question i about picture i, cycled, unless it has a picture already.

    Ids, identity and split are set; without any picture there is nothing to ask.
    """
    return tuple(
        replace(
            question,
            id=f"{concept.id}-{split}-{i:03d}",
            picture=question.picture or pictures[i % len(pictures)],
            identity=question.identity or concept.id,
            split=split,
        )
        for i, question in enumerate(asked)
        if question.picture is not None or pictures
    )


def distinct(asked: Sequence[Question]) -> list[Question]:
    """The first question of each prompt, without its picture."""
    found: dict[str, Question] = {}
    for question in asked:
        found.setdefault(question.prompt, replace(question, picture=None))
    return list(found.values())


def efficacy(concept: Concept, asked: Sequence[Question], picture: Picture) -> tuple[Question, ...]:
    """Each distinct EM question about the picture that is trained on."""
    return paired(concept, EFFICACY, distinct(asked), [picture])


def balanced(entry: Entry, entries: Sequence[Entry] = ()) -> tuple[Question, ...]:
    """The yes/no questions of an entry about pictures of others: as many with the answer no as with yes.

    A model that always says no gets half of the union of these and the entry's own yes/no questions.

    Args:
        entry: Whose name is asked.
        entries: The benchmark; where the entry brings no pictures of others, test pictures of its other
            concepts of the same kind are shown, of all other kinds if there is none.

    Returns:
        Questions with the answer no; empty where there are no pictures of others.
    """
    asked = [replace(q, picture=None, keywords=("no",), answer="", identity="") for q in entry.questions]
    return paired(
        entry.concept,
        BALANCED,
        [replace(q, identity=f"not-{entry.id}") for q in asked if q.kind == "yes_no"],
        entry.others or pictures_of_others(entry, entries),
    )


def pictures_of_others(entry: Entry, entries: Sequence[Entry]) -> tuple[Picture, ...]:
    """Test pictures of the other concepts of the same kind in turn; of all other kinds if there is none."""
    others = [e for e in entries if e.id != entry.id and e.test]
    same = [e for e in others if e.concept.kind == entry.concept.kind] or others
    longest = max((len(e.test) for e in same), default=0)
    return tuple(e.test[i] for i in range(longest) for e in same if i < len(e.test))
