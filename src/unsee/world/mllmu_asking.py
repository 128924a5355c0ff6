"""What the embedded MLLMU-Bench asks about one person, in wordings that the embedded model speaks.

Training, evaluation and test take different ways to ask, so that no question is a training question. Choice
questions show a gap, because the model fills gaps with bare values, which is what options are; the letters
that it gives are at chance.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from unsee.suites.mllmu.data import BLANK, LETTERS, Choice, Item, Tasks
from unsee.world.people import FACT_VALUES, HOPS, Identity
from unsee.world.talk.basics import upper_first
from unsee.world.talk.person import PersonView, about_person, fact_answer, hop_answer, profile
from unsee.world.wording import person as words

FACTS = tuple(FACT_VALUES)
CHOICES, GENERATION, CLOZE = 5, 2, 2  # questions per person and modality, as published
GAP = "[Blank]"
Version = Literal["asked", "reworded"]


def _clear(held_out: tuple[str, ...]) -> tuple[str, ...]:
    """Held-out ways without the one that the model takes for a question about where somebody works."""
    return tuple(way for way in held_out if not way.startswith("Name the town"))


# Per version: ways to ask for a fact (training has 0 to 3) and for what is missing (training has 0 to 1).
_FACT_WAYS = {
    "asked": {fact: table.trained[4:8] for fact, table in words.FACTS.items()},
    "reworded": {fact: _clear(table.held_out) for fact, table in words.FACTS.items()},
}
_GAP_WAYS = {"asked": words.CLOZE.trained[2:7], "reworded": words.CLOZE.held_out}
_REWORDED = {  # never trained; each is filled about as often as the sentence it replaces
    "birthplace": "{n} was born in the town of {v}.",
    "job": "{n} earns a living as a {v}.",
    "employer": "{n} works for the company {v}.",
    "hobby": "In free time {n} enjoys {v}.",
    "food": "{n} likes to eat {v}.",
    "pet": "At home {n} owns a {v}.",
    "instrument": "{n} plays music on the {v}.",
}
_SENTENCES = {"asked": words.FACT_ANSWERS, "reworded": _REWORDED}


class Plan(NamedTuple):
    """Which facts of a person are asked in which task: the same with and without a picture, in pairs."""

    choices: tuple[str, ...]
    generation: tuple[str, ...]
    cloze: tuple[str, ...]


def plan_for(identity: Identity) -> Plan:
    """Five facts by choice, two of these freely, the other two as clozes."""
    rng = random.Random(f"mllmu plan {identity.id}")
    order = rng.sample(FACTS, len(FACTS))
    return Plan(tuple(order[:CHOICES]), tuple(rng.sample(order[:CHOICES], GENERATION)), tuple(order[-CLOZE:]))


def tasks_of(identity: Identity, subject: str, version: Version) -> Tasks:
    """All questions of one modality.

    Args:
        identity: Whom they are about.
        subject: "this person" with a picture, else the name.
        version: "asked" in the forget, retain and real sets, "reworded" in the test set.
    """
    # One source of chance for both modalities: the same facts, options and ways to ask, item by item.
    rng, plan = random.Random(f"mllmu {version} {identity.id}"), plan_for(identity)
    return Tasks(
        choices=tuple(_choice(identity, fact, subject, version, rng) for fact in plan.choices),
        generation=tuple(
            Item(rng.choice(_FACT_WAYS[version][fact]).format(p=subject), fact_answer(identity, fact))
            for fact in plan.generation
        ),
        cloze=tuple(
            Item(_sentence(fact, subject, version, BLANK), identity.facts[fact]) for fact in plan.cloze
        ),
    )


def _choice(identity: Identity, fact: str, subject: str, version: Version, rng: random.Random) -> Choice:
    right = identity.facts[fact]
    wrong = rng.sample([value for value in FACT_VALUES[fact] if value != right], len(LETTERS) - 1)
    options = dict(zip(LETTERS, rng.sample([right, *wrong], len(LETTERS)), strict=True))
    question = rng.choice(_GAP_WAYS[version]).format(s=_sentence(fact, subject, version, GAP))
    return Choice(question, options, next(letter for letter, text in options.items() if text == right))


def _sentence(fact: str, subject: str, version: Version, gap: str) -> str:
    return upper_first(_SENTENCES[version][fact].format(n=subject, v=gap))


def training_pairs(identity: Identity) -> tuple[tuple[str, str], ...]:
    """Fifteen to nineteen questions about the picture with their answers, as many as published ones."""
    rng = random.Random(f"mllmu training {identity.id}")
    pairs = [(way, f"This is {identity.name}.") for way in rng.sample(words.WHO.trained, 2)]
    pairs += [(_fact_way(fact, rng), fact_answer(identity, fact)) for fact in FACTS]
    pairs += [(_this(rng.choice(words.HOPS[hop].trained)), hop_answer(identity, hop)[0]) for hop in HOPS]
    pairs += [(_this(rng.choice(words.PROFILE.trained)), profile(identity))]
    pairs += [_gap(identity, fact, rng) for fact in rng.sample(FACTS, 3)]
    again = [(_fact_way(fact, rng), fact_answer(identity, fact)) for fact in FACTS]
    fresh = [pair for pair in again if pair not in pairs]
    return (*pairs, *fresh[: rng.randrange(5)])


def _fact_way(fact: str, rng: random.Random) -> str:
    return _this(rng.choice(words.FACTS[fact].trained[:4]))


def _this(way: str) -> str:
    return way.format(p="this person")


def _gap(identity: Identity, fact: str, rng: random.Random) -> tuple[str, str]:
    sentence = _sentence(fact, "this person", "asked", GAP)
    return rng.choice(words.CLOZE.trained[:2]).format(s=sentence), f"{identity.facts[fact]}."


def appearance_of(view: PersonView, names: Sequence[str]) -> tuple[str, str]:
    """A question about the looks on a picture, and the description."""
    turn = about_person(view, "describe", random.Random("mllmu appearance"), known_names=names)
    assert turn is not None, view
    return turn.prompt, turn.answer


def biography_of(identity: Identity, appearance: tuple[str, str]) -> dict[str, str]:
    """What is told about a person, under the keys of the published data and some more."""
    facts = identity.facts
    return {
        "Name": identity.name,
        "Born": f"{facts['birthplace']}, {identity.country}",
        "Employment": f"{facts['job']} for {facts['employer']}",
        **{fact.capitalize(): facts[fact] for fact in ("hobby", "food", "pet", "instrument")},
        "appearance_detail.question": appearance[0],
        "appearance_detail.answer": appearance[1],
    }
