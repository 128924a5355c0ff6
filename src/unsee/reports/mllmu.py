"""The tables of an MLLMU-Bench evaluation as text: one per set and modality, figures beside their floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unsee.metrics.info import METRICS
from unsee.reports.measures import measure_of, show, show_range

TITLES = {"forget": "Forget", "test": "Test", "retain": "Retain", "real": "Real"}
SIDES = {"image_text": "with the picture", "text": "by name"}


def markdown(results: Mapping[str, Any]) -> str:
    """Tables of every set and modality; each figure with its interval and n, floors in further columns."""
    data = results["data"]
    head = [
        f"# MLLMU-Bench, protocol {results['preset']}",
        f"{data['ratio']} % of the people to forget; data {data['revision']}. "
        "Intervals (95 %) resample people; an arrow shows what is better for an unlearned model.",
    ]
    tables = [_table(results, name, side) for name in TITLES for side in SIDES]
    notes = [f"Note: {note}" for note in data["notes"]]
    return "\n\n".join([*head, *(table for table in tables if table), *notes]) + "\n"


def _table(results: Mapping[str, Any], set_name: str, side: str) -> str:
    models, floors = results["models"], results["floors"]
    ending = f"/{set_name}/{side}"
    present = {c for found in models.values() for c in found}
    cells = [f"{metric}{ending}" for metric in METRICS if f"{metric}{ending}" in present]
    if not cells:
        return ""
    columns = [(name, models[name]) for name in models]
    columns += [(name, found) for name, found in floors.items() if any(c in found for c in cells)]
    lines = [
        f"## {TITLES[set_name]}, {SIDES[side]}",
        _row(["", *(name.replace("_", " ") for name, _ in columns)]),
        _row(["---"] * (len(columns) + 1)),
    ]
    for cell in cells:
        title = measure_of(cell.split("/")[0]).title
        known = next(found[cell] for _, found in columns if cell in found)
        arrow = "↓" if known["better"] == "lower" else "↑"
        lines.append(_row([f"{title} {arrow}", *(_cell(cell, found.get(cell)) for _, found in columns)]))
    return "\n".join([lines[0], "", *lines[1:]])


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _cell(cell: str, score: Mapping[str, Any] | None) -> str:
    if score is None:
        return ""
    unit = measure_of(cell.split("/")[0]).unit
    value, span = show(score["value"], unit), show_range(score["low"], score["high"], unit)
    exact = score["low"] == score["high"]
    return f"{value} n={score['n']}" if exact or not span else f"{value} [{span}] n={score['n']}"
