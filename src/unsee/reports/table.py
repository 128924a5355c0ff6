"""The results in the terminal: at most 100 columns, readable without colour and without rich."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unsee.reports import page, verdict
from unsee.reports.measures import models_of
from unsee.reports.redact import MARK, Redactor
from unsee.reports.safe import one_line

WIDTH = 100
MEASURE_WIDTH = 40
_ARROWS = {"higher": "↑", "lower": "↓"}
_ASCII = str.maketrans({"↑": "^", "↓": "v", "–": "-", "“": '"', "”": '"', "…": "..."})
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}


def print_results(results: Mapping[str, Any], console: Console, *, redact: bool = False) -> None:
    """Prints the verdict and the table of results.

    Args:
        results: Content of ``results.json``.
        console: Where to print; its width is respected up to 100 columns.
        redact: Replaces the concept's names.
    """
    verdict_, notes = _verdict(results, redact)
    width = min(WIDTH, console.width)
    console.print(Text(verdict_.title, style=f"bold {_COLOURS[verdict_.tone]}"), soft_wrap=False, width=width)
    for note in notes:
        console.print(Text(note, style="yellow"), width=width)
    console.print(_rich_table(results), width=width)


def plain_results(results: Mapping[str, Any], *, redact: bool = False) -> str:
    """The same as plain text of at most 100 columns, without escape sequences; our own words in ASCII."""
    verdict_, notes = _verdict(results, redact)
    models = _shown(results)
    lines = [line for text in (verdict_.title, *notes) for line in textwrap.wrap(text, WIDTH)]
    lines += ["", _line("", models)]
    for title, rows in page.table(results):
        lines += ["", title]
        lines += [_line("  " + _title(row).translate(_ASCII), _cells(results, row)) for row in rows]
    lines += ["", "^ higher is better, v lower is better."]
    return "\n".join(lines).translate(_ASCII) + "\n"


def _verdict(results: Mapping[str, Any], redact: bool) -> tuple[verdict.Verdict, list[str]]:
    concept = results.get("concept") or {}
    name = MARK if redact else one_line(concept.get("name") or "the concept", 60)
    found = verdict.judge(results, name)
    notes = [f"Collapse: {reason}." for reason in found.collapse]
    if not found.known:
        notes.append("The model did not know the concept before removal: no evidence of forgetting.")
    notes += [f"Lost: {title}: {now} ({was} before)." for title, was, now in found.losses]
    hide = Redactor(
        (str(concept.get("name") or ""), *map(str, concept.get("aliases") or ())) if redact else ()
    )
    return found, [hide.text(note) for note in notes]


def _shown(results: Mapping[str, Any]) -> list[str]:
    """At most five model columns, so that 100 columns are enough."""
    return [one_line(m, 10) for m in models_of(results)[:5]]


def _title(row: page.Row) -> str:
    return f"{one_line(row.measure.title, 34)} {_ARROWS.get(row.measure.better, '')}".rstrip()


def _cells(results: Mapping[str, Any], row: page.Row) -> list[str]:
    return ["–" if cell is None else cell.value for cell in row.cells[: len(_shown(results))]]


def _line(first: str, cells: list[str]) -> str:
    return (first.ljust(MEASURE_WIDTH) + "".join(c.rjust(12) for c in cells)).rstrip()


def _rich_table(results: Mapping[str, Any]) -> Table:
    table = Table(show_edge=False, pad_edge=False, header_style="bold", caption_justify="left")
    table.add_column("", ratio=3, min_width=20)
    for model in _shown(results):
        table.add_column(Text(model), justify="right", no_wrap=True)
    for title, rows in page.table(results):
        table.add_section()
        table.add_row(Text(title, style="bold"))
        for row in rows:
            table.add_row(
                Text("  " + _title(row)), *(_cell_text(c) for c in row.cells[: len(_shown(results))])
            )
    table.caption = Text("95 % intervals beneath; ↑ higher is better, ↓ lower is better.", style="dim")
    return table


def _cell_text(cell: page.Cell | None) -> Text:
    if cell is None:
        return Text("–")
    text = Text(cell.value)
    if cell.interval:
        text.append(f"\n{cell.interval}", style="dim")
    return text
