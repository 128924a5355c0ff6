from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from unsee.nouns import UserError
from unsee.suites.mllmu.checks import counts, leaks
from unsee.suites.mllmu.data import Mllmu, Person
from unsee.suites.mllmu.load import load
from unsee.suites.mllmu.splits import draw_splits
from unsee.suites.mllmu.write import write_files
from unsee.world.mllmu import (
    NOISE,
    THUMBNAIL,
    altered,
    celebrities,
    embedded_mllmu,
    everybody,
    forget_identities,
)
from unsee.world.people import CELEBRITIES, FACT_VALUES, PRIVATE
from unsee.world.wording.person import FACTS


@pytest.fixture(scope="module")
def five() -> Mllmu:
    return embedded_mllmu(5)


def test_sizes_and_ids(five: Mllmu) -> None:
    assert [len(s) for s in (five.forget, five.test, five.retain, five.real, five.full)] == [
        5,
        5,
        95,
        30,
        100,
    ]
    assert [p.id for p in five.full] == [f"{i:03d}" for i in range(1, 101)]
    assert [p.id for p in five.test] == [p.id for p in five.forget]
    assert {p.id for p in five.forget} | {p.id for p in five.retain} == {p.id for p in five.full}
    assert not {p.id for p in five.real} & {p.id for p in five.full}
    assert [p.name for p in five.full] == [p.name for p in PRIVATE]
    assert [p.name for p in five.real] == [p.name for p in CELEBRITIES]
    assert five.notes == ()


def test_questions_as_published(five: Mllmu) -> None:
    for person in (*five.full, *five.test, *five.real):
        assert counts(person.image_text) == counts(person.text) == (5, 2, 2)
    assert {len(p.training) for p in five.full} <= set(range(14, 20))
    assert {len(set(p.training)) - len(p.training) for p in five.full} == {0}
    assert {p.training for p in (*five.test, *five.real)} == {()}


def test_answers_are_true() -> None:
    """Checked against the facts of the world, from the text of the questions alone."""
    for identity, person in zip((*PRIVATE, *CELEBRITIES), (*everybody(), *celebrities()), strict=True):
        values = set(identity.facts.values())
        for tasks in (person.image_text, person.text):
            for choice in tasks.choices:
                assert choice.options[choice.correct] in values
                assert len(set(choice.options.values())) == 4
                kinds = [
                    kind for kind, pool in FACT_VALUES.items() if set(choice.options.values()) <= set(pool)
                ]
                assert [identity.facts[k] for k in kinds] == [choice.options[choice.correct]]
            assert all(item.truth in values and item.question.count("__") == 1 for item in tasks.cloze)
            assert all(item.truth.startswith(identity.name) for item in tasks.generation)


def test_names_stand_in_text_questions_only(five: Mllmu) -> None:
    for person in (*five.forget, *five.test, *five.real):
        for named, tasks in ((False, person.image_text), (True, person.text)):
            questions = [q.question for q in (*tasks.choices, *tasks.generation, *tasks.cloze)]
            assert {person.name in question for question in questions} == {named}


def test_modalities_pair_up_item_by_item(five: Mllmu) -> None:
    for person in (*five.forget, *five.test):
        for seen, told in zip(person.image_text.choices, person.text.choices, strict=True):
            assert (seen.options, seen.correct) == (told.options, told.correct)
            assert re.sub("(?i)this person", person.name, seen.question) == told.question
        assert [i.truth for i in person.image_text.cloze] == [i.truth for i in person.text.cloze]


def test_right_letters_are_balanced() -> None:
    letters = [c.correct for p in everybody() for c in p.image_text.choices]
    assert min(letters.count(letter) for letter in "ABCD") > 90  # of 500


