"""The embedded MMUBench: what it consists of, that it is always the same, and that both layouts hold it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unsee.metrics.replies import status_of
from unsee.nouns import Question, UserError
from unsee.suites.mmubench import ours, released
from unsee.suites.mmubench.data import (
    GENERALITY,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    Benchmark,
    Entry,
    balanced,
    efficacy,
    paired,
)
from unsee.suites.mmubench.forms import form_of_target
from unsee.suites.mmubench.load import load_benchmark
from unsee.world import gallery, mmubench
from unsee.world.concepts import CONCEPTS
from unsee.world.curriculum import STAGES, Known
from unsee.world.mmubench import choose, embedded_benchmark
from unsee.world.mmubench_asking import em_questions, multilingual_questions
from unsee.world.people import CELEBRITIES
from unsee.world.suite import SEEDS, request, split_of

KINDS: list[Known] = [CELEBRITIES[0], *{c.kind: c for c in reversed(CONCEPTS)}.values()]
every_kind = pytest.mark.parametrize("known", KINDS, ids=lambda k: k.id)


@pytest.fixture(scope="module")
def small() -> Benchmark:
    return embedded_benchmark(concepts=("celebrity-00", "style-0"), pictures=4, questions=8)


@pytest.mark.parametrize("split", ["report", "selection"])
def test_twenty_concepts_of_seven_kinds(split: str) -> None:
    assert split in SEEDS
    keys = choose("base", split, 20)  # type: ignore[arg-type]
    assert len(set(keys)) == 20
    assert {split_of(key) for key in keys} == {split}
    kinds = Counter(key.rpartition("-")[0] for key in keys)
    assert set(kinds) == {"celebrity", "character", "brand", "object", "animal", "place", "style"}
    assert choose("base", split, 7)[:7] == keys[:7]  # type: ignore[arg-type]
    assert len({key.rpartition("-")[0] for key in keys[:7]}) == 7


@every_kind
def test_a_hundred_em_questions_in_both_sorts_of_words(known: Known) -> None:
    asked = em_questions(known, 100)
    assert Counter(q.kind for q in asked) == {"name": 50, "yes_no": 50}
    assert Counter((q.kind, q.wording) for q in asked) == {
        (kind, wording): n
        for kind in ("name", "yes_no")
        for wording, n in (("trained", 26 - (kind != "")), ("held_out", 25))
    }
    for question in asked:
        assert (known.name in question.prompt) == (question.kind == "yes_no")
        assert status_of(question, question.answer) == "correct"


@every_kind
def test_six_languages(known: Known) -> None:
    asked = multilingual_questions(known)
    assert set(Counter(q.language for q in asked)) == {"es", "fr", "zh", "de", "ja", "ru"}
    assert len({q.prompt for q in asked}) == len(asked)
    for question in asked:
        assert "{" not in question.prompt
        assert status_of(question, question.answer) == "correct"


def test_what_an_entry_holds(small: Benchmark) -> None:
    person, style = small.entries
    assert [e.id for e in small.entries] == ["celebrity-00", "style-0"]
    for entry in small.entries:
        assert (len(entry.train), len(entry.test), len(entry.others)) == (1, 3, 3)
        assert [q.picture for q in entry.questions[:4]] == [*entry.test, entry.test[0]]
        assert {q.picture for q in entry.efficacy} == {entry.picture}
        assert {q.picture for q in entry.multihop} <= set(entry.test)
        assert not any(entry.concept.name in q.prompt for q in (*entry.multihop, *entry.mia))
        assert Counter(q.split for q in entry.mia) == {"member": 8, "non_member": 8}
        assert len(balanced(entry)) == len([q for q in entry.questions if q.kind == "yes_no"])
        for question in (*entry.multihop, *entry.mia):
            assert status_of(question, question.answer) == "correct"
        shown = {p.hash for p in (*entry.train, *entry.test, *entry.others)}
        assert len(shown) == 7
    assert Counter(q.split for q in person.neighbours) == {"neighbour": 8, "group": 8}
    assert {q.identity for q in person.neighbours if q.split == "neighbour"} == {"celebrity-01"}
    assert Counter(q.identity == person.id for q in person.neighbours if q.split == "group") == {
        True: 4,
        False: 4,
    }
    assert style.neighbours == ()


def test_members_and_non_members_differ_in_the_fact_only(small: Benchmark) -> None:
    for entry in small.entries:
        members = [q for q in entry.mia if q.split == "member"]
        others = [q for q in entry.mia if q.split == "non_member"]
        assert [q.prompt for q in members] == [q.prompt for q in others]
        assert {q.picture for q in members} == {entry.picture}
        for member, other in zip(members, others, strict=True):
            assert entry.concept.name in member.answer
            assert entry.concept.name not in other.answer
            assert other.picture != member.picture


def test_it_is_always_the_same(small: Benchmark) -> None:
    for cached in (mmubench._entry, mmubench.shown, mmubench.unknown):
        cached.cache_clear()
    again = embedded_benchmark(concepts=("celebrity-00", "style-0"), pictures=4, questions=8)
    assert again == small
    assert again.entries[0] is not small.entries[0]


def test_pictures_are_those_of_no_training(small: Benchmark) -> None:
    drawn = [gallery.draw(gallery.POOLS["celebrity"](random.Random(f"celebrity/{i}"))) for i in range(40)]
    trained = {pixels.tobytes() for pixels in drawn}
    for picture in (*small.entries[0].test, *small.entries[0].others):
        assert np.asarray(picture.read()).tobytes() not in trained
    assert small.entries[0].picture == request("celebrity-00").picture  # that of `unsee forget`
    other = embedded_benchmark(concepts=("celebrity-00",), split="selection", pictures=4, questions=8)
    assert not set(other.entries[0].test) & set(small.entries[0].test)


def test_others_of_a_kind_with_few_members_are_mixed_with_unknown_ones() -> None:
    [entry] = embedded_benchmark(concepts=("place-0",), pictures=5, questions=4).entries
    other = [mmubench.shown("place-1", 0, i)[1] for i in range(2)]
    unknown = [mmubench.unknown("place", 0, mmubench.QUERIES + i) for i in range(2)]
    assert entry.others == (other[0], unknown[0], other[1], unknown[1])


def test_the_model_must_know_the_concept() -> None:
    with pytest.raises(UserError, match="does not know this concept"):
        embedded_benchmark(concepts=("private-000",))
    [entry] = embedded_benchmark(stage="target", concepts=("private-000",), pictures=2, questions=2).entries
    assert "private-000" in {k.id for k in STAGES["target"].known}
    assert entry.concept.kind == "person"


def written(small: Benchmark, folder: Path, layout: object) -> Benchmark:
    for entry in small.entries:
        layout.write(entry, folder / entry.id)  # type: ignore[attr-defined]
    return load_benchmark(folder)


def same(one: Entry, other: Entry) -> None:
    for field in Entry.__dataclass_fields__:
        assert getattr(one, field) == getattr(other, field), field


def test_our_layout_holds_everything(small: Benchmark, tmp_path: Path) -> None:
    read = written(small, tmp_path, ours)
    for one, other in zip(read.entries, small.entries, strict=True):
        same(one, other)


def published(entry: Entry) -> Entry:
    """What is left of an entry in the released layout: what is read after writing it."""
    concept = entry.concept
    asked = [
        Question(
            "", q.prompt, form_of_target(released.target(q, concept)), keywords=(released.target(q, concept),)
        )
        for q in entry.questions or entry.efficacy
    ]
    hops = [Question("", q.prompt, "open", q.picture) for q in entry.multihop]
    languages = [replace(q, picture=None, answer="", wording="held_out") for q in entry.multilingual]
    queries = [Question("", q.prompt, "open") for q in entry.mia if q.split == MEMBER]
    return replace(
        entry,
        efficacy=efficacy(concept, asked, entry.picture),
        questions=paired(concept, GENERALITY, asked, entry.test),
        multihop=paired(concept, MULTIHOP, hops, ()),
        multilingual=paired(concept, MULTILINGUAL, languages, entry.test),
        mia=paired(concept, MEMBER, queries, entry.train[:1]),
        others=(),
        neighbours=(),
    )


def test_the_released_layout_holds_what_was_published(small: Benchmark, tmp_path: Path) -> None:
    read = written(small, tmp_path, released)
    for one, other in zip(read.entries, small.entries, strict=True):
        same(one, published(other))
    person = read.entry("celebrity-00")
    assert person.questions[0].keywords == (person.concept.name.lower(),)
    assert [q.prompt for q in person.multihop] == [q.prompt for q in small.entries[0].multihop]
    assert {f.name for f in (tmp_path / "celebrity-00" / "evaldata").iterdir()} == {
        *("execcuatedata.json", "Multi-hop.json", "multilanguage.json", "miadata.json")
    }
    again = tmp_path / "again"
    for entry in read.entries:
        released.write(entry, again / entry.id)
    for one, other in zip(load_benchmark(again).entries, read.entries, strict=True):
        same(one, other)
