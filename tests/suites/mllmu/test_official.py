"""The release's result files: a table script made for them reads ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.suites.mllmu.people import benchmark
from tests.suites.mllmu.test_scoring import record
from unsee.metrics.released_overlap import released_rouge
from unsee.suites.mllmu.asks import Ask, protocol
from unsee.suites.mllmu.official import official_files
from unsee.suites.mllmu.presets import PRESETS
from unsee.suites.mllmu.scoring import Answered

DATA = benchmark(forget=4, retain=4, real=3, poses=2)


def reply_to(ask: Ask) -> str:
    """Right for people with an even number, else wrong."""
    if int(ask.person) % 2 == 0:
        return "A" if ask.task == "choice" else ask.truth
    return "Answer: nothing"


def answered(name: str, **more: Any) -> Answered:
    preset = PRESETS[name]
    asks = protocol(DATA, preset, "llava", **more).asks
    return [(a, record(preset, a, reply_to(a))) for a in asks]


def table_row(results: dict[str, Any], section: str) -> list[float]:
    """What third-party LaTeX scripts take out of one section."""
    part = results[section]
    return [
        part["classification"]["Image-Textual Question Accuracy"],
        part["classification"]["Pure Text Question Accuracy"],
        part["generation"]["Average ROUGE-1 (Image_Textual)"],
        part["generation"]["Average ROUGE-2 (Image_Textual)"],
        part["generation"]["Average ROUGE-L (Image_Textual)"],
        part["generation"]["Average BLEU (Image_Textual)"],
        part["generation"]["Average ROUGE-L (Pure_Text)"],
        part["generation"]["Average BLEU (Pure_Text)"],
        part["fill_in_the_blank"]["image_textual_accuracy"],
        part["fill_in_the_blank"]["pure_text_accuracy"],
    ]


def test_a_table_script_reads_the_files() -> None:
    shown = answered("release-2503", examples_of=["001"])
    files = official_files(PRESETS["release-2503"], shown, "mine")
    assert list(files) == [
        "mine_final_evaluation_results.json",
        "forget_generation_results.json",
        "test_generation_results.json",
        "retain_shared_generation_results.json",
        "retain_celebrity_generation_results.json",
    ]
    results = json.loads(files["mine_final_evaluation_results.json"])
    assert list(results) == [
        "Forget Set Results",
        "Test Set Results",
        "Retain Set (shared dataset) Results",
        "Retain Set (real person) Results",
    ]
    assert all(
        list(part) == ["fill_in_the_blank", "classification", "generation"] for part in results.values()
    )
    row = table_row(results, "Forget Set Results")
    # Of people 1 to 4 the first is an example: 2 of 3 are right in choice and cloze, 2 of 4 in generation,
    # where "Answer: nothing" has no word of the truth. The release reads "Answer: ..." as A, which is right.
    assert row[:2] == [100.0, 100.0]
    assert row[2:8] == pytest.approx([0.5] * 6)
    assert row[8:] == pytest.approx([200 / 3] * 2)


def test_generation_files_list_replies_by_person() -> None:
    shown = answered("release-2503", examples_of=["001"])
    text = official_files(PRESETS["release-2503"], shown, "x")["test_generation_results.json"]
    lines = json.loads(text)["Generation_Questions"]
    assert len(lines) == 4 * 4
    assert lines[4] == {
        "image_id": "002",
        "question type": "Image_Textual",
        "question": DATA.test[1].image_text.generation[0].question,
        "generated_answer": DATA.test[1].image_text.generation[0].truth,
        "ground_truth": DATA.test[1].image_text.generation[0].truth,
    }
    assert [line["question type"] for line in lines[:4]] == ["Image_Textual"] * 2 + ["Pure_Text"] * 2
    assert text == json.dumps({"Generation_Questions": lines}, indent=4)


def test_averages_are_those_a_reader_computes_from_the_generation_file() -> None:
    shown = answered("mmunlearner-0shot", sets=["retain"])
    files = official_files(PRESETS["mmunlearner-0shot"], shown, "x")
    assert list(files) == ["x_final_evaluation_results.json", "retain_shared_generation_results.json"]
    results = json.loads(files["x_final_evaluation_results.json"])
    assert list(results) == ["Retain Set (shared dataset) Results"]
    lines = json.loads(files["retain_shared_generation_results.json"])["Generation_Questions"]
    total = 0.0
    pure = [line for line in lines if line["question type"] == "Pure_Text"]
    for line in pure:
        total += released_rouge(line["generated_answer"], line["ground_truth"])["rougeL"]
    average = results["Retain Set (shared dataset) Results"]["generation"]["Average ROUGE-L (Pure_Text)"]
    assert average == total / len(pure)


def test_the_review_time_release_has_no_cloze() -> None:
    files = official_files(PRESETS["paper-arr"], answered("paper-arr"), "x")
    results = json.loads(files["x_final_evaluation_results.json"])
    assert {tuple(part) for part in results.values()} == {("classification", "generation")}


def test_non_ascii_is_written_as_the_release_writes_it() -> None:
    preset = PRESETS["release-2503"]
    ask = next(a for a in protocol(DATA, preset, "llava").asks if a.task == "generation")
    text = official_files(preset, [(ask, record(preset, ask, "José"))], "x")
    assert "Jos\\u00e9" in text["forget_generation_results.json"]
