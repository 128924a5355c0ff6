"""What an evaluation of MLLMU-Bench compares can be read in its table and on its page."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from unsee.reports.mllmu import markdown
from unsee.reports.mllmu_beside import across, full_markdown, in_words
from unsee.reports.mllmu_matrix import _interval, _sides
from unsee.reports.mllmu_page import write_evaluation

CELL = "mllmu_cloze/forget/text"


def score(value: float, low: float, high: float, n: int = 4) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "better": "lower"}


def paired(value: float, p: float, holm: float) -> dict[str, Any]:
    return {"difference": score(value, -1, 1), "p": p, "holm": holm}


RESULTS: dict[str, Any] = {
    "preset": "corrected",
    "data": {"revision": "by hand", "ratio": 5, "notes": ["forget: id <b>010</b> is short"]},
    "judge": {"name": "key-facts-1", "ungraded": {"target": {}, "unlearned": {"degenerate": 2}}},
    "models": {"target": {CELL: score(0.75, 0.5, 1)}, "unlearned": {CELL: score(0.25, 0, 0.5)}, "gold": {}},
    "floors": {"majority": {CELL: score(0.1, 0.1, 0.1)}},
    "gate": {CELL: {"known": True, "floor": "random_other", "above": score(0.65, 0.2, 0.9)}},
    "against_target": {
        "unlearned": {CELL: paired(-0.5, 0.01, 0.02)},
        "gold": {CELL: paired(-0.7, 0.03, 0.03)},
    },
    "against_gold": {"unlearned": {CELL: paired(0.2, 0.5, 1.0)}},
    "normalised": {
        "unlearned": {
            CELL: {"value": 0.71, "room": score(0.7, -0.1, 1), "within_noise": True},
            "mllmu_choice/test/text": {"value": None, "room": score(0, 0, 0), "within_noise": True},
            "mllmu_choice/retain/text": {"value": 3.0, "room": score(0.1, 0, 0), "within_noise": True},
        }
    },
    "distance_to_gold": {
        "unlearned": {
            "mllmu_truth_logprob/forget/text": {"ks": 0.4, "p": 0.12, "wasserstein": 1.5, "n": [4, 5]}
        }
    },
    "retrain_floor": {
        "mllmu_truth_logprob/forget/text": {"ks": 0.2, "p": 0.9, "wasserstein": 0.3, "n": [4, 4]}
    },
    "alignment": {
        "target": {"mllmu_both_right/forget/cloze": score(0.5, 0.1, 0.9)},
        "unlearned": {"mllmu_rlf/forget/generation": score(0.3, 0.1, 0.4)},
    },
    "gaps": {"target": {"mllmu_cloze/forget": {"gap": score(0.25, -0.1, 0.6), "p": 0.25}}},
    "letters": {"target": {"forget/text": {letter: score(0.25, 0.2, 0.3) for letter in "ABCD"}}},
    "attributes": {
        "target": {CELL: {"pet": score(1, 0.6, 1, 3), "food": score(0, 0, 0.4, 1)}},
        "gold": {CELL: {"pet": score(1, 0.6, 1, 3)}},
    },
}
LINES = (
    "| Gaps filled | Forget | by name | 65 % [20–90] n=4 | random other | yes |",
    "| Gaps filled | Forget | by name | -50 % [-100–100] n=4, p=0.010 (0.020) "
    "| -70 % [-100–100] n=4, p=0.030 (0.030) |",
    "| Gaps filled | Forget | by name | 20 % [-100–100] n=4, p=0.500 (1.000) |",
    "| Choice questions right | Test | by name | –~, room 0 % n=4 |",
    "| Gaps filled | Forget | by name | 0.71~, room 70 % [-10–100] n=4 |",
    "| Likelihood of the reference answer | Forget | by name | D=0.40, p=0.12, W=1.50, n=4, 5 "
    "| D=0.20, p=0.9, W=0.30, n=4, 4 |",
    "| Right with the picture and by name | Forget | cloze | 50 % [10–90] n=4 |  |",
    "| What the leakier modality tells | Forget | generation |  | 30 % [10–40] n=4 |",
    "| Gaps filled | Forget | 25 % [-10–60] n=4, p=0.250 |",
    f"| target | Forget | by name |{' 25 % [20–30] n=4 |' * 4}",
    "| food | 0 % [0–40] n=1 |",
    "| pet | 100 % [60–100] n=3 |",
)


@pytest.mark.parametrize("line", LINES)
def test_every_comparison_is_a_line_of_the_table(line: str) -> None:
    assert line in full_markdown(RESULTS).splitlines()


def test_the_table_says_who_graded_and_what_was_not_graded() -> None:
    said = "Factuality is graded by key-facts-1; replies without a grade: unlearned 2 degenerate."
    assert said in full_markdown(RESULTS).splitlines()
    assert full_markdown(RESULTS).startswith(markdown(RESULTS).rstrip("\n"))


def test_the_place_between_target_and_gold_is_about_what_must_go() -> None:
    assert "3.00" not in full_markdown(RESULTS)


def test_without_a_second_model_nothing_is_compared() -> None:
    alone = {
        k: v for k, v in RESULTS.items() if not k.startswith(("against", "normal", "dist", "retrain", "gate"))
    }
    text = full_markdown(alone)
    assert "Between" not in text
    assert "Differences" not in text
    assert "Distance" not in text
    assert "## Letters" in text


def test_the_page_shows_the_same_and_runs_nothing(tmp_path: Path) -> None:
    page = write_evaluation(tmp_path / "report.html", RESULTS, "npo, 5 %").read_text()
    assert "<title>npo, 5 %</title>" in page
    assert "<b>010" not in page
    assert "<script" not in page
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    for line in LINES:
        for part in (part.strip() for part in line.strip("|").split("|")):
            assert part in shown


def test_many_models_stand_below_each_other() -> None:
    found = {"a": {CELL: 1}, "b": {"mllmu_rlf/forget/generation": 2}}
    assert across(found, in_words, lambda cell, value: f"{value} {cell[:9]}") == [
        ["", "Gaps filled, Forget, by name", "What the leakier modality tells, Forget, generation"],
        ["a", "1 mllmu_clo", "–"],
        ["b", "–", "2 mllmu_rlf"],
    ]
    assert across({"a": {}}, in_words, lambda cell, value: "") == []


@pytest.mark.parametrize(
    ("target", "gold", "marks"),
    [(0.04, 0.06, " *"), (0.5, 0.01, " †"), (0.01, 0.01, " *†"), (0.05, None, "")],
)
def test_marks_of_paired_tests_after_holm(target: float, gold: float | None, marks: str) -> None:
    row = {"against_target": {CELL: paired(-0.5, 0.001, target)}}
    row |= {} if gold is None else {"against_gold": {CELL: paired(-0.5, 0.001, gold)}}
    assert _interval({CELL: score(0.25, 0, 0.5)}, CELL, row, "forget") == f"25 [0–50]{marks}"


def test_forms_of_methods_by_hand() -> None:
    """In two of three methods the text form forgets more, in one beyond chance; one lacks a figure."""

    def test(value: float, holm: float) -> dict[str, Any]:
        return {"difference": {"value": value, "low": value, "high": value}, "holm": holm}

    one, other = "mllmu_cloze/forget/text", "mllmu_factuality/test/image_text"
    methods = {
        "ga": {one: test(-0.3, 0.01), other: test(0.0, 1.0)},
        "npo": {one: test(-0.1, 0.2)},
        "po": {one: test(0.1, 0.04), other: test(3.0, 0.04)},
    }
    assert _sides(methods)[1:] == [
        ["3", "Cloze", "Forget", "by name", "-10 %", "2 (1)", "1 (1)"],
        ["2", "Fact", "Test", "with the picture", "1.5", "0 (0)", "1 (1)"],
    ]
