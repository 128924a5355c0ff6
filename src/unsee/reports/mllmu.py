"""The figures of an MLLMU-Bench evaluation: a table per set and modality, with floors beside each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unsee.metrics.info import METRICS
from unsee.reports.blocks import Block, Heading, Table, Words, as_text
from unsee.reports.measures import measure_of, show, show_range

TITLES = {"forget": "Forget", "test": "Test", "retain": "Retain", "real": "Real"}
SIDES = {"image_text": "with the picture", "text": "by name"}


def markdown(results: Mapping[str, Any]) -> str:
    """Tables of every set and modality; each figure with its interval and n, floors in further columns."""
    return as_text(figures(results))


def figures(results: Mapping[str, Any]) -> Iterator[Block]:
    """What every set and modality came to, and remarks on data and judge."""
    data, judge = results["data"], results["judge"]
    yield Heading(1, f"MLLMU-Bench, protocol {results['preset']}")
    yield Words(
        f"{data['ratio']} % of the people to forget; data {data['revision']}. "
        "Intervals (95 %) resample people; an arrow shows what is better for an unlearned model."
    )
    for name, title in TITLES.items():
        for side, words in SIDES.items():
            if lines := _lines(results, f"/{name}/{side}"):
                yield Heading(2, f"{title}, {words}")
                yield Table(lines)
    yield Words(f"Factuality is graded by {judge['name']}{_ungraded(judge['ungraded'])}.")
    yield from (Words(f"Note: {note}") for note in data["notes"])


def _ungraded(found: Mapping[str, Mapping[str, int]]) -> str:
    """Replies without a grade by model, and why."""
    told = [f"{model} {count} {why}" for model, reasons in found.items() for why, count in reasons.items()]
    return f"; replies without a grade: {', '.join(told)}" if told else ""


def _lines(results: Mapping[str, Any], ending: str) -> list[list[str]]:
    models, floors = results["models"], results["floors"]
    present = {c for found in models.values() for c in found}
    cells = [f"{metric}{ending}" for metric in METRICS if f"{metric}{ending}" in present]
    columns = [*models.items(), *floors.items()]
    columns = [(name, found) for name, found in columns if any(c in found for c in cells)]
    lines = [["", *(name.replace("_", " ") for name, _ in columns)]] if cells else []
    for cell in cells:
        known = next(found[cell] for _, found in columns if cell in found)
        arrow = "↓" if known["better"] == "lower" else "↑"
        title = measure_of(cell.split("/")[0]).title
        lines.append([f"{title} {arrow}", *(shown(cell, found.get(cell)) for _, found in columns)])
    return lines


def shown(metric: str, score: Mapping[str, Any] | None) -> str:
    """A figure with interval and n; empty for none.

    Args:
        metric: Its id, or a cell that begins with it.
        score: Value, low, high and n.
    """
    if score is None:
        return ""
    unit = measure_of(metric.split("/")[0]).unit
    value, span = show(score["value"], unit), show_range(score["low"], score["high"], unit)
    exact = score["low"] == score["high"]
    return f"{value} n={score['n']}" if exact or not span else f"{value} [{span}] n={score['n']}"
