"""A small MLLMU-Bench made by hand: 25 people to forget, others to retain, celebrities."""

from __future__ import annotations

from dataclasses import replace

from tests.tiny import picture
from unsee.nouns import Picture
from unsee.suites.mllmu.data import Choice, Item, Mllmu, Person, Tasks

JOBS = ("actor", "baker", "cook", "dentist", "editor", "farmer")


def tasks(subject: str, number: int) -> Tasks:
    """5 choice, 2 generation, 2 cloze questions."""
    job = JOBS[number % len(JOBS)]
    options = {letter: JOBS[(number + i) % len(JOBS)] for i, letter in enumerate("ABCD")}
    return Tasks(
        choices=tuple(Choice(f"What is fact {i} of {subject}?", options, "A") for i in range(5)),
        generation=tuple(
            Item(f"What does {subject} do at {i}?", f"This person works as a {job}.") for i in range(2)
        ),
        cloze=tuple(Item(f"At {i} {subject} works as a __.", job) for i in range(2)),
    )


def person(number: int, pictures: tuple[Picture, ...] = ()) -> Person:
    """One person with an id of three digits."""
    name = f"Jane{number} Roe{number}"
    shown = pictures or (picture(number),)
    return Person(f"{number:03}", name, shown, tasks("this person", number), tasks(name, number))


def benchmark(forget: int = 25, retain: int = 30, real: int = 6, poses: int = 3) -> Mllmu:
    """The four sets; test people have ``poses`` pictures each; ids of celebrities are not in the full set."""
    fictitious = tuple(person(i) for i in range(1, forget + retain + 1))
    tests = tuple(
        replace(p, pictures=tuple(picture(1000 + 10 * i + j) for j in range(poses)))
        for i, p in enumerate(fictitious[:forget])
    )
    return Mllmu(
        forget=fictitious[:forget],
        test=tests,
        retain=fictitious[forget:],
        real=tuple(person(900 + i) for i in range(real)),
        full=fictitious,
        ratio=5,
        revision="by hand",
    )
