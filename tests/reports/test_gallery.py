from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.fake_run import make_run, write_lines
from unsee.reports.files import RunData, read_run
from unsee.reports.gallery import sections
from unsee.reports.page import answer_pieces, costs, picture_counts, trained
from unsee.reports.pictures import concept_pictures, public_pictures


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(make_run(tmp_path_factory.mktemp("gallery") / "run"))


def test_failures_come_first_and_are_counted(data: RunData) -> None:
    concept, rest = sections(data)
    assert [(s.title, s.shown, s.total) for s in concept[:2]] == [
        ("Still named", 1, 1),
        ("New pictures of the concept", 6, 24),
    ]
    assert [(s.title, s.total, s.bad) for s in rest[:2]] == [
        ("Lost on the way", 2, True),
        ("Others", 8, False),
    ]


def test_replies_stand_side_by_side_with_their_judgement(data: RunData) -> None:
    case = sections(data)[0][1].cards[0].cases[0]
    assert [(s.model, s.label, s.tone) for s in case.said] == [
        ("target", "names it", "plain"),
        ("unlearned", "not named", "good"),
    ]
    assert [s.model for s in case.floors] == ["gold", "blind"]


def test_questions_about_one_picture_share_a_card(data: RunData) -> None:
    training = next(s for s in sections(data)[0] if s.title == "The training picture")
    assert len(training.cards) == 1
    assert len(training.cards[0].cases) == 2


def test_broken_replies_stand_where_they_belong(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    rows = [{**r, "status": "gibberish"} if r["model"] == "unlearned" else r for r in read_run(run).records]
    write_lines(run / "records.jsonl", rows)
    concept, rest = sections(read_run(run))
    assert ("Broken replies", 37) in [(s.title, s.total) for s in concept]
    assert ("Broken replies", 32) in [(s.title, s.total) for s in rest]


def test_whose_pictures(data: RunData) -> None:
    own, public = concept_pictures(data), public_pictures(data)
    yes_no = {str(r["picture"]) for r in data.records if r["split"] in ("naming", "efficacy", "yes_no")}
    assert yes_no <= own
    assert not own & public
    assert picture_counts(data) == (1, 8, 32)


def test_masked_spans_cut_the_answer() -> None:
    pieces = answer_pieces({"answer": "This is Ann Lee.", "masked": [[8, 15], [10, 12], [90, 99], ["a", 1]]})
    assert pieces == [("This is ", False), ("Ann Lee", True), (".", False)]


def test_layers_of_a_role_are_added_up(data: RunData) -> None:
    assert trained(data)[0] == ("language.attention (2 layers)", "131,072", "524,288", "25 %")


def test_costs_by_stage() -> None:
    columns, rows = costs({"seconds": 3.0, "peak_memory": 2**21, "stages": {"train": {"seconds": 1.25}}})
    assert columns == ["total", "train"]
    assert rows == [("Seconds", ["3", "1.2"]), ("Peak memory (MB)", ["2", "–"])]
    assert costs({}) == ([], [])
