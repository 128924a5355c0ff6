"""What one model is asked in one run: the questions of each concept, and once what it must still be able to.

The second part, the *pool*, is the same for every concept of a benchmark, so that a model which no method
changes answers it once. Whatever in it is about a concept that is forgotten is left out when that concept is
scored (:meth:`Sheet.kept`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from unsee.nouns import Question, UserError
from unsee.suites.concept.wordings import english
from unsee.suites.mmubench.data import (
    BALANCED,
    EFFICACY,
    GENERALITY,
    GROUP,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    NEIGHBOUR,
    NON_MEMBER,
    Entry,
    balanced,
)
from unsee.suites.mmubench.forms import holds_name

OTHERS, OTHERS_YES_NO, OPEN = "others", "others_yes_no", "open"
UTILITY = (OTHERS, OTHERS_YES_NO, "attributes", "scenes", "strangers", OPEN)
"""Splits of the pool."""
OWN = (
    *(EFFICACY, GENERALITY, BALANCED, MULTIHOP, MULTILINGUAL),
    *(MEMBER, NON_MEMBER, NEIGHBOUR, GROUP),
)
"""Splits of a concept."""
EACH, SHOWN, NAMED_TIMES = 4, 2, 4  # of another concept: name questions, pictures described, yes and no


@dataclass(frozen=True)
class Sheet:
    """The questions about one concept.

    Attributes:
        entry: The concept.
        questions: All of its questions, ids unique in the benchmark.
    """

    entry: Entry
    questions: tuple[Question, ...]

    @property
    def id(self) -> str:
        """Id of the concept."""
        return self.entry.id

    def of(self, *splits: str) -> tuple[Question, ...]:
        """Its questions of these splits."""
        return tuple(q for q in self.questions if q.split in splits)


def make_sheet(
    entry: Entry, entries: Sequence[Entry] = (), splits: Collection[str] = (), limit: int = 0
) -> Sheet:
    """The questions of one concept.

    Args:
        entry: The concept.
        entries: The benchmark, for pictures of others where the entry brings none.
        splits: Sets that are asked; empty = all.
        limit: At most so many questions per set, half of them yes/no where there are such; 0 = all.

    Raises:
        UserError: There is no such set.
    """
    _check(splits)
    made = (
        *entry.efficacy,
        *entry.questions,
        *balanced(entry, entries),
        *entry.multihop,
        *entry.multilingual,
        *entry.mia,
        *entry.neighbours,
    )
    chosen = [q for q in made if not splits or q.split in splits]
    return Sheet(entry, tuple(at_most(chosen, limit)))


def _check(splits: Collection[str]) -> None:
    unknown = sorted(set(splits) - {*OWN, *UTILITY})
    if unknown:
        raise UserError(
            "There is no such set of MMUBench.",
            got=", ".join(unknown),
            expected=", ".join((*OWN, *UTILITY)),
            remedy="correct --split",
        )


def at_most(questions: Sequence[Question], limit: int) -> Iterator[Question]:
    """The first ``limit`` questions of each set and form, right answer and language; 0 = all."""
    seen: dict[tuple[object, ...], int] = {}
    for question in questions:
        answer = question.keywords if question.kind == "yes_no" else ()
        key = (question.split, question.kind, answer, question.language)
        seen[key] = seen.get(key, 0) + 1
        if not limit or seen[key] <= limit:
            yield question


def folder_pool(entries: Sequence[Entry]) -> tuple[Question, ...]:
    """The pool of a benchmark from a folder: every concept is one of the others for all others.

    Of each concept a few name questions, as many yes/no questions with either answer, and free descriptions.
    With one concept alone there are no others, and only texts on any subject remain.
    """
    turns = zip_longest(*(_of_other(entry, entries) for entry in entries))  # so that a limit spares everybody
    made = [question for turn in turns for question in turn if question is not None]
    free = english("person").free
    texts = [Question(f"utility-text-{i}", prompt, "open", split=OPEN) for i, prompt in enumerate(free)]
    return (*made, *(replace(q, identity=q.id) for q in texts))


def _of_other(entry: Entry, entries: Sequence[Entry]) -> Iterator[Question]:
    named = [q for q in entry.questions if q.kind == "name"][:EACH]
    sides = (entry.questions, balanced(entry, entries))
    asked = [[q for q in side if q.kind == "yes_no"] for side in sides]
    count = min(NAMED_TIMES, *map(len, asked))
    yes_no = [q for side in asked for q in side[:count]]
    for split, questions in ((OTHERS, named), (OTHERS_YES_NO, yes_no)):
        for question in questions:
            keywords = entry.concept.names if split == OTHERS else question.keywords
            made = replace(question, split=split, identity=entry.id, keywords=keywords)
            yield replace(made, id=f"utility-{question.id}")
    describe = english(entry.concept.kind).describe
    for i, (picture, prompt) in enumerate(zip(entry.test[:SHOWN], describe, strict=False)):
        yield Question(f"utility-{entry.id}-open-{i}", prompt, "open", picture, identity=entry.id, split=OPEN)


def kept(pool: Sequence[Question], forgotten: Sequence[Entry], alike: Collection[str] = ()) -> list[Question]:
    """The pool without what is about a concept that is forgotten.

    Args:
        pool: All of it.
        forgotten: The concepts that are forgotten.
        alike: Further identities to leave out, such as look-alikes, which have figures of their own.
    """
    ids = {*alike, *(entry.id for entry in forgotten)}
    names = [name for entry in forgotten for name in entry.concept.names]
    return [q for q in pool if q.identity not in ids and not holds_name(f"{q.prompt} {q.answer}", names)]
