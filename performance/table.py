"""Results as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

COUNTERS = {
    "tokens": "lm_tokens",
    "pictures": "images_encoded",
    "head rows": "head_rows",
    "copies": "model_copies",
}


def show(results: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Three lines per comparison, then what its two sides are."""
    table = Table(title="Medians; ratio = how many times more the peer's layout takes")
    table.add_column("")
    table.add_column("")
    for name in ("wall s", "cpu s", "memory MB", *COUNTERS):
        table.add_column(name, justify="right")
    for result in results:
        title = f"{result['case']} {result['shape']['name']}"
        table.add_row(title, "ours", *_figures(result["ours"]))
        table.add_row("", "peer", *_figures(result["peer"]))
        table.add_row("", "ratio", *_ratios(result["ratios"]), end_section=True)
    console.print(table)
    for result in results:
        console.print(f"{result['case']} ours: {result['title']}\n   peer: {result['peer_title']}")


def _figures(side: Mapping[str, Any]) -> list[str]:
    counters = [f"{side['counters'][name]:,}" for name in COUNTERS.values()]
    times = [f"{side['wall_seconds']:.2f}", f"{side['process_seconds']:.2f}"]
    return [*times, f"{side['memory_bytes'] / 2**20:,.0f}", *counters]


def _ratios(ratios: Mapping[str, float]) -> list[str]:
    names = ("wall", "process", "memory", *COUNTERS.values())
    return [f"{ratios[name]:.1f}" if name in ratios else "" for name in names]