def test_the_test_set_is_reworded_and_nothing_leaks() -> None:
    for asked, reworded in zip(everybody(), altered(), strict=True):
        for one, other in ((asked.image_text, reworded.image_text), (asked.text, reworded.text)):
            assert not {c.question for c in one.choices} & {c.question for c in other.choices}
            assert [c.options[c.correct] for c in one.choices] == [
                c.options[c.correct] for c in other.choices
            ]
            for before, after in ((one.generation, other.generation), (one.cloze, other.cloze)):
                assert not {i.question for i in before} & {i.question for i in after}
                assert [i.truth for i in before] == [i.truth for i in after]
        assert leaks(asked, asked.training) == leaks(reworded, asked.training) == 0


def test_wordings_are_those_of_the_world() -> None:
    trained = {way for table in FACTS.values() for way in table.trained}
    held_out = {way for table in FACTS.values() for way in table.held_out}
    for people, ways in ((everybody(), trained), (altered(), held_out)):
        found = {i.question.replace(p.name, "{p}") for p in people for i in p.text.generation}
        assert found <= ways
        assert len(found) > 15


def test_pictures(five: Mllmu) -> None:
    assert {p.pictures[0].read().size for p in five.forget} == {(80, 80)}
    assert {p.pictures[0].read().size for p in five.real} == {(THUMBNAIL, THUMBNAIL)}
    first = five.test[0]
    names = [f"{first.id}_pose1_gen1.png", f"{first.id}_pose2_gen1.png", f"{first.id}_noise.png"]
    assert [picture.path for picture in first.pictures] == names
    hashes = [q.hash for p in (*five.full, *five.test, *five.real) for q in p.pictures]
    assert len(set(hashes)) == len(hashes) == 100 + 15 + 30


def test_the_noisy_picture_is_the_training_picture_under_noise(five: Mllmu) -> None:
    import numpy as np

    plain, noisy = (
        np.asarray(p.read(), float) for p in (five.forget[0].pictures[0], five.test[0].pictures[2])
    )
    spread = float(np.std(noisy - plain))
    assert 0.5 * NOISE < spread < 1.5 * NOISE


def test_the_same_every_time(five: Mllmu) -> None:
    assert embedded_mllmu(5) == five
    assert embedded_mllmu(5).full[7] is five.full[7]
    assert embedded_mllmu(5, seed=1).revision != five.revision


@pytest.mark.parametrize("nested", [False, True])
def test_splits(nested: bool) -> None:
    ids = [p.id for p in everybody()]
    for ratio, expected in draw_splits(ids, 0, nested=nested).items():
        made = embedded_mllmu(ratio, nested=nested)
        assert tuple(p.id for p in made.forget) == expected
        assert made.ratio == len(made.forget) == ratio
        assert made.notes == ()


def test_unknown_ratio() -> None:
    with pytest.raises(UserError, match="no such split"):
        embedded_mllmu(20)


# The files -------------------------------------------------------------------------


