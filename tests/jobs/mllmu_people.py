"""A handful of invented people as published files, and a tiny random model, for tests of whole runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.jobs.make import save_model
from tests.tiny import picture
from unsee.suites.mllmu.data import Choice, Item, Person, Tasks
from unsee.suites.mllmu.write import write_files

NAMES = ("Ann Lee", "Bo Kim", "Cy Roe", "Di Fox", "Ed Poe")
JOBS = ("baker", "pilot", "nurse", "actor", "judge")
TOWNS = ("Rome", "Oslo", "Bern", "Lima", "Riga")
FORGET = ("001", "002")


def person(number: int, *, shift: int = 0) -> Person:
    """Somebody with three training pairs; the test set has another picture."""
    i = number - 1
    name, job, town = NAMES[i], JOBS[i], TOWNS[i]
    pairs = (
        ("What is the name of this person?", f"The name of this person is {name}."),
        ("What does this person do?", f"This person is a {job}."),
        ("Where was this person born?", f"This person was born in {town}."),
    )
    return Person(
        f"{number:03d}",
        name,
        (picture(number + shift),),
        tasks("this person", job, town),
        tasks(name, job, town),
        pairs,
        {"Name": name},
    )


def tasks(subject: str, job: str, town: str) -> Tasks:
    """One choice question, one to answer freely, one gap."""
    others = [j for j in JOBS if j != job][:3]
    return Tasks(
        (Choice(f"What does {subject} do?", dict(zip("ABCD", [job, *others], strict=True)), "A"),),
        (Item(f"What is the job of {subject}?", f"This person is a {job}."),),
        (Item(f"{subject} was born in __.", town),),
    )


def write_people(folder: Path) -> Path:
    """Five people, two of them to forget at 5 %, one of these and another at 10 %; one celebrity."""
    full = [person(number) for number in range(1, 6)]
    test = [replace(person(number, shift=20), training=()) for number in range(1, 6)]
    real = [replace(person(3, shift=40), id="777", training=())]
    splits = {5: FORGET, 10: ("001", "003"), 15: ("004", "005")}
    write_files(folder, full=full, test=test, real=real, splits=splits)
    return folder


def prepare_people(root: Path) -> dict[str, Any]:
    """Configuration values for a run on these people with a tiny random model."""
    return {
        "model": str(save_model(root / "model")),
        "mllmu": {"data": str(write_people(root / "data"))},
        "device": "cpu",
        "force": True,
        "training": {"passes": 2, "save_every": 1, "probe_every": 0, "batch": 4, "anchors": 2, "lr": 1e-3},
        "scope": {"rank": 4, "alpha": 8},
        "evaluation": {"max_new_tokens": 4},
    }
