"""Both layouts are read as they are written down, and everything wrong in them is named."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.jobs.make import save_pictures
from tests.suites.mmubench.folders import EM, ours, released
from unsee.nouns import Concept, UserError
from unsee.suites.mmubench.checks import kept_subjects, retained
from unsee.suites.mmubench.data import Benchmark, balanced
from unsee.suites.mmubench.load import load_benchmark


def problems(benchmark: Benchmark) -> set[tuple[str, str]]:
    return {(check.concept, check.problem) for check in benchmark.checks}


def test_the_released_layout(tmp_path: Path) -> None:
    [entry] = load_benchmark(released(tmp_path / "trump")).entries
    concept = entry.concept
    assert (concept.name, concept.aliases, concept.kind) == ("Jane Roe", ("Black King",), "person")
    assert (concept.id, concept.looks) == ("jane-roe", "long red hair")
    assert concept.facts == (
        ("What does Jane Roe do?", "Jane Roe is a pilot."),
        ("Where was Jane Roe born?", "Oslo"),
    )
    assert (entry.substitute, entry.other_looks, entry.retain_subjects) == (
        "Ann Bell",
        "a grey beard",
        ("John Doe",),
    )
    assert [Path(p.path or "").name for p in (*entry.train, *entry.test)] == [f"00{i}.png" for i in range(5)]
    assert [(q.prompt, q.kind, q.keywords) for q in entry.questions] == [
        ("Who is this?", "name", ("roe",)),
        ("Is this Jane Roe?", "yes_no", ("yes",)),
        ("Name her.", "yes_no", (" yes roe",)),
        ("Who is this?", "name", (" roe",)),
    ]
    assert [q.picture for q in entry.questions] == [*entry.test, entry.test[0]]  # cycled
    assert [q.prompt for q in entry.efficacy] == [row["prompt"] for row in EM[:3]]
    assert {q.picture for q in entry.efficacy} == {entry.train[0]}
    assert [(q.picture, q.keywords) for q in entry.multihop] == [(entry.test[1], ())]
    assert [(q.language, q.kind, q.keywords) for q in entry.multilingual] == [
        ("es", "name", ("Jane Roe", "Black King")),
        ("ja", "yes_no", ("yes",)),
    ]
    assert [(q.split, q.picture) for q in entry.mia] == [("member", entry.train[0])]
    ids = [
        q.id for q in (*entry.efficacy, *entry.questions, *entry.multihop, *entry.multilingual, *entry.mia)
    ]
    assert len(set(ids)) == len(ids)


def test_our_layout(tmp_path: Path) -> None:
    folder = ours(
        tmp_path / "jane",
        questions='{"prompt": "Who is it?", "keywords": ["Jane Roe"], "form": "name"}\n\n'
        '{"prompt": "Is it Jane Roe?", "keywords": "yes", "form": "yesno", "mentions_name": true}\n',
        multihop='{"prompt": "What does she do?", "keywords": ["pilot"], "picture": "test/002.png"}\n',
        mia='{"prompt": "Born where?", "answer": "Oslo"}\n'
        '{"prompt": "Born where?", "answer": "Rome", "member": false, "picture": "others/005.png"}\n',
        multilingual='{"prompt": "Wer ist das?", "keywords": ["Roe"], "form": "name", "language": "de"}\n',
        neighbours='{"prompt": "Who is on the left?", "keywords": ["Ann"], "picture": "test/001.png",'
        ' "split": "group", "identity": "ann"}\n',
    )
    [entry] = load_benchmark(folder).entries
    assert [(q.prompt, q.kind, q.keywords, q.picture) for q in entry.questions] == [
        ("Who is it?", "name", ("Jane Roe",), entry.test[0]),
        ("Is it Jane Roe?", "yes_no", ("yes",), entry.test[1]),
    ]
    assert [(q.keywords, q.picture) for q in entry.multihop] == [(("pilot",), entry.test[1])]
    assert [(q.split, q.answer, q.picture) for q in entry.mia] == [
        ("member", "Oslo", entry.train[0]),
        ("non_member", "Rome", entry.others[0]),
    ]
    assert [(q.language, q.kind) for q in entry.multilingual] == [("de", "name")]
    assert [(q.split, q.identity) for q in entry.neighbours] == [("group", "ann")]
    [no] = balanced(entry)
    assert (no.prompt, no.keywords, no.picture) == ("Is it Jane Roe?", ("no",), entry.others[0])


def test_what_is_absent_is_made_from_templates_and_said(tmp_path: Path) -> None:
    made = load_benchmark(ours(tmp_path / "jane"))
    [entry] = made.entries
    assert [len(entry.questions), len(entry.multilingual)] == [100, 306]
    assert [check.problem for check in made.checks].count("made") == 4
    assert {q.prompt for q in entry.multihop} >= {
        "What does the person in the picture do?",
        "Where was the person in the picture born?",
    }
    assert not any("Roe" in q.prompt for q in (*entry.multihop, *entry.mia))
    assert {q.keywords for q in entry.multihop} == {(), ("Oslo",)}


def test_questions_can_be_absent_from_the_released_layout(tmp_path: Path) -> None:
    made = load_benchmark(
        released(tmp_path / "a", **{"execcuatedata": None, "Multi-hop": None, "miadata": None})
    )
    assert len(made.entries[0].questions) == 100
    assert sum(check.problem == "made" for check in made.checks) == 3


def test_many_concepts_in_one_folder(tmp_path: Path) -> None:
    released(tmp_path / "all" / "jane")
    ours(tmp_path / "all" / "taylor_swift")
    (tmp_path / "all" / "taylor_swift" / "concept.yaml").unlink()
    ours(tmp_path / "all" / "van gogh")
    (tmp_path / "all" / "van gogh" / "concept.yaml").unlink()
    (tmp_path / "all" / "notes").mkdir()
    found = load_benchmark(tmp_path / "all")
    assert [(e.id, e.concept.name, e.concept.kind) for e in found.entries] == [
        ("jane-roe", "Jane Roe", "person"),
        ("taylor-swift", "Taylor Swift", "person"),
        ("van-gogh", "van Gogh", "style"),
    ]
    assert found.entry("van-gogh").concept.name == "van Gogh"
    with pytest.raises(KeyError):
        found.entry("nobody")


def test_the_user_names_a_folder_without_sidecar(tmp_path: Path) -> None:
    folder = released(tmp_path / "x")
    (folder / "concept.yaml").unlink()
    [entry] = load_benchmark(folder, Concept("Jane Roe", aliases=("JR",))).entries
    assert (entry.id, entry.concept.names) == ("jane-roe", ("Jane Roe", "JR"))


def test_the_user_adds_to_the_sidecar(tmp_path: Path) -> None:
    [entry] = load_benchmark(released(tmp_path / "x"), Concept("J. Roe", facts=(("Q?", "A."),))).entries
    assert entry.concept.names == ("Jane Roe", "Black King", "J. Roe")
    assert entry.concept.facts[-1] == ("Q?", "A.")


# --- warnings --------------------------------------------------------------------------------------------


def test_a_concept_with_one_picture_only(tmp_path: Path) -> None:
    folder = ours(tmp_path / "jane")
    shutil.rmtree(folder / "test")
    made = load_benchmark(folder)
    assert ("jane-roe", "one_picture") in problems(made)
    [entry] = made.entries
    assert entry.questions == entry.multihop == ()  # nothing is asked that would look like generality
    assert len(entry.efficacy) == 100


def test_a_name_that_is_in_no_question(tmp_path: Path) -> None:
    folder = released(tmp_path / "x", execcuatedata=[{"prompt": "Who is this?", "target": "trump"}])
    assert ("jane-roe", "name_unused") in problems(load_benchmark(folder))
    assert ("jane-roe", "name_unused") not in problems(load_benchmark(released(tmp_path / "y")))


def test_short_files_and_no_others_are_said(tmp_path: Path) -> None:
    found = problems(load_benchmark(released(tmp_path / "x")))
    assert found == {("jane-roe", p) for p in ("few_pictures", "few_questions", "no_others")}


def test_a_forget_concept_that_another_is_to_retain(tmp_path: Path) -> None:
    released(tmp_path / "all" / "jane")
    other = released(tmp_path / "all" / "john")
    (other / "concept.yaml").write_text("names: [John Doe]\n", encoding="utf-8")
    made = load_benchmark(tmp_path / "all")
    [check] = [c for c in made.checks if c.problem == "retained"]
    assert check.concept == "john-doe"
    assert check.text == "John Doe is both a forget concept and a retain subject of Jane Roe."
    assert made.checks_of("john-doe")[-1] == check


def test_others_come_from_the_same_kind_first(tmp_path: Path) -> None:
    [jane] = load_benchmark(released(tmp_path / "x")).entries
    john = replace(jane, concept=replace(jane.concept, id="john"), test=jane.train)
    mario = replace(john, concept=replace(john.concept, id="mario", kind="character"), test=jane.test[:1])
    assert {q.picture for q in balanced(jane, [jane, john, mario])} == set(john.test)
    assert {q.picture for q in balanced(jane, [jane, mario])} == set(mario.test)
    assert balanced(jane, [jane]) == ()
    yes = [q for q in jane.questions if q.kind == "yes_no"]
    no = balanced(jane, [jane, john])
    assert [q.prompt for q in no] == [q.prompt for q in yes]
    assert {q.keywords for q in no} == {("no",)}


# --- errors ----------------------------------------------------------------------------------------------


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(UserError) as caught:
        load_benchmark(folder)
    for part in parts:
        assert part in str(caught.value), (part, str(caught.value))


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('[{"prompt": "a", "target": "b"},\n {"prompt": "c" "target": "d"}]', ":2:", "delimiter"),
        ('[\n{"prompt": "a", "target": "b"}\n{"prompt": "c", "target": "d"}]', ":3:", "a comma or ]"),
        ('[{"prompt": "a", "target": "b"},\n', ":2:", "array"),
        ('{"prompt": "a"}', ":1:", "array"),
        ("", ":1:", "an empty file"),
        ('[{"prompt": "a", "target": "b"}]\n]', ":2:", "behind the array"),
        ('[{"prompt": "a", "target": "b"},\n\n{"prompt": "a"}]', ":3:", "target missing"),
        ('[{"prompt": "a", "target": "b"},\n7]', ":2:", "an object with the keys prompt, target"),
        ('[{"prompt": " ", "target": "b"}]', ":1:", "a question"),
        ('[{"prompt": "a", "target": 3}]', ":1:", "a text or a list of texts"),
    ],
)
def test_malformed_json_is_named_with_its_line(tmp_path: Path, text: str, where: str, why: str) -> None:
    folder = released(tmp_path / "x", execcuatedata=text)
    refused(folder, f"execcuatedata.json{where}", why)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('{"prompt": "a", "keywords": ["b"]}\n{"prompt": \n', ":2:", "one JSON object a line"),
        ('{"prompt": "a", "form": "maybe"}', ":1:", "name or yesno"),
        ('{"keywords": ["b"]}', ":1:", "prompt missing"),
        ('\n{"prompt": "a", "picture": "test/009.png"}', ":2:", "one of 4 pictures"),
        ('{"prompt": "a", "language": 1}', ":1:", "a text"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, text: str, where: str, why: str) -> None:
    refused(ours(tmp_path / "x", questions=text), f"questions.jsonl{where}", why)


def test_members_and_splits_are_checked(tmp_path: Path) -> None:
    refused(ours(tmp_path / "x", mia='{"prompt": "a", "member": "no"}'), "mia.jsonl:1:", "true or false")
    folder = ours(tmp_path / "y", neighbours='{"prompt": "a", "split": "x", "picture": "test/001.png"}')
    refused(folder, "neighbours.jsonl:1:", "neighbour or group")


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("names: [Jane\nkind: person\n", "concept.yaml:", "YAML"),
        ("- Jane\n", "concept.yaml:1:", "keys such as names"),
        ("kind: person\n", "concept.yaml:1:", "no name"),
        ("names: [Jane]\nknd: person\n", "concept.yaml:2:", "kind"),
        ("names: [Jane]\nkind: planet\n", "concept.yaml:2:", "person, character"),
        ("names: [3]\n", "concept.yaml:1:", "a list of texts"),
        ("names: Jane\nfacts: [Jane is old]\n", "concept.yaml:2:", "[question, answer]"),
        ("names: Jane\nfacts: Jane is old\n", "concept.yaml:2:", "a list of facts"),
        ("names: Jane\nsubstitute: [Ann]\n", "concept.yaml:2:", "a text"),
    ],
)
def test_a_malformed_sidecar_is_named(tmp_path: Path, text: str, where: str, why: str) -> None:
    folder = ours(tmp_path / "x")
    (folder / "concept.yaml").write_text(text, encoding="utf-8")
    refused(folder, where, why)


def test_missing_and_damaged_pictures(tmp_path: Path) -> None:
    rows = [{"imgid": "testdon/003.png", "prompt": "a"}, {"imgid": "C:\\don\\Image7.jpg", "prompt": "b"}]
    text = "[" + ",\n".join(re.sub("'", '"', str(row)).replace("\\\\", "\\\\") for row in rows) + "]"
    refused(
        released(tmp_path / "x", **{"Multi-hop": text}),
        "Multi-hop.json:2:",
        "one of 5 pictures such as 000.png",
    )
    folder = released(tmp_path / "y")
    (folder / "testdon" / "003.png").write_bytes(b"\x89PNG broken")
    refused(folder, "not a picture", "003.png")
    shutil.rmtree(folder / "traindon")
    save_pictures(folder / "testdon", range(3, 4))
    refused(folder, "no picture to train on", "at least one picture")


def test_the_training_picture_is_no_test_picture(tmp_path: Path) -> None:
    folder = ours(tmp_path / "x")
    save_pictures(folder / "test", range(1))
    refused(folder, "also a test picture", "000.png")


def test_folders_that_hold_no_concept(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such folder")
    save_pictures(tmp_path / "x", range(1))
    refused(tmp_path / "x", "holds no concept", "traindon")


def test_nobody_says_who_it_is(tmp_path: Path) -> None:
    folder = released(tmp_path / "x")
    (folder / "concept.yaml").unlink()
    refused(folder, "nothing says what the pictures show", "--name")


def test_two_concepts_of_one_id(tmp_path: Path) -> None:
    ours(tmp_path / "all" / "a")
    ours(tmp_path / "all" / "b")
    refused(tmp_path / "all", "two concepts have the same id", "jane-roe")


def test_what_is_forgotten_is_nobodys_retain_subject(tmp_path: Path) -> None:
    [jane] = load_benchmark(released(tmp_path / "x")).entries
    john = replace(jane, concept=Concept("John Doe", id="john"), retain_subjects=("black king", "Ann Bell"))
    assert kept_subjects(john, [jane, john]) == ("Ann Bell",)
    assert kept_subjects(jane, [jane, john]) == ()
    assert kept_subjects(jane, [jane]) == ("John Doe",)
    assert [c.text for c in retained(jane, [jane, john])] == [
        "Jane Roe is both a forget concept and a retain subject of John Doe."
    ]
    assert [c.concept for c in retained(john, [john], {"john": ["john doe"]})] == ["john"]
