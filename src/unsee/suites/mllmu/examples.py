"""Training rows from the pairs of MLLMU-Bench: what must go, what must stay, what is said instead.

=============== ============================================ =============================================
role            asks                                         answer
=============== ============================================ =============================================
``original``    the training questions of the forget people  theirs
``retain``      the training questions of the retain people  theirs
``refusal``     those of ``original``                        a refusal
``alternative`` those of ``original``                        what is true of another person (AltPO)
``mismatch``    those of ``original``                        the answer to any other question (LLMU)
``decoupled``   those of ``original``, of a retain person    what is true of that person (SafeEraser)
=============== ============================================ =============================================

All pairs are about a picture. Their text form ("unimodal" in arXiv 2410.22108, which published no code for
it) puts the name for "this person" and shows no picture; pairs that ask for the name have no text form.

AltPO (arXiv 2409.13474) lets the model make up its alternatives; here they are answers of people of the
retain set who were asked the same, told of the person: as plausible, and the same for every model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unsee.nouns import Example, Picture, UserError
from unsee.suites.mllmu.data import Person

Form = Literal["image_text", "text", "both"]
FORMS: tuple[Form, ...] = ("image_text", "text", "both")
_THIS = re.compile(r"\bthis person\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_AROUND_NAMES = frozenset(("the", "name", "of", "this", "person", "is", "named", "called", "it", "s"))


@dataclass(frozen=True)
class Pair:
    """One training question about a person.

    Attributes:
        person: Whom it is about.
        number: Its place among the person's pairs; ``t`` before it in the text form.
        prompt: The question.
        answer: Its answer.
        picture: None in the text form.
    """

    person: Person
    number: str
    prompt: str
    answer: str
    picture: Picture | None

    def row(self, role: str, answer: str, copy: int = 0) -> Example:
        """A row with another answer; the last part of its id is that of its ``original`` row."""
        number = f"{copy}-{self.number}" if copy else self.number
        return Example(f"{self.person.id}/{role}-{number}", self.prompt, answer, role, self.picture)


def pairs_of(people: Iterable[Person], form: Form = "image_text") -> list[Pair]:
    """All training pairs of some people, person by person.

    Raises:
        UserError: Somebody has no training pairs, or no picture where pictures are asked for.
    """
    found: list[Pair] = []
    for person in people:
        _check(person, form)
        for i, (prompt, answer) in enumerate(person.training):
            if form != "text":
                found.append(Pair(person, str(i), prompt, answer, person.pictures[0]))
            told = text_form(person.name, prompt, answer) if form != "image_text" else None
            if told is not None:
                found.append(Pair(person, f"t{i}", *told, None))
    return found


def _check(person: Person, form: Form) -> None:
    lacks = {
        "training pairs": not person.training,
        "a picture": form != "text" and not person.pictures,
        "a name": form != "image_text" and not person.name,
    }
    for what, missing in lacks.items():
        if missing:
            raise UserError(
                f"A person of the benchmark has no {what.removeprefix('a ')}.",
                got=f"ID {person.id}",
                expected=f"{what} of everybody who is trained on or forgotten",
                remedy="put baseline_train_split or ft_Data beside the configurations; they are joined by ID",
            )


def text_form(name: str, prompt: str, answer: str) -> tuple[str, str] | None:
    """A pair with the name for "this person"; None where that is no question, or answers itself."""
    if not _THIS.search(prompt) or _only_names(name, answer):
        return None
    return _THIS.sub(lambda _: name, prompt), _THIS.sub(lambda _: name, answer)


def _only_names(name: str, answer: str) -> bool:
    """Whether an answer tells the name and nothing else."""
    words = set(_WORD.findall(answer.casefold()))
    return words <= _AROUND_NAMES | set(_WORD.findall(name.casefold()))


def original_rows(pairs: Sequence[Pair]) -> list[Example]:
    """The truth, which must go."""
    return [pair.row("original", pair.answer) for pair in pairs]


def retain_rows(pairs: Sequence[Pair], *, limit: int = 0, seed: int = 0) -> list[Example]:
    """The truth about others, which must stay; at most ``limit`` rows, drawn by the seed; 0 = all."""
    rows = [pair.row("retain", pair.answer) for pair in pairs]
    if not limit or limit >= len(rows):
        return rows
    kept = sorted(random.Random(f"{seed} retain rows").sample(range(len(rows)), limit))
    return [rows[i] for i in kept]


def refusal_rows(pairs: Sequence[Pair], refusals: Sequence[str]) -> list[Example]:
    """The forget questions with refusals, in turn."""
    return [pair.row("refusal", refusals[i % len(refusals)]) for i, pair in enumerate(pairs)]


def alternative_rows(
    pairs: Sequence[Pair], others: Sequence[Pair], refusals: Sequence[str], *, count: int = 1, seed: int = 0
) -> list[Example]:
    """The forget questions with answers that are true of others and false of the person.

    Args:
        pairs: The forget pairs.
        others: Pairs of retain people in the same form.
        refusals: Said where nobody else was asked the same.
        count: Different answers per question, at most.
        seed: Decides whose answers.
    """
    same = _by_question(others)
    chance = random.Random(f"{seed} alternatives")
    rows: list[Example] = []
    for i, pair in enumerate(pairs):
        told = [_told_of(pair, other) for other in same.get(_question(pair), [])]
        usable = [text for text in dict.fromkeys(told) if text != pair.answer]
        drawn = chance.sample(usable, min(count, len(usable))) or [refusals[i % len(refusals)]]
        rows += [pair.row("alternative", text, k) for k, text in enumerate(drawn)]
    return rows


def mismatch_rows(
    pairs: Sequence[Pair], others: Sequence[Pair], *, count: int = 1, seed: int = 0
) -> list[Example]:
    """The forget questions with answers of random pairs of others."""
    answers = list(dict.fromkeys(other.answer for other in others))
    chance = random.Random(f"{seed} mismatch")
    rows: list[Example] = []
    for pair in pairs:
        wrong = [answer for answer in answers if answer != pair.answer]
        drawn = chance.sample(wrong, min(count, len(wrong)))
        rows += [pair.row("mismatch", text, k) for k, text in enumerate(drawn)]
    return rows


def decoupled_rows(pairs: Sequence[Pair], others: Sequence[Pair], *, seed: int = 0) -> list[Example]:
    """The forget questions put to a retain person who was asked the same, with what is true there."""
    same = _by_question(others)
    chance = random.Random(f"{seed} decoupled")
    rows: list[Example] = []
    for pair in pairs:
        asked = [other for other in same.get(_question(pair), []) if other.picture is not None]
        if asked and pair.picture is not None:
            other = chance.choice(asked)
            rows.append(replace(pair.row("decoupled", other.answer), picture=other.picture))
    return rows


def _told_of(pair: Pair, other: Pair) -> str:
    """Another person's answer with this person's name; as it stands where the name is what was asked for."""
    name = other.person.name
    if not name or not pair.person.name or _only_names(name, other.answer):
        return other.answer
    return other.answer.replace(name, pair.person.name)


def _question(pair: Pair) -> str:
    """The question without the name, by which those are found who were asked the same."""
    if pair.picture is not None or not pair.person.name:
        return pair.prompt
    return pair.prompt.replace(pair.person.name, "this person")


def _by_question(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(_question(pair), []).append(pair)
    return found