PEOPLE, SPLITS = 20, {5: ("003",), 10: ("001", "020"), 15: ("003", "008", "009")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mllmu") / "out"
    few = altered()[:PEOPLE]
    write_files(folder, full=everybody()[:PEOPLE], test=few, real=celebrities()[:3], splits=SPLITS)
    return folder


def comparable(person: Person) -> tuple[object, ...]:
    pixels = [(q.path, q.read().size, q.read().tobytes()) for q in person.pictures]
    return replace(person, pictures=()), pixels


@pytest.mark.parametrize("ratio", [5, 10, 15])
def test_round_trip(folder: Path, ratio: int) -> None:
    loaded, chosen = load(folder, ratio, training=True), SPLITS[ratio]
    full, few = everybody()[:PEOPLE], altered()[:PEOPLE]
    expected = {
        "forget": [p for p in full if p.id in chosen],
        "retain": [p for p in full if p.id not in chosen],
        "test": [p for p in few if p.id in chosen],
        "real": celebrities()[:3],
        "full": full,
    }
    for name, people in expected.items():
        assert [comparable(p) for p in getattr(loaded, name)] == [comparable(p) for p in people], name
    assert loaded.notes == ()


def test_files_have_the_published_layout(folder: Path) -> None:
    configs = ["Full_Set", "Retain_Set", "Test_Set", "ft_Data"]
    splits = [
        f"{name}_{n}" for name, n in zip(["forget", "retain"] * 3, (5, 95, 10, 90, 15, 85), strict=True)
    ]
    found = sorted(str(f.relative_to(folder)) for f in folder.rglob("*.parquet"))
    one = [c for c in (*configs, *splits) if c != "Test_Set"] + [f"baseline_train_split/{s}" for s in splits]
    expected = [f"{c}/train-00000-of-00001.parquet" for c in one]
    assert found == sorted([*expected, *(f"Test_Set/train-0000{i}-of-00002.parquet" for i in (0, 1))])


OPTIONS = "struct<A: string, B: string, C: string, D: string>"
QUESTION = f"struct<Question: string, Options: {OPTIONS}, Correct_Answer: string>"
ITEMS = "list<element: struct<Ground_Truth: string, Question: string, Type: string>>"


def test_columns_have_the_published_types(folder: Path) -> None:
    schema = pq.read_schema(folder / "forget_10/train-00000-of-00001.parquet")
    assert schema.names == [
        *("image", "ID", "biography", "question", "answer"),
        *("Classification_Task", "Generation_Task", "Mask_Task"),
    ]
    lists = (
        f"Image_Textual_Questions: list<element: {QUESTION}>, Pure_Text_Questions: list<element: {QUESTION}>"
    )
    assert str(schema.field("Classification_Task").type) == f"struct<{lists}>"
    assert str(schema.field("Generation_Task").type) == str(schema.field("Mask_Task").type) == ITEMS
    assert str(schema.field("image").type) == "struct<bytes: binary, path: string>"
    assert "Directory" in pq.read_schema(folder / "Full_Set/train-00000-of-00001.parquet").names
    test = pq.read_schema(folder / "Test_Set/train-00001-of-00002.parquet")
    assert "images" in test.names
    assert "biography" not in test.names


def test_pandas_reads_it_as_other_scripts_do(folder: Path) -> None:
    import pandas as pd

    table = pd.read_parquet(folder / "baseline_train_split/forget_5/train-00000-of-00001.parquet")
    row = table.iloc[0]
    assert row["image"]["bytes"].startswith(b"\x89PNG")
    assert row["image"]["path"] == "003.png"
    pairs = json.loads(row["metadata"])
    assert [(e["ID"], e["Question"], e["Answer"]) for e in pairs] == [
        ("003", *pair) for pair in everybody()[2].training
    ]
    biography = json.loads(row["biography"])
    assert biography["Name"] == PRIVATE[2].name
    assert set(biography["appearance_detail"]) == {"question", "answer"}
    first = row["Classification_Task"]["Image_Textual_Questions"][0]
    assert first["Options"][first["Correct_Answer"]] in PRIVATE[2].facts.values()
    assert [t["Type"] for t in row["Mask_Task"]] == ["Image_Textual"] * 2 + ["Pure_Text"] * 2


def test_datasets_reads_it(folder: Path, tmp_path: Path) -> None:
    from datasets import Image, load_dataset

    files = str(folder / "Test_Set/*.parquet")
    loaded = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert len(loaded) == PEOPLE
    assert loaded[0]["images"][0].size == (80, 80)
    by_config = load_dataset(str(folder), "forget_15", split="train", cache_dir=str(tmp_path))
    assert by_config["ID"][:] == ["003", "008", "009"]
    assert isinstance(by_config.features["image"], Image)


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="something already"):
        write_files(folder, full=(), test=(), real=(), splits={})
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="something already"):
        write_files(file, full=(), test=(), real=(), splits={})


@pytest.mark.parametrize("ratio", [5, 10, 15])
def test_the_people_to_forget_are_those_of_the_forget_set(ratio: int) -> None:
    names = {identity.id: identity.name for identity in PRIVATE}
    left_out = forget_identities(ratio)
    assert [names[key] for key in left_out] == [p.name for p in embedded_mllmu(ratio).forget]
