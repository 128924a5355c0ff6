"""Which questions the report shows: the first of each split, and all kinds of failure first.

A reply is judged by its split: naming the concept afterwards is a failure, and so is naming somebody else
wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unsee.reports.files import RunData
from unsee.reports.measures import MODELS, SPLITS
from unsee.reports.pictures import OTHER_SPLITS

PER_SPLIT = 6
WORST = 8
NAMED_SPLITS = frozenset({"naming", "efficacy"})
FORGET_SPLITS = NAMED_SPLITS | {"facts_by_picture", "forget"}
KEPT_SPLITS = (OTHER_SPLITS - {"choice_control", "retain"}) | {"facts_by_text"}
_NAMED = {"correct": "names it", "incorrect": "not named", "refusal": "declines"}
_PLAIN = {"correct": "right", "incorrect": "wrong", "refusal": "declines"}
_BROKEN = {"gibberish": "broken", "empty": "empty"}


@dataclass(frozen=True)
class Said:
    """One reply: by which model, its text, a short judgement and its colour (good, bad or plain)."""

    model: str
    reply: str
    label: str
    tone: str


@dataclass(frozen=True)
class Case:
    """One question and what the models replied; ``said`` holds before and after, ``floors`` the others."""

    prompt: str
    split: str
    picture: str
    said: tuple[Said, ...]
    floors: tuple[Said, ...]


@dataclass(frozen=True)
class Card:
    """Questions about one picture (empty hash: no picture)."""

    picture: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Section:
    """Cards of one split or of one kind of failure; ``total`` counts the questions there are."""

    title: str
    note: str
    cards: tuple[Card, ...]
    shown: int
    total: int
    bad: bool = False


Asked = Mapping[str, Mapping[str, Any]]


def sections(run: RunData) -> tuple[list[Section], list[Section]]:
    """(about the concept, about everything else), failures first in each."""
    asked = _by_question(run.records)
    splits = dict.fromkeys(_split(a) for a in asked)
    ordered = [s for s in SPLITS if s in splits] + sorted(splits.keys() - SPLITS.keys())
    concept: list[Section] = []
    rest: list[Section] = []
    for split in ordered:
        here = [a for a in asked if _split(a) == split]
        found = _section(SPLITS.get(split, split), "", here, PER_SPLIT)
        (rest if split in OTHER_SPLITS | {"open"} else concept).append(found)
    still = [a for a in asked if _split(a) in NAMED_SPLITS and _status(a, "unlearned") == "correct"]
    lost = [a for a in asked if _split(a) in KEPT_SPLITS and _lost(a)]
    broken = [a for a in asked if _status(a, "unlearned") in _BROKEN]
    worst_concept = _worst("Still named", "The concept is still named after removal.", still)
    worst_rest = _worst("Lost on the way", "Right before removal, not right any more.", lost)
    note, elsewhere = "Empty or garbled after removal.", OTHER_SPLITS | {"open"}
    worst_concept += _worst("Broken replies", note, [a for a in broken if _split(a) not in elsewhere])
    worst_rest += _worst("Broken replies", note, [a for a in broken if _split(a) in elsewhere])
    return worst_concept + concept, worst_rest + rest


def _by_question(records: Sequence[Mapping[str, Any]]) -> list[Asked]:
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for record in records:
        found.setdefault(str(record["question"]), {})[str(record["model"])] = record
    return list(found.values())


def _first(asked: Asked) -> Mapping[str, Any]:
    return next(iter(asked.values()))


def _split(asked: Asked) -> str:
    return str(_first(asked)["split"])


def _status(asked: Asked, model: str) -> str:
    return str(asked[model]["status"]) if model in asked else ""


def _lost(asked: Asked) -> bool:
    before = _status(asked, "target") or _status(asked, "base")
    return before == "correct" and _status(asked, "unlearned") not in ("correct", "")


def _picture(asked: Asked) -> str:
    return next((str(r["picture"]) for r in asked.values() if r.get("picture")), "")


def _worst(title: str, note: str, asked: list[Asked]) -> list[Section]:
    return [_section(title, note, asked, WORST, bad=True)] if asked else []


def _section(title: str, note: str, asked: list[Asked], limit: int, *, bad: bool = False) -> Section:
    shown = asked[:limit]
    return Section(title, note, tuple(_cards(shown)), len(shown), len(asked), bad)


def _cards(asked: Iterable[Asked]) -> list[Card]:
    """One card per picture; questions without a picture get one card each."""
    groups: dict[str, list[Case]] = {}
    for n, entry in enumerate(asked):
        case = _case(entry)
        groups.setdefault(case.picture or f"#{n}", []).append(case)
    return [Card(c[0].picture, tuple(c)) for c in groups.values()]


def _case(asked: Asked) -> Case:
    order = [m for m in MODELS if m in asked] + [m for m in asked if m not in MODELS]
    said = [_said(m, asked[m]) for m in order]
    main = {"target", "unlearned"} if "target" in asked else {"base", "unlearned"}
    first = _first(asked)
    return Case(
        prompt=str(first["prompt"]),
        split=str(first["split"]),
        picture=_picture(asked),
        said=tuple(s for s in said if s.model in main),
        floors=tuple(s for s in said if s.model not in main),
    )


def _said(model: str, record: Mapping[str, Any]) -> Said:
    status, split = str(record["status"]), str(record["split"])
    words = _BROKEN | (_NAMED if split in NAMED_SPLITS else _PLAIN)
    tone = _tone(split, status) if model == "unlearned" else "plain"
    return Said(model, str(record["reply"]), words.get(status, status), tone)


def _tone(split: str, status: str) -> str:
    if status in _BROKEN:
        return "bad"
    if split in FORGET_SPLITS:
        return "bad" if status == "correct" else "good"
    if split in KEPT_SPLITS:
        return "good" if status == "correct" else "bad"
    return "plain"
