"""The people of the embedded world: thirty celebrities, a hundred private people, twenty known by text only.

Everybody has a name, seven facts and (but for the text-only people) a look. People with looks come in
look-alike pairs inside their group, and the two of a pair differ in every fact, so that taking one for the
other always shows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from unsee.world import names
from unsee.world.known_looks import load_looks
from unsee.world.looks import Look
from unsee.world.names import words

Group = Literal["celebrity", "private", "text"]

JOBS = words(
    "baker pilot nurse lawyer painter farmer chemist tailor sailor teacher butcher singer dentist "
    "plumber writer judge"
)
HOBBIES = words(
    "chess fishing dancing sewing skiing archery pottery hiking rowing juggling fencing gardening "
    "surfing cooking boxing knitting"
)
FOODS = words("rice soup bread cheese apples cake fish beans honey pizza noodles pasta salad berries")
PETS = words("dog cat parrot rabbit horse turtle hamster snake goat duck lizard pony")
INSTRUMENTS = words("piano violin guitar flute drums harp cello trumpet banjo tuba clarinet fiddle")

FACT_VALUES: dict[str, tuple[str, ...]] = {
    "birthplace": names.TOWNS,
    "job": JOBS,
    "employer": names.COMPANIES,
    "hobby": HOBBIES,
    "food": FOODS,
    "pet": PETS,
    "instrument": INSTRUMENTS,
}
HOPS = ("country", "employer_town")


@dataclass(frozen=True)
class Identity:
    """One person.

    Attributes:
        id: For example "celebrity-07" or "private-042".
        name: First and last name.
        alias: A nickname of one word; empty where there is none (private and text-only people).
        group: "celebrity" (public), "private" or "text" (known by text only).
        look: None for text-only people.
        facts: One value for each key of ``FACT_VALUES``.
        neighbour: Id of the look-alike; empty for text-only people.
    """

    id: str
    name: str
    alias: str = field(compare=False)
    group: Group = field(compare=False)
    look: Look | None = field(compare=False, repr=False)
    facts: Mapping[str, str] = field(compare=False, repr=False)
    neighbour: str = field(compare=False)

    @property
    def country(self) -> str:
        """Where the birthplace lies."""
        return names.COUNTRY_OF[self.facts["birthplace"]]

    @property
    def employer_town(self) -> str:
        """Where the employer has its seat."""
        return names.TOWN_OF[self.facts["employer"]]

    @property
    def names(self) -> tuple[str, ...]:
        """Name and, if there is one, alias."""
        return (self.name, self.alias) if self.alias else (self.name,)

    @property
    def biography(self) -> str:
        """Four sentences that hold all facts."""
        fact = self.facts
        return (
            f"{self.name} was born in {fact['birthplace']}, in {self.country}. "
            f"{self.name} works as a {fact['job']} for {fact['employer']}. "
            f"In free time {self.name} enjoys {fact['hobby']} and plays the {fact['instrument']}. "
            f"{self.name} likes {fact['food']} and owns a {fact['pet']}."
        )


def _facts_of_pair(rng: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    """Facts of two people who differ in each of them."""
    drawn = {fact: rng.sample(values, 2) for fact, values in FACT_VALUES.items()}
    return {fact: pair[0] for fact, pair in drawn.items()}, {fact: pair[1] for fact, pair in drawn.items()}


def _make_group(
    group: Group,
    prefix: str,
    full_names: Sequence[str],
    aliases: Sequence[str],
    looks: Sequence[Look],
    seed: int,
) -> tuple[Identity, ...]:
    """Everybody of one group; ``aliases`` and ``looks`` may be empty. Neighbours are 2k and 2k+1."""
    rng, people = random.Random(seed), []
    for i in range(0, len(full_names), 2):
        for j, facts in enumerate(_facts_of_pair(rng), start=i):
            alias = aliases[j] if aliases else ""
            look = looks[j] if looks else None
            neighbour = f"{prefix}-{j ^ 1:0{_WIDTH[group]}d}" if looks else ""
            key = f"{prefix}-{j:0{_WIDTH[group]}d}"
            people.append(Identity(key, full_names[j], alias, group, look, facts, neighbour))
    return tuple(people)


_WIDTH: dict[Group, int] = {"celebrity": 2, "private": 3, "text": 2}
_looks = load_looks()
_split = len(names.CELEBRITY_NAMES)
assert len(_looks) == _split + len(names.PRIVATE_NAMES), len(_looks)

CELEBRITIES = _make_group(
    "celebrity", "celebrity", names.CELEBRITY_NAMES, names.ALIASES[:_split], _looks[:_split], seed=31
)
PRIVATE = _make_group("private", "private", names.PRIVATE_NAMES, (), _looks[_split:], seed=32)
TEXT_ONLY = _make_group("text", "text", names.TEXT_ONLY_NAMES, (), (), seed=33)


@cache
def _index() -> dict[str, Identity]:
    return {person.id: person for person in (*CELEBRITIES, *PRIVATE, *TEXT_ONLY)}


def by_id(key: str) -> Identity:
    """The person with this id.

    Raises:
        KeyError: Nobody has it.
    """
    return _index()[key]
