"""The line about cost at the end of a command, and the table of the report."""

from __future__ import annotations

from unsee.packs.cost import Cost
from unsee.reports.page import costs
from unsee.reports.receipt import cost_line


def test_counters_stand_beside_one_row_per_text() -> None:
    cost = Cost(lm_tokens=1528, images_encoded=1, seconds=2.25, peak_memory=3 * 2**29)
    cost.row_by_row.lm_tokens, cost.row_by_row.images_encoded = 35_728, 56
    line = cost_line(cost.as_json())
    assert "2.2 s · 1.50 GB peak · 1,528 (35.7k) tokens · 1 (56) pictures encoded" in line
    assert line.endswith("(in brackets: one row per text)")


def test_older_receipts_have_no_brackets() -> None:
    assert "(" not in cost_line({"lm_tokens": 12_345_678, "seconds": 1.0, "peak_memory": 0})
    assert "12.3M tokens" in cost_line({"lm_tokens": 12_345_678})
    assert cost_line({}) == ""


def test_counters_that_a_receipt_lacks_are_left_out() -> None:
    assert cost_line({"seconds": 61.25, "peak_memory": 2**30}) == "61.2 s · 1.00 GB peak"


def test_the_report_shows_both() -> None:
    cost = Cost(lm_tokens=10)
    cost.row_by_row.lm_tokens = 70
    stage = cost.as_json()
    columns, rows = costs({**stage, "stages": {"target": stage}})
    assert columns == ["total", "target"]
    table = dict(rows)
    assert table["Tokens through the language model"] == ["10", "10"]
    assert table["Tokens through the language model, one row per text"] == ["70", "70"]
