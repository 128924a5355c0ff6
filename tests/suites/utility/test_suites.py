"""Several files as suites: ids, names of figures, the mean, and the paired difference by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suites.utility.make import json_file, save, table_file
from unsee.nouns import UserError
from unsee.suites.utility.local import LocalSuite, load_suite, mean_of


def pope_file(folder: Path) -> Path:
    """Two pictures, two questions each, yes and no."""
    rows = []
    for i in range(2):
        save(folder / "shown" / f"{i}.png", i)
        rows += [{"image": f"{i}.png", "text": f"A cat? {i}", "label": "yes"}]
        rows += [{"image": f"{i}.png", "text": f"A dog? {i}", "label": "no"}]
    return json_file(folder / "pope.jsonl", rows)


def pope(folder: Path, name: str = "pope") -> LocalSuite:
    return load_suite(name, pope_file(folder), folder / "shown")


def said(suite: LocalSuite, *texts: str) -> dict[str, str]:
    return {q.id: text for q, text in zip(suite.questions, texts, strict=True)}


def test_ids_and_splits_are_the_suites_own(tmp_path: Path) -> None:
    plain, popular = pope(tmp_path), pope(tmp_path, "pope-popular")
    assert not {q.id for q in plain.questions} & {q.id for q in popular.questions}
    assert {q.split for q in popular.asked} == {"pope-popular"}
    assert {q.split for q in popular.questions} == {"pope"}
    assert [q.id for q in popular.asked] == [q.id for q in popular.questions]


def test_figures_carry_the_name_of_the_suite(tmp_path: Path) -> None:
    plain, popular = pope(tmp_path), pope(tmp_path, "pope-popular")
    texts = ("Yes.", "No.", "Yes.", "Yes.")
    assert plain.scores(said(plain, *texts), "corrected")["pope_accuracy"].value == 0.75
    found = popular.scores(said(popular, *texts), "corrected")
    assert found["pope_accuracy:popular"].value == 0.75
    assert "pope_accuracy" not in found
    silent = said(plain, "", "", "", "")
    assert plain.scores(silent, "corrected")["pope_accuracy"].value == 0
    assert plain.scores(silent, "released_code")["pope_accuracy"].value == 0.5  # silence is a yes there
    assert plain.scores({}, "corrected") == {}


def test_the_difference_is_paired_by_question(tmp_path: Path) -> None:
    suite = pope(tmp_path)
    after = said(suite, "Yes.", "Yes.", "No.", "No.")  # right: 1 0 0 1
    before = said(suite, "Yes.", "No.", "Yes.", "Yes.")  # right: 1 1 1 0
    found = suite.difference(after, before, "corrected")
    assert found is not None
    assert found.score.value == pytest.approx((0 - 1 - 1 + 1) / 4)
    assert (found.score.n, found.score.better) == (4, "higher")
    assert found.score.low <= -0.25 <= found.score.high
    # Sums per picture: -1 and 0; of the four patterns of signs all are as far from 0 as the observed one.
    assert found.p == 1.0
    first = suite.questions[0].id
    one = suite.difference({first: "No."}, before, "corrected")
    assert one is not None
    assert (one.score.value, one.score.n) == (-1.0, 1)
    assert suite.difference({}, before, "corrected") is None


def test_the_mean_is_over_suites_not_over_questions(tmp_path: Path) -> None:
    yes_no = pope(tmp_path)
    rows = [(i, f"{i}.png", "What is it?", "a cat", "a dog", "A") for i in range(2)]
    file = table_file(tmp_path / "c.tsv", ("index", "image_path", "question", "A", "B", "answer"), rows)
    picks = load_suite("choices-bench", file, tmp_path / "shown")
    scores = yes_no.scores(said(yes_no, "Yes.", "No.", "Yes.", "Yes."), "corrected")
    scores |= picks.scores(said(picks, "B", "B"), "corrected")
    mean = mean_of([yes_no, picks], scores)
    assert mean is not None
    assert mean.value == pytest.approx((0.75 + 0) / 2)
    assert mean_of([yes_no, picks], {k: v for k, v in scores.items() if "pope" in k}) is None


@pytest.mark.parametrize("name", ["gqa", "pope-", "Pope", "pope-a b", ""])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no such utility suite"):
        pope(tmp_path, name)


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    pope_file(tmp_path)
    json_file(tmp_path / "pope.jsonl", [{"image": "0.png", "text": "A cat?", "label": "maybe"}])
    with pytest.raises(UserError, match="line 1"):
        load_suite("pope", tmp_path / "pope.jsonl", tmp_path / "shown")
    with pytest.raises(UserError, match="no such picture file"):
        load_suite("pope", pope_file(tmp_path))  # the pictures are not beside the file
