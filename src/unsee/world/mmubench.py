"""MMUBench (Li et al., arXiv 2405.12523) of the embedded world: twenty invented concepts of seven kinds.

Pictures are drawn with seeds that no training drew with; every question is in words that the embedded models
understand, half of them never trained on. Made once per process, always the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from unsee.nouns import ConceptKind, Picture, Question
from unsee.suites.mmubench.checks import check
from unsee.suites.mmubench.data import (
    EM_QUESTIONS,
    GENERALITY,
    GROUP,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    NEIGHBOUR,
    NON_MEMBER,
    PICTURES,
    Benchmark,
    Entry,
    efficacy,
    paired,
)
from unsee.world import mmubench_asking as ask
from unsee.world import suite
from unsee.world.asking import picture_of, unknown_view, view_of
from unsee.world.curriculum import STAGES, Known, Stage
from unsee.world.gallery import View
from unsee.world.people import Identity, by_id
from unsee.world.suite import SEEDS, Split, as_concept, concepts_of, distance, find

CONCEPTS = 20  # as the paper has it
HOPS, QUERIES, NEIGHBOURS, GROUPS = 40, 24, 20, 20  # questions per concept
FEW = 4  # others of a kind: below this, unknown ones stand beside them


def embedded_benchmark(
    *,
    stage: str = "base",
    split: Split = "report",
    concepts: int | Sequence[str] = CONCEPTS,
    pictures: int = PICTURES,
    questions: int = EM_QUESTIONS,
) -> Benchmark:
    """The benchmark of the embedded world.

    Args:
        stage: The model that knows the concepts: "base" or "target".
        split: Concepts with even numbers are reported, those of "selection" serve to choose settings, with
            other pictures.
        concepts: How many, one of every kind first; or ids such as "brand-0", whatever their split.
        pictures: Of each concept, with the one that is trained on.
        questions: EM questions of each concept.

    Raises:
        UserError: The stage does not know a concept.
    """
    chosen = choose(stage, split, concepts) if isinstance(concepts, int) else tuple(concepts)
    entries = tuple(_entry(key, stage, split, pictures, questions) for key in chosen)
    return Benchmark("embedded", entries, check(entries))


def choose(stage: str, split: Split, count: int) -> tuple[str, ...]:
    """Ids of ``count`` concepts of a split: the kinds in turn until only people are left."""
    by_kind: dict[str, list[str]] = {}
    for key in concepts_of(stage, split):
        by_kind.setdefault(key.rpartition("-")[0], []).append(key)
    kinds = sorted(by_kind.values(), key=len, reverse=True)
    turns = max(map(len, kinds))
    return tuple(keys[turn] for turn in range(turns) for keys in kinds if turn < len(keys))[:count]


@cache
def _entry(key: str, stage_name: str, split: Split, pictures: int, questions: int) -> Entry:
    known, stage = find(key, stage_name)
    concept, seed, tests = replace(as_concept(known), facts=ask.facts_of(known)), SEEDS[split], pictures - 1
    views, test = zip(*(shown(key, seed, i) for i in range(tests)), strict=True) if tests else ((), ())
    view, train = suite.training_view(known), suite.training_picture(known)
    asked = ask.em_questions(known, questions)
    strangers = [unknown(concept.kind, seed, i) for i in range(min(QUERIES, questions))]
    members, others = ask.member_questions(known, stage, view, train, strangers, seed)
    hops = ask.hop_questions(known, stage, views, test, min(HOPS, questions), seed)
    groups = ask.group_questions(known, stage, min(GROUPS, questions), seed)
    return Entry(
        concept,
        (train,),
        test,
        efficacy(concept, asked, train),
        paired(concept, GENERALITY, asked, test),
        multihop=paired(concept, MULTIHOP, hops, ()),
        multilingual=paired(concept, MULTILINGUAL, ask.multilingual_questions(known), test),
        mia=(*paired(concept, MEMBER, members, ()), *paired(concept, NON_MEMBER, others, ())),
        others=_others(known, stage, tests, seed),
        neighbours=(*_neighbours(known, stage, questions, seed), *paired(concept, GROUP, groups, ())),
        substitute=random.Random(f"mmubench name for {key}").choice(suite.substitutes(known)),
        other_looks=suite.other_looks(known, random.Random(f"mmubench looks for {key}"), 1)[0],
    )


@cache
def shown(key: str, seed: int, i: int) -> tuple[View, Picture]:
    """The ``i``-th test picture of a concept; other concepts of its kind are asked about the same ones."""
    view = view_of(find(key, "target")[0], random.Random(f"mmubench picture {i} of {key}/{seed}"))
    return view, picture_of(view)


@cache
def unknown(kind: ConceptKind, seed: int, i: int) -> Picture:
    """The ``i``-th picture of somebody or something of a kind that no model knows."""
    alike = next(k for k in STAGES["base"].known if as_concept(k).kind == kind)
    return picture_of(unknown_view(alike, random.Random(f"mmubench unknown {kind} {i}/{seed}")))


def _others(known: Known, stage: Stage, count: int, seed: int) -> tuple[Picture, ...]:
    """Pictures of all others of the kind in turn; where these are few, every second one is unknown."""
    alike = [k.id for k in stage.known if k.id != known.id and distance(known, k) == 0]
    assert alike, known.id
    kind, few = as_concept(known).kind, len(alike) < FEW
    found = []
    for i in range(count):
        turn = i // 2 if few else i
        picture = shown(alike[turn % len(alike)], seed, turn // len(alike))[1]
        found.append(unknown(kind, seed, QUERIES + turn) if few and i % 2 else picture)
    return tuple(found)


def _neighbours(known: Known, stage: Stage, count: int, seed: int) -> tuple[Question, ...]:
    """The look-alike, where the stage knows it; only people have look-alikes."""
    if not isinstance(known, Identity) or known.neighbour not in stage.ids:
        return ()
    alike = [shown(known.neighbour, seed, i) for i in range(min(NEIGHBOURS, count))]
    asked = ask.neighbour_questions(by_id(known.neighbour), stage, alike, seed)
    return paired(as_concept(known), NEIGHBOUR, asked, ())
