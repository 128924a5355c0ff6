"""What a reader of the figures must know about the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unsee.nouns import UserError
from unsee.suites.mmubench.data import EM_QUESTIONS, PICTURES, Check, Entry, balanced
from unsee.suites.mmubench.forms import holds_name


def check(entries: Sequence[Entry], made: Mapping[str, Sequence[str]] | None = None) -> tuple[Check, ...]:
    """Every warning about a benchmark.

    Args:
        entries: All concepts.
        made: Per concept id the sets of questions that our own templates had to stand in for.

    Raises:
        UserError: Two concepts have one id, or a concept has no picture to train on.
    """
    ids = [e.id for e in entries]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise UserError(
            "two concepts have the same id",
            got=", ".join(twice),
            expected="one folder for each concept",
            remedy="rename one of them, or give it another id in concept.yaml",
        )
    found = [c for e in entries for c in (*_pictures(e), *_questions(e, (made or {}).get(e.id, ())))]
    return (*found, *(c for e in entries for c in (*_others(e, entries), *retained(e, entries))))


def _pictures(entry: Entry) -> Iterator[Check]:
    name, count = entry.concept.name, len(entry.train) + len(entry.test)
    if not entry.train:
        raise UserError(
            f"{name}: there is no picture to train on",
            got=f"{len(entry.test)} test pictures",
            expected="at least one picture in the training folder",
            remedy="put one picture into train (traindon in the released layout)",
        )
    if not entry.test:
        text = f"{name} has no picture but those to train on: generality cannot be measured."
        yield Check(entry.id, "one_picture", text)
    elif count < PICTURES:
        yield Check(entry.id, "few_pictures", f"{name} has {count} pictures; the paper has {PICTURES}.")
    overlap = {p.hash for p in entry.train[:1]} & {p.hash for p in (*entry.test, *entry.others)}
    if overlap:
        raise UserError(
            f"{name}: the picture that is trained on is also a test picture or one of the others",
            got=entry.train[0].path or entry.train[0].hash[:12],
            expected="pictures that are not trained on",
            remedy="remove it from the test pictures",
        )


def _questions(entry: Entry, made: Sequence[str]) -> Iterator[Check]:
    name, asked = entry.concept.name, entry.questions or entry.efficacy
    for what in made:
        yield Check(entry.id, "made", f"{name}: no file of {what} questions; our own templates stand in.")
    if len(asked) < EM_QUESTIONS:
        text = f"{name} has {len(asked)} EM questions; the paper has {EM_QUESTIONS}."
        yield Check(entry.id, "few_questions", text)
    texts = [text for q in asked for text in (q.prompt, *q.keywords)]
    if not any(holds_name(text, entry.concept.names) for text in texts):
        text = f"{name} is in no EM question and no target: is this the folder of another concept?"
        yield Check(entry.id, "name_unused", text)


def _others(entry: Entry, entries: Sequence[Entry]) -> Iterator[Check]:
    if any(q.kind == "yes_no" for q in entry.questions) and not balanced(entry, entries):
        text = f"{entry.concept.name}: no pictures of others, so yes/no questions are not balanced."
        yield Check(entry.id, "no_others", text)


def retained(
    entry: Entry, entries: Sequence[Entry], subjects: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Check]:
    """Warnings where what is to be forgotten is what training rows of another concept are to keep.

    Args:
        entry: The concept to forget.
        entries: All concepts.
        subjects: Names that training rows keep, per concept id, beside those of the entries themselves.
    """
    mine = {name.casefold() for name in entry.concept.names}
    for other in entries:
        kept = (*other.retain_subjects, *(subjects or {}).get(other.id, ()))
        if mine & {name.casefold() for name in kept}:
            name, keeper = entry.concept.name, other.concept.name
            text = f"{name} is both a forget concept and a retain subject of {keeper}."
            yield Check(entry.id, "retained", text)


def kept_subjects(entry: Entry, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The retain subjects of an entry without anything that the benchmark is to forget."""
    forgotten = {name.casefold() for e in entries for name in e.concept.names}
    return tuple(name for name in entry.retain_subjects if name.casefold() not in forgotten)
