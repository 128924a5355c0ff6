"""Tests for ``unsee.reports.mllmu_ranking``: orders worked by hand."""

from __future__ import annotations

from typing import Any

from unsee.reports.mllmu_page import figure
from unsee.reports.mllmu_ranking import across_ratios, ranking


def row(method: str, ratio: int, status: str = "", left: float = 0.0, lost: float = 0.0) -> dict[str, Any]:
    """A finished row; without a status one that failed."""
    made: dict[str, Any] = {
        **{"method": method, "ratio": ratio, "modality": "image_text", "settings": {}, "failures": []},
        "cost": {"training_seconds": 12.3, "asking_seconds": 4.0, "training_lm_tokens": 5_000},
    }
    if not status:
        return made | {"failures": ["Out of memory.\n  got: 3 GB"], "cost": {}}
    standing = {"status": status, "left": left, "lost": lost, "broken": 0.0, "distance": (left + lost) / 2}
    return made | {"standing": standing, "models": {}}


def test_methods_of_one_ratio_stand_in_order() -> None:
    rows = [row("a", 5), row("b", 5, "short", 0.3, 0.1), row("c", 5, "success", 0.05, 0.08)]
    lines = ranking(rows)
    assert [line[1] for line in lines] == ["method", "`c`", "`b`", "`a`"]
    assert lines[1][:6] == ["1", "`c`", "success", "5", "8", "0"]
    assert lines[3][2].startswith("failed: Out of memory.; got: 3 GB")
    assert lines[3][3:] == ["–"] * 6


def test_a_method_stands_where_its_worst_ratio_puts_it() -> None:
    rows = [
        *(row("never", 5, "short", 0.2, 0.2), row("never", 10, "short", 0.2, 0.2)),
        *(row("once", 5, "success", 0.01, 0.01), row("once", 10, "collapse", 0.01, 0.9)),
        *(row("always", 5, "success", 0.1, 0.1), row("always", 10, "success", 0.1, 0.1)),
        *(row("nearer", 5, "short", 0.3, 0.1), row("nearer", 10, "success", 0.0, 0.0)),
        *(row("half", 5, "success", 0.0, 0.0), row("failed", 5), row("failed", 10)),
    ]
    lines = across_ratios(rows)
    header = ["5 % result", "5 % left", "5 % lost", "10 % result", "10 % left", "10 % lost"]
    assert lines[0] == ["", "method", *header]
    assert [line[1] for line in lines[1:]] == [
        *("`always`", "`nearer`", "`never`", "`once`", "`half`", "`failed`")
    ]
    assert lines[2][2:] == ["falls short", "30", "10", "success", "0", "0"]
    assert lines[5][2:] == ["success", "0", "0", "–", "–", "–"]
    assert lines[6][2].startswith("failed: Out of memory.")


def test_the_figure_names_every_method_that_has_a_place() -> None:
    near = [row(f"m{n}", 5, "short", 0.2, 0.1 + n / 1000) for n in range(5)]
    drawn = str(figure("5", [*near, row("gone", 5, "collapse", 0.0, 0.9), row("failed", 5)]))
    assert all(f">{n + 1} m{n}<" in drawn for n in range(5))
    assert ">6 gone<" in drawn
    assert "failed" not in drawn
    assert figure("10", near) is None
