"""What is scored without knowing the person: the most frequent answer, another person's answer, chance.

Answers of people have much in common, so a score is nothing without its floor. Both floors answer a question
with what was right for others who were asked the same in the same set (of everybody in that task where nobody
else was asked the same). The other floors need a model: see ``asks.under``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from unsee.nouns import Record, Score
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.presets import Preset
from unsee.suites.mllmu.scoring import Values, cell, item_values, pattern_of, scores_of, templates_of
from unsee.suites.records import record

Floor = Literal["majority", "random_other"]
_NOT_SAID = ("mllmu_degenerate", "mllmu_refusals", "mllmu_unread")
FLOORS: tuple[Floor, ...] = ("majority", "random_other")


def floor_values(preset: Preset, asks: Sequence[Ask], floor: Floor, *, seed: int = 0) -> Values:
    """Values of a model that answers with the answers of others."""
    rng = random.Random(seed)
    same = _truths(asks, pattern=True)
    task = _truths(asks, pattern=False)
    answered = [(a, _record(a, _pick(a, floor, same, task, rng))) for a in asks]
    values = item_values(preset, answered, templates=templates_of(asks))
    return {name: items for name, items in values.items() if not name.startswith(_NOT_SAID)}


_Group = Mapping[tuple[str, ...], Sequence[tuple[str, str]]]


def floor_scores(preset: Preset, asks: Sequence[Ask], *, seed: int = 0) -> dict[str, dict[str, Score]]:
    """Floors that need no model, by name and cell; ``chance`` is the guess among the options."""
    found: dict[str, dict[str, Score]] = {
        floor: scores_of(floor_values(preset, asks, floor, seed=seed), asks, seed=seed) for floor in FLOORS
    }
    chance: Values = {}
    for ask in asks:
        asked = {"mllmu_choice": preset.letters, "mllmu_choice_text": preset.parser == "likelihood"}
        for metric in (name for name, there in asked.items() if there and ask.task == "choice"):
            chance.setdefault(cell(metric, ask), {})[ask.id] = 1 / len(ask.options)
    exact = scores_of(chance, asks, seed=seed)
    return {**found, "chance": {name: replace(s, low=s.value, high=s.value) for name, s in exact.items()}}


def _truths(asks: Sequence[Ask], *, pattern: bool) -> _Group:
    """(person, answer) of the questions that are alike."""
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for ask in asks:
        groups.setdefault(_key(ask, pattern), []).append((ask.person, ask.truth))
    return groups


def _key(ask: Ask, pattern: bool) -> tuple[str, ...]:
    key = (ask.set, ask.task, ask.modality)
    # Letters are drawn anew for every question: what was right for others says something about letters only.
    return (*key, pattern_of(ask)) if pattern and ask.task != "choice" else key


def _pick(ask: Ask, floor: Floor, same: _Group, task: _Group, rng: random.Random) -> str:
    others = [truth for person, truth in same[_key(ask, True)] if person != ask.person]
    others = others or [truth for person, truth in task[_key(ask, False)] if person != ask.person]
    if not others:
        return ""
    return Counter(others).most_common(1)[0][0] if floor == "majority" else rng.choice(others)


def _record(ask: Ask, reply: str) -> Record:
    return record("floor", ask.plain, reply, {}, status="incorrect", modality=ask.modality)
