"""The tables of the MMUBench paper from cells written by hand."""

from __future__ import annotations

from typing import Any

from unsee.reports.matrix import Entry
from unsee.reports.mmubench import paper_tables


def score(value: float, better: str = "higher", n: int = 10) -> dict[str, Any]:
    return {"value": value, "low": value, "high": value, "n": n, "better": better}


def cell(
    method: str, concept: str, em: float, settings: tuple[tuple[str, str], ...] = (), **more: Any
) -> Entry:
    """A cell whose ``em`` is ``em`` in the corrected reading and 0.9 in the paper's."""
    models = {"target": {"em": score(0.0)}, "unlearned": {"em": score(em), "mia_rouge": score(0.25, "lower")}}
    paper = {
        "target": {"em": score(0.1)},
        "unlearned": {"em": score(0.9), "diversity": score(12.0)},
    }
    verdict = {"outcome": "forgot", "collapsed": False, "reasons": []}
    results = {
        "schema": 1,
        "suite": "mmubench",
        "preset": "corrected",
        "gate": {"known": True},
        "models": models,
        "readings": {"paper": paper, "released_code": {}},
        "concepts": {concept: {"verdict": verdict}},
        **more,
    }
    return Entry(method, concept, 0, settings, results)


def section(text: str, title: str) -> list[str]:
    return text.split(f"## {title}")[1].split("## ")[0].strip().splitlines()


def test_our_figures_stand_apart_from_published_ones() -> None:
    text = paper_tables([cell("siu", "a", 1.0), cell("siu", "b", 0.5), cell("ga", "a", 0.2)], "unsee bench")
    lines = section(text, "Table 1, reading corrected: one concept in a run")
    siu = next(line for line in lines if line.startswith("| `siu`"))
    assert siu.split("|")[3].split()[0] == "75"  # the mean of both concepts
    assert not any("published" in line for line in lines)
    paper = section(text, "Table 1, reading paper: one concept in a run")
    assert next(line for line in paper if line.startswith("| `siu`")).split("|")[3].split()[0] == "90"
    assert any(line.startswith("| *published*: SIU, LLaVA-7B | 100 | 99.0 |") for line in paper)
    assert "1200" not in text
    assert "12 (12–12)" in next(line for line in paper if line.startswith("| `siu`"))
    assert any(line.startswith("| *target* | – | 10 (") for line in paper)
    assert "| `siu` | 2 | 0 | 0 | 0 | 0 |" in text


def test_masks_have_their_table_and_other_settings_another() -> None:
    masks = (("knobs.token_mask", "false"), ("knobs.vocabulary_mask", "true"))
    text = paper_tables([cell("siu", "a", 0.7, masks), cell("siu", "a", 0.3, (("training.passes", "2"),))])
    assert "`siu knobs.token_mask=false knobs.vocabulary_mask=true` | 70" in "\n".join(
        section(text, "Table 2: masks")
    )
    assert "training.passes=2" in "\n".join(section(text, "Settings: targets, steps, sizes"))
    assert "Table 1" not in text


def test_several_concepts_and_sequences() -> None:
    verdict = {"verdict": {"outcome": "forgot", "collapsed": False}}
    both = {"concepts": {"a": verdict, "b": verdict}}
    matrix = [[{"naming_rate": score(0.0)}], [{"naming_rate": score(0.4)}, {"naming_rate": score(0.1)}]]
    course = {"order": ["a", "b"], "matrix": matrix, "rebound": [0.4, 0.0]}
    text = paper_tables(
        [cell("siu", "together-2-a", 0.6, **both), cell("siu", "sequence-2-a", 0.6, sequence=course, **both)]
    )
    assert "`siu`" in "\n".join(section(text, "Table 3: 2 concepts in one run"))
    lines = section(text, "Requests one after the other, siu, seed 0: named")
    assert lines[-3:] == ["| 1 | 0.0 |  |", "| 2 | 40.0 | 10.0 |", "| rebound | +40.0 | +0.0 |"]


def test_concepts_never_known_and_unfinished_cells_take_no_part() -> None:
    unknown = cell("siu", "a", 1.0, gate={"known": False})
    text = paper_tables([unknown, Entry("siu", "b", 0)])
    assert "| `siu` | – | – |" in text


def test_one_line_says_how_far_the_rule_judge_agrees_with_itself() -> None:
    told = [{"judge": "rule-1", **score(value, n=n), "kappa": None} for value, n in ((1.0, 30), (0.5, 10))]
    cells = [cell("siu", key, 1.0, judge_agreement=t) for key, t in zip("ab", told, strict=True)]
    text = paper_tables([*cells, cell("ga", "a", 0.2)])
    assert "grades 88% of 40 replies and the same in other words alike" in text
    assert "in other words" not in paper_tables([cell("ga", "a", 0.2)])
