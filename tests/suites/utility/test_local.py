"""POPE, MME, VQA and multiple choice on files of a few rows, worked out by hand; bad rows by line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.suites.utility.make import encoded, json_file, save, table_file
from tests.tiny import build, picture
from unsee.answering import choose
from unsee.nouns import Question, Score, UserError
from unsee.suites.utility.choices import load_choices, score_choices, score_picks
from unsee.suites.utility.files import table
from unsee.suites.utility.mme import load_mme, score_mme
from unsee.suites.utility.pope import load_pope, score_pope
from unsee.suites.utility.vqa import load_vqa, normalised, score_vqa, vqa_accuracy


def values(scores: dict[str, Score]) -> dict[str, float]:
    return {metric: score.value for metric, score in scores.items()}


# --- POPE ------------------------------------------------------------------------------------------------


def pope(folder: Path) -> list[Question]:
    for i in range(2):
        save(folder / f"{i}.png", i)
    rows = [
        {"question_id": i, "image": f"{i % 2}.png", "text": f"Is there a cat {i}?", "label": label}
        for i, label in enumerate(["yes", "yes", "yes", "no", "no", "No"])
    ]
    return load_pope(json_file(folder / "pope.jsonl", rows), folder)


def test_pope_by_hand(tmp_path: Path) -> None:
    questions = pope(tmp_path)
    assert [q.keywords for q in questions] == [("yes",)] * 3 + [("no",)] * 3
    assert [q.identity for q in questions[:2]] == ["0.png", "1.png"]
    replies = ["Yes, there is.", "No.", "", "No, there is not.", "Yes.", "A cat? No."]
    found = values(score_pope(questions, replies))
    assert found == {
        "pope_accuracy": pytest.approx(3 / 6),
        "pope_precision": pytest.approx(1 / 2),
        "pope_recall": pytest.approx(1 / 3),
        "pope_f1": pytest.approx(2 * 0.5 * (1 / 3) / (0.5 + 1 / 3)),
        "pope_yes_rate": pytest.approx(2 / 6),
        "pope_undecided": pytest.approx(1 / 6),
    }


def test_the_published_rule_takes_silence_for_yes(tmp_path: Path) -> None:
    questions = pope(tmp_path)
    silent = values(score_pope(questions, [""] * 6, "released_code"))
    assert (silent["pope_accuracy"], silent["pope_yes_rate"], silent["pope_recall"]) == (0.5, 1.0, 1.0)
    careful = values(score_pope(questions, [""] * 6))
    assert (careful["pope_accuracy"], careful["pope_undecided"]) == (0.0, 1.0)
    assert "pope_precision" not in careful
    # The second sentence is not read, "No" and "not" in the first decide.
    replies = ["It is not.", "No.", "Well. No.", "no way", "Nothing here.", "Not at all."]
    found = values(score_pope(questions, replies, "released_code"))
    assert found["pope_yes_rate"] == pytest.approx(3 / 6)
    assert score_pope([], []) == {}


# --- MME -------------------------------------------------------------------------------------------------

LINES = "Is this red? Please answer yes or no.\tYes\nIs this blue? Please answer yes or no.\tNo\n"


def mme_folder(folder: Path) -> Path:
    for task, nested in (("existence", False), ("scene", True)):
        for i in range(2):
            texts = folder / task / ("questions_answers_YN" if nested else "")
            save(folder / task / ("images" if nested else "") / f"00{i}.png", i)
            texts.mkdir(exist_ok=True)
            (texts / f"00{i}.txt").write_text(LINES, encoding="utf-8")
    return folder


def test_mme_by_hand(tmp_path: Path) -> None:
    questions = load_mme(mme_folder(tmp_path))
    assert [q.split for q in questions] == ["existence"] * 4 + ["scene"] * 4
    assert len({q.identity for q in questions}) == 4
    replies = ["Yes.", "No.", "Yes.", "Yes.", "Yes", "No", "Yes", "no, blue"]
    found = values(score_mme(questions, replies))
    assert found["mme_accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert found["mme_accuracy_plus"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["mme_score"] == pytest.approx(75 + 50 + 100 + 100)
    assert score_mme([], []) == {}


def test_mme_reads_four_letters_as_published(tmp_path: Path) -> None:
    questions = load_mme(mme_folder(tmp_path))[:2]
    late = ["The answer is yes.", "Certainly not. No."]
    assert values(score_mme(questions, late, "released_code"))["mme_accuracy"] == 0.0
    assert values(score_mme(questions, late))["mme_accuracy"] == 1.0
    assert (
        values(score_mme(questions, ["", "noise"], "released_code"))["mme_accuracy"] == 0.5
    )  # "nois" holds no
    assert values(score_mme(questions, ["", ""]))["mme_accuracy"] == 0.0


def test_mme_table(tmp_path: Path) -> None:
    rows = [(i, encoded(i // 2), "Is it red?", "Yes" if i % 2 else "No", "color") for i in range(4)]
    file = table_file(tmp_path / "MME.tsv", ("index", "image", "question", "answer", "category"), rows)
    questions = load_mme(file)
    assert len({q.identity for q in questions}) == 2
    assert questions[0].picture is not None
    assert questions[0].picture.hash == picture(0).hash
    found = values(score_mme(questions, ["No", "Yes", "Yes", "Yes"]))
    assert (found["mme_accuracy"], found["mme_accuracy_plus"], found["mme_score"]) == (0.75, 0.5, 125.0)


# --- VQA -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Red Car.", "red car"),
        ("two  dogs\n", "2 dogs"),
        ("none", "0"),
        ("dont know", "don't know"),
        ("1,000", "1000"),
        ("3.5", "3.5"),
        ("U.S.A", "usa"),
        ("red/blue", "red blue"),
        ("red / blue", "red blue"),
        ("t-shirt", "t shirt"),
        ("What?", "what"),
        ("", ""),
    ],
)
def test_normalisation(text: str, expected: str) -> None:
    assert normalised(text) == expected


def slow_accuracy(reply: str, answers: list[str]) -> float:
    total = 0.0
    for i in range(len(answers)):
        rest = answers[:i] + answers[i + 1 :]
        total += min(1.0, sum(a == reply for a in rest) / 3)
    return total / len(answers)


def test_leave_one_out() -> None:
    for n in range(11):
        answers = ["red"] * n + ["blue"] * (10 - n)
        assert vqa_accuracy("The red", answers) == pytest.approx(slow_accuracy("red", answers))
    # two of ten: 2 times 1/3, 8 times 2/3; three of ten: 3 times 2/3, 7 times 1
    assert vqa_accuracy("red", ["red"] * 2 + ["blue"] * 8) == pytest.approx((2 / 3 + 16 / 3) / 10)
    assert vqa_accuracy("red", ["red"] * 3 + ["blue"] * 7) == pytest.approx(0.9)
    assert vqa_accuracy("red", ["red"]) == 1.0
    assert vqa_accuracy("", ["red"] * 10) == 0.0


def test_vqa_file(tmp_path: Path) -> None:
    save(tmp_path / "0.png")
    rows = [
        {"image": "0.png", "question": "What colour?", "answers": ["red"] * 3 + ["blue"] * 7},
        "",
        {"image": "0.png", "text": "Where?", "answer": "park"},
    ]
    questions = load_vqa(json_file(tmp_path / "vqa.jsonl", rows), tmp_path, instruction="")
    assert [q.prompt for q in questions] == ["What colour?", "Where?"]
    assert len(questions[0].keywords) == 10
    found = score_vqa(questions, ["Red.", "a beach"])
    assert found["vqa_accuracy"].value == pytest.approx(0.45)
    assert found["vqa_accuracy"].n == 2
    assert score_vqa([], []) == {}


# --- multiple choice -------------------------------------------------------------------------------------

HEADER = ("index", "question", "hint", "A", "B", "C", "D", "answer", "image")


def choices(folder: Path) -> Path:
    rows = [
        (7, "What is it?", "Look at\nthe middle.", "a cat", "a dog", "a cow", "", "B", encoded(0)),
        (1000007, "What is it?", "nan", "a cow", "a cat", "a dog", "", "C", "7"),
        (8, "Colour?", "", "red", "blue", "green", "black", "a", encoded(1)),
    ]
    return table_file(folder / "choices.tsv", HEADER, rows)


def test_choices_by_hand(tmp_path: Path) -> None:
    questions = load_choices(choices(tmp_path))
    assert [q.id for q in questions] == ["choices-7", "choices-1000007", "choices-8"]
    assert [q.options for q in questions][:2] == [("a cat", "a dog", "a cow"), ("a cow", "a cat", "a dog")]
    assert [q.answer for q in questions] == ["a dog", "a dog", "red"]
    assert questions[0].prompt.startswith("Look at\nthe middle.\nWhat is it?\nA. a cat\nB. a dog\nC. a cow\n")
    assert questions[1].picture == questions[0].picture  # held by row 7
    found = values(score_choices(questions, ["B", "It is a cat", "As I see, A"]))
    assert found == {
        "choice_accuracy": pytest.approx(2 / 3),
        "choice_circular": pytest.approx(1 / 2),  # right once, wrong in the other order
        "choice_unread": 0.0,
    }
    silent = values(score_choices(questions, ["", "cannot say", "A or B"]))
    assert (silent["choice_accuracy"], silent["choice_unread"]) == (0.0, 1.0)


def test_choices_by_likelihood(tmp_path: Path) -> None:
    questions = load_choices(choices(tmp_path), mode="likelihood")
    assert questions[2].prompt == "Colour?"
    picks = choose(build("llava"), questions)
    right = [p == "ABCD".index(q.keywords[0]) for p, q in zip(picks, questions, strict=True)]
    assert values(score_picks(questions, picks))["choice_accuracy"] == pytest.approx(sum(right) / 3)
    assert values(score_picks(questions, [1, 2, 0]))["choice_circular"] == 1.0
    assert values(score_picks(questions[2:], [None])) == {"choice_accuracy": 0.0}


# --- bad rows --------------------------------------------------------------------------------------------

GOOD = {"image": "0.png", "text": "Is there a cat?", "label": "yes"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ({**GOOD, "label": "maybe"}, "neither yes nor no"),
        ({**GOOD, "label": None}, "missing"),
        ({**GOOD, "text": " "}, "not a text"),
        ({**GOOD, "text": ["Is", "it"]}, "not a text"),
        ({**GOOD, "image": "none.png"}, "no such picture"),
        ({**GOOD, "image": "../outside.png"}, "outside the folder"),
        ({**GOOD, "image": "bad.png"}, "not a picture"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, row: Any, message: str) -> None:
    folder = tmp_path / "pictures"
    save(folder / "0.png")
    save(tmp_path / "outside.png")
    (folder / "bad.png").write_bytes(b"no picture")
    file = json_file(tmp_path / "pope.jsonl", [GOOD, "", row])
    with pytest.raises(UserError, match=message) as raised:
        load_pope(file, folder)
    assert "pope.jsonl, line 3" in raised.value.what


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "Z"}, "no option"),
        ({"answer": "D"}, "no option"),
        ({"B": "", "C": ""}, "two or more"),
        ({"B": ""}, "without a gap"),
        ({"image": "!!!"}, "no picture"),
        ({"image": "aGVsbG8="}, "no picture"),
        ({"image": "7"}, "holds none"),
        ({"image": ""}, "missing"),
        ({"question": ""}, "not a text"),
    ],
)
def test_bad_rows_of_tables_are_named(tmp_path: Path, change: dict[str, str], message: str) -> None:
    row = dict(zip(HEADER, ("7", "What?", "", "a cat", "a dog", "a cow", "", "B", encoded(0)), strict=True))
    good = {**row, "index": "6"}
    file = table_file(tmp_path / "c.tsv", HEADER, [list(good.values()), list({**row, **change}.values())])
    with pytest.raises(UserError, match=message) as raised:
        load_choices(file)
    assert "c.tsv, line 3" in raised.value.what


def test_bad_answers_of_vqa(tmp_path: Path) -> None:
    save(tmp_path / "0.png")
    for answers, message in (
        (["red", "blue"], "fully right"),
        ("red", "list of texts"),
        ([1], "list of texts"),
    ):
        row = {"image": "0.png", "question": "?", "answers": answers}
        with pytest.raises(UserError, match=message):
            load_vqa(json_file(tmp_path / "v.jsonl", [row]), tmp_path)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_pope(tmp_path / "none.jsonl", tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UserError, match="no row"):
        load_pope(tmp_path / "empty.jsonl", tmp_path)
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        table(tmp_path / "binary.tsv")
    (tmp_path / "short.tsv").write_text("index\tquestion\n1\n")
    with pytest.raises(UserError, match="number of cells"):
        table(tmp_path / "short.tsv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="holds no questions"):
        load_mme(tmp_path / "folder")


def test_bad_mme_folders(tmp_path: Path) -> None:
    root = mme_folder(tmp_path)
    (root / "existence" / "000.txt").write_text("Is it red?\tYes\nIs it blue? No\n")
    with pytest.raises(UserError, match="line 2") as raised:
        load_mme(root)
    assert "000.txt" in raised.value.what
    (root / "existence" / "000.txt").write_text(LINES)
    (root / "existence" / "000.png").unlink()
    with pytest.raises(UserError, match="not one picture"):
        load_mme(root)


def test_reading_tables_leaves_the_limit_of_cells_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    file = table_file(tmp_path / "big.tsv", ("index", "image"), [(1, "x" * 200_000)])
    assert len(table(file)[0].values["image"]) == 200_000
    assert csv.field_size_limit() == before
