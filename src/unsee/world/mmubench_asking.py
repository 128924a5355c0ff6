"""The questions of the embedded MMUBench, in words that the embedded models understand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from unsee.nouns import Picture, Question
from unsee.suites.mmubench.data import GROUP, MEMBER, MULTIHOP, NEIGHBOUR, NON_MEMBER
from unsee.world import names
from unsee.world.asking import WORDINGS, Asker, view_of
from unsee.world.concepts import CONCEPT_FACT_VALUES
from unsee.world.curriculum import Known, Stage
from unsee.world.gallery import View
from unsee.world.people import FACT_VALUES, HOPS, Identity
from unsee.world.suite import as_concept, is_style, name_answer, others_of, yes_no_ways
from unsee.world.talk.figure import concept_fact_answer
from unsee.world.talk.group import SIDES, GroupView
from unsee.world.talk.person import PersonView, fact_answer
from unsee.world.wording import figure as figure_words
from unsee.world.wording import person as person_words
from unsee.world.wording.languages import OTHER_LANGUAGES, THIS
from unsee.world.wording.table import Wording, Wordings


def facts_of(known: Known) -> tuple[tuple[str, str], ...]:
    """Every fact as a question by name, in trained words, and the true sentence."""
    table = person_words.FACTS if isinstance(known, Identity) else figure_words.FACTS
    called = known.name if isinstance(known, Identity) else known.full_name
    return tuple((table[fact].trained[0].format(p=called), told(known, fact)) for fact in known.facts)


def told(known: Known, fact: str) -> str:
    """The true sentence about a fact."""
    return fact_answer(known, fact) if isinstance(known, Identity) else concept_fact_answer(known, fact)


def em_questions(known: Known, count: int) -> list[Question]:
    """``count`` EM questions without pictures: by name and yes/no, trained and held-out words, in turn."""
    kind = as_concept(known).kind
    named, asked = name_ways(known), em_yes_no_ways(known)
    found = []
    for i in range(count):
        wording, turn = WORDINGS[i // 2 % 2], i // 4
        ways = (named if i % 2 == 0 else asked).of(wording)
        prompt = ways[turn % len(ways)].format(x=known.name, k=kind)
        found.append(_em_question(known, prompt, by_name=i % 2 == 0, wording=wording))
    return found


def name_ways(known: Known) -> Wordings:
    """Ways to ask for the name, as the model was taught for the kind; ``{k}`` is the kind."""
    if isinstance(known, Identity):
        return person_words.WHO
    return figure_words.STYLE if is_style(known) else figure_words.NAME


def em_yes_no_ways(known: Known) -> Wordings:
    """Ways to ask whether it is ``{x}``; people are asked in those of single pictures and of groups."""
    return yes_no_ways(known) + person_words.IS_NAME if isinstance(known, Identity) else yes_no_ways(known)


def _em_question(
    known: Known, prompt: str, *, by_name: bool, wording: Wording, language: str = "en"
) -> Question:
    answer = name_answer(known, known.name)
    if by_name:
        keywords = known.names
        return Question("", prompt, "name", None, keywords, answer, language=language, wording=wording)
    answer = f"Yes, {answer.replace('This', 'this')}"
    return Question("", prompt, "yes_no", None, ("yes",), answer, language=language, wording=wording)


def multilingual_questions(known: Known) -> list[Question]:
    """Every way to ask in the six other languages, the languages in turn; styles are asked by name only."""
    tables = [_in_language(known, language) for language in OTHER_LANGUAGES]
    return [q for row in zip_longest(*tables) for q in row if q is not None]


def _in_language(known: Known, language: str) -> list[Question]:
    table, kind = OTHER_LANGUAGES[language], as_concept(known).kind
    named = table["who" if isinstance(known, Identity) else "name"]
    said = f" {known.name} " if language in ("zh", "ja") else known.name
    found = []
    for wording in WORDINGS:
        asked = () if is_style(known) else table["is_name"].of(wording)
        for way, by_name in zip_longest(named.of(wording), asked):
            for text, name in ((way, True), (by_name, False)):
                if text is not None:
                    prompt = text.format(p=THIS[language][kind], x=said, k=kind).strip()
                    question = _em_question(known, prompt, by_name=name, wording=wording, language=language)
                    found.append(question)
    return found


def hop_topics(known: Known) -> tuple[str, ...]:
    """Facts, and facts of facts, that can be asked about a picture."""
    hops = HOPS if isinstance(known, Identity) else ("home",) if "town" in known.facts else ()
    return (*(f"fact.{fact}" for fact in known.facts), *(f"hop.{hop}" for hop in hops))


def hop_questions(
    known: Known, stage: Stage, views: Sequence[View], shown: Sequence[Picture], count: int, seed: int
) -> list[Question]:
    """``count`` facts asked about the pictures ``shown`` of ``views``, without the name."""
    asker = Asker(f"mmubench-{MULTIHOP}-{known.id}", stage, split=MULTIHOP, seed=seed)
    topics, found = hop_topics(known), []
    for i in range(count if views else 0):
        place, wording = i % len(views), WORDINGS[(i + i // len(topics)) % 2]
        topic, picture = topics[i % len(topics)], shown[place]
        made = asker.shown(views[place], topic, wording=wording, identity=known.id, picture=picture)
        assert made is not None, (known.id, topic)
        found.append(made)
    return found


def member_questions(
    known: Known, stage: Stage, view: View, shown: Picture, strangers: Sequence[Picture], seed: int
) -> tuple[list[Question], list[Question]]:
    """Queries for membership inference: facts of the concept, and the same questions about invented ones.

    Both are in trained words. An invented one has the looks of one of ``strangers``, a name that no training
    used, and facts drawn from the same values; there are as many queries of either sort as strangers.
    """
    asker = Asker(f"mmubench-{MEMBER}-{known.id}", stage, split=MEMBER, seed=seed)
    facts, members, others = tuple(known.facts), [], []
    for i, stranger in enumerate(strangers):
        fact = facts[i % len(facts)]
        made = asker.shown(view, f"fact.{fact}", wording="trained", identity=known.id, picture=shown)
        assert made is not None, (known.id, fact)
        made = replace(made, answer=told(known, fact))
        members.append(made)
        invented = _invented(known, asker.rng)
        others.append(
            replace(
                made,
                picture=stranger,
                answer=told(invented, fact),
                keywords=(invented.facts[fact],),
                identity=f"invented-{i:03d}",
                split=NON_MEMBER,
            )
        )
    return members, others


def _invented(known: Known, rng: random.Random) -> Known:
    """Somebody or something of the same kind whom no model knows, with facts."""
    if isinstance(known, Identity):
        facts = {fact: rng.choice(FACT_VALUES[fact]) for fact in known.facts}
        return replace(known, name=rng.choice(names.UNSEEN_NAMES), facts=facts)
    facts = {fact: rng.choice(CONCEPT_FACT_VALUES[fact]) for fact in known.facts}
    return replace(known, name=rng.choice(names.UNSEEN_WORDS), facts=facts)


def neighbour_questions(
    alike: Known, stage: Stage, shown: Sequence[tuple[View, Picture]], seed: int
) -> list[Question]:
    """The name of a look-alike, asked once about each of its pictures."""
    asker = Asker(f"mmubench-{NEIGHBOUR}-{alike.id}", stage, split=NEIGHBOUR, seed=seed)
    made = [
        asker.shown(view, "name", wording=WORDINGS[i % 2], identity=alike.id, picture=picture)
        for i, (view, picture) in enumerate(shown)
    ]
    return [q for q in made if q is not None]


def group_questions(known: Known, stage: Stage, count: int, seed: int) -> list[Question]:
    """The concept beside somebody else whom the stage knows; both are asked for, one after the other."""
    if not isinstance(known, Identity):
        return []
    asker = Asker(f"mmubench-{GROUP}-{known.id}", stage, split=GROUP, seed=seed)
    others = [k for k in others_of(known, stage) if isinstance(k, Identity)]
    found = []
    for i in range(count):
        other = others[i // 2 % len(others)]
        pair = [view_of(known, asker.rng), view_of(other, asker.rng)]
        mine = i // 2 % 2
        left, right = pair if mine == 0 else pair[::-1]
        assert isinstance(left, PersonView), left
        assert isinstance(right, PersonView), right
        whom, side = (known, SIDES[mine]) if i % 2 else (other, SIDES[1 - mine])
        made = asker.shown(
            GroupView(left, right), f"who.{side}", wording=WORDINGS[i // 4 % 2], identity=whom.id
        )
        found.append(made)
    return [q for q in found if q is not None]
