"""What may be wrong with the data without making them useless: said in plain sentences, never passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from unsee.suites.mllmu.data import LETTERS, Choice, Mllmu, Person, Tasks

USUAL = (5, 2, 2)  # choices, generation, cloze of one person and modality
SHOWN = 8  # ids named in a note
SETS = ("forget", "test", "retain", "real")


def notes_on(made: Mllmu, expected: Collection[str] | None = None) -> tuple[str, ...]:
    """Everything remarkable about a benchmark; empty where there is nothing.

    Args:
        made: The benchmark.
        expected: Ids that the forget set should have; None = unknown.
    """
    return (
        *_about_ids(made, expected),
        *(note for name in SETS for note in _about_rows(name, getattr(made, name))),
        *_about_leaks(made),
    )


def _about_ids(made: Mllmu, expected: Collection[str] | None) -> Iterator[str]:
    ids = {name: [p.id for p in getattr(made, name)] for name in (*SETS, "full")}
    for name, found in ids.items():
        if twice := [key for key, count in Counter(found).items() if count > 1]:
            yield f"{name}: {_named(twice)} more than once"
    if both := set(ids["forget"]) & set(ids["retain"]):
        yield f"{_named(both)} both to be forgotten and to be kept"
    if expected is not None and (missing := set(expected) - set(ids["forget"])):
        yield f"forget: {_named(missing)} of the split missing"
    if missing := set(ids["forget"]) - set(ids["test"]):
        yield f"test: {_named(missing)} of the forget set missing"
    if made.full and (strange := set(ids["forget"]) - set(ids["full"])):
        yield f"full: {_named(strange)} of the forget set missing"
    if both := set(ids["real"]) & {*ids["full"], *ids["forget"], *ids["retain"]}:
        yield (
            f"real: {_named(both)} also the id of a fictitious person; a few-shot example found by id would "
            "show the wrong one"
        )


def _about_rows(name: str, people: Sequence[Person]) -> Iterator[str]:
    short = [p.id for p in people if any(counts(tasks) != USUAL for tasks in (p.image_text, p.text))]
    if short:
        yield (
            f"{name}: {_named(short)} without exactly {USUAL[0]} + {USUAL[1]} + {USUAL[2]} questions in each "
            "modality"
        )
    if bare := [p.id for p in people if not p.pictures]:
        yield f"{name}: {_named(bare)} without a picture"
    if nameless := [p.id for p in people if not p.name]:
        yield f"{name}: {_named(nameless)} without a name"
    if few := [p.id for p in people if any(len(c.options) < len(LETTERS) for c in _choices(p))]:
        yield f"{name}: {_named(few)} with questions of fewer than {len(LETTERS)} options"


def counts(tasks: Tasks) -> tuple[int, int, int]:
    """Numbers of choice, generation and cloze questions."""
    return len(tasks.choices), len(tasks.generation), len(tasks.cloze)


def _choices(person: Person) -> tuple[Choice, ...]:
    return (*person.image_text.choices, *person.text.choices)


def _about_leaks(made: Mllmu) -> Iterator[str]:
    """Questions that stand in the training data of the same person, with their answer."""
    training = {p.id: p.training for p in (*made.full, *made.retain, *made.forget) if p.training}
    for name in ("forget", "test", "retain"):
        people = [p for p in getattr(made, name) if p.id in training]
        leaked = sum(leaks(p, training[p.id]) for p in people)
        if leaked:
            asked = sum(len(p.image_text) + len(p.text) for p in people)
            yield f"{name}: {leaked} of {asked} questions stand in the training data with their answer"


def leaks(person: Person, training: Sequence[tuple[str, str]]) -> int:
    """The number of a person's questions that are training questions whose answer holds the true one."""
    known: dict[str, list[str]] = {}
    for question, answer in training:
        known.setdefault(_plain(question), []).append(_plain(answer))
    return sum(
        any(_plain(truth) in answer for answer in known.get(_plain(question), ()))
        for question, truth in _answered(person)
    )


def _answered(person: Person) -> Iterator[tuple[str, str]]:
    for tasks in (person.image_text, person.text):
        yield from ((c.question, c.options[c.correct]) for c in tasks.choices)
        yield from ((item.question, item.truth) for item in (*tasks.generation, *tasks.cloze))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".?! ")


def _named(ids: Collection[str]) -> str:
    listed = sorted(ids)
    rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    noun = "id" if len(listed) == 1 else "ids"
    return f"{noun} {', '.join(listed[:SHOWN])}{rest}"
