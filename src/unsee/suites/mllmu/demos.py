"""What a protocol leaves to chance: whose questions are shown as examples, and which picture is asked about.

The releases call Python's ``random`` unseeded. Here one ``random.Random(seed)`` makes the same calls in the
same order, over all four sets even when only some are asked, so that a part of an evaluation shows what the
whole shows:

1. sets in the order forget, test, retain, real; tasks of a set in the order of ``Preset.tasks``: cloze,
   choice, generation (test: choice, cloze, generation; without cloze: choice, generation);
2. per choice or cloze task one ``sample`` of people from the ids of the pool, in the order of the data;
3. in the test set then one ``choice`` per row, in the order of the data, for every task.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unsee.nouns import Modality, Picture, UserError
from unsee.suites.mllmu.data import Choice, Item, Mllmu, Person, Tasks
from unsee.suites.mllmu.presets import SETS, Family, Preset, SetName, Task
from unsee.suites.mllmu.prompts import choice_example, cloze_example

Call = tuple[SetName, Task]


@dataclass(frozen=True)
class Draws:
    """What chance decided.

    Attributes:
        people: Ids of the people shown, by set and task, in the order drawn.
        pictures: Index of the picture asked about, by set, task and person; absent = the first.
    """

    people: Mapping[Call, tuple[str, ...]]
    pictures: Mapping[tuple[SetName, Task, str], int]


@dataclass(frozen=True)
class Examples:
    """The examples of one set and task.

    Attributes:
        text: By modality, what stands before every question.
        pictures: Of the examples with picture, in order.
        skipped: (person, modality, index) of questions that are left out.
        left_out: Ids of people who are left out whole.
    """

    text: Mapping[Modality, str]
    pictures: tuple[Picture, ...]
    skipped: frozenset[tuple[str, Modality, int]]
    left_out: frozenset[str] = frozenset()


NONE = Examples({"image_text": "", "text": ""}, (), frozenset())


def people_of(data: Mllmu, name: SetName) -> tuple[Person, ...]:
    """The people of a set."""
    return {"forget": data.forget, "test": data.test, "retain": data.retain, "real": data.real}[name]


def draw(
    data: Mllmu,
    preset: Preset,
    family: Family,
    *,
    seed: int = 0,
    people: Sequence[str] = (),
    picture: int | None = None,
) -> Draws:
    """Makes the draws of a protocol.

    Args:
        data: The benchmark.
        preset: The protocol.
        family: Branch of the released code.
        seed: Of ``random.Random``.
        people: Ids to show instead of drawn ones, in every task.
        picture: Index of the test picture to ask about instead of a drawn one; at most the last.

    Raises:
        UserError: Fewer people than are to be drawn, given ones whom nobody knows, or nothing to be given.
    """
    _check_given(data, preset, people, picture)
    rng = random.Random(seed)
    shown: dict[Call, tuple[str, ...]] = {}
    pictures: dict[tuple[SetName, Task, str], int] = {}
    for name in SETS:
        if not preset.one_stream:
            rng = random.Random(seed)
        for task in preset.tasks(name):
            if task != "generation" and preset.pool != "none":
                shown[name, task] = tuple(people) or _sample(
                    data, preset, name, preset.shots(task, family), rng
                )
            if name == "test" and preset.picture == "drawn":
                for person in data.test:
                    count = range(len(person.pictures))
                    index = rng.choice(count) if picture is None else min(picture, count[-1])
                    pictures[name, task, person.id] = index
    return Draws(shown, pictures)


def _check_given(data: Mllmu, preset: Preset, people: Sequence[str], picture: int | None) -> None:
    """Refuses what is given instead of a draw where nothing is drawn, and ids of nobody."""
    if people and preset.pool == "none":
        raise _not_drawn(f"The protocol {preset.name} shows no examples.", ", ".join(people))
    if picture is not None and preset.picture != "drawn":
        raise _not_drawn(f"The protocol {preset.name} draws no picture of test people.", picture)
    known = {person.id for person in data.full}
    if strangers := [key for key in people if key not in known]:
        raise UserError(
            "There are no such people to show as examples.",
            got=", ".join(strangers),
            expected="ids of the full set" + (f", such as {data.full[0].id}" if data.full else ""),
            remedy="correct --examples",
        )


def _not_drawn(what: str, got: object) -> UserError:
    return UserError(
        what, got=got, expected="a protocol that draws, such as release-2503", remedy="leave the option out"
    )


def _sample(data: Mllmu, preset: Preset, name: SetName, count: int, rng: random.Random) -> tuple[str, ...]:
    where: SetName = "retain" if preset.pool == "retain" else "forget" if name == "test" else name
    ids = list(dict.fromkeys(person.id for person in people_of(data, where)))
    if ids and len(ids) < count:
        raise UserError(
            "There are fewer people than the protocol shows as examples.",
            got=f"{len(ids)} in the {where} set",
            expected=f"at least {count} for {preset.name}",
            remedy="use the preset corrected or mmunlearner-0shot, which show none",
        )
    return tuple(rng.sample(ids, count)) if ids else ()


def examples(data: Mllmu, preset: Preset, name: SetName, task: Task, people: Sequence[str]) -> Examples:
    """The examples of one set and task, and the questions that are left out because of them.

    People whom ``data.full`` does not have are not shown (celebrities, unless an id is used twice).
    """
    if task == "generation" or not people:
        return NONE
    found = _in_order(data, preset, people)
    shown = name in (preset.choice_shown if task == "choice" else preset.cloze_shown)
    lists = {m: [(p, i, q) for p in found for i, q in _of(p, m, task, preset.first_only)] for m in _SIDES}
    texts = {m: "".join(_text(question, m) for _, _, question in lists[m]) if shown else "" for m in _SIDES}
    pictures = tuple(person.pictures[0] for person, _, _ in lists["image_text"]) if shown else ()
    if preset.pool == "retain":
        return Examples(texts, pictures, frozenset(), frozenset(people) if name == "retain" else frozenset())
    skipped = frozenset((person.id, m, i) for m in _SIDES for person, i, _ in lists[m])
    return Examples(texts, pictures, skipped)


_SIDES: tuple[Modality, ...] = ("image_text", "text")


def _in_order(data: Mllmu, preset: Preset, people: Sequence[str]) -> list[Person]:
    """The people shown: in the order drawn (``paper-arr``) or in that of the full set (the releases)."""
    if preset.pool == "retain":
        known = {person.id: person for person in data.full}
        return [known[i] for i in people if i in known]
    return [person for person in data.full if person.id in people]


def _of(person: Person, modality: Modality, task: Task, first_only: bool) -> list[tuple[int, Choice | Item]]:
    tasks: Tasks = person.image_text if modality == "image_text" else person.text
    found: Sequence[Choice | Item] = tasks.choices if task == "choice" else tasks.cloze
    return list(enumerate(found[:1] if first_only else found))


def _text(question: Choice | Item, modality: Modality) -> str:
    if isinstance(question, Choice):
        return choice_example(question, modality)
    return cloze_example(question, modality)
