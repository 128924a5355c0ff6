"""The cost receipt in one line, for the end of a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COUNTED: Mapping[str, str] = {
    "lm_tokens": "tokens",
    "images_encoded": "pictures encoded",
    "head_rows": "output rows",
    "forwards": "forward passes",
    "backwards": "backward passes",
    "model_copies": "model copies",
}


def cost_line(cost: Mapping[str, Any]) -> str:
    """Seconds, peak memory and counters, each beside what one row per text would have taken; "" without any.

    Args:
        cost: Content of ``cost.json``; counters that it lacks are left out.
    """
    if "seconds" not in cost and "lm_tokens" not in cost:
        return ""
    single = cost.get("row_by_row", {})
    parts = [f"{cost.get('seconds', 0.0):,.1f} s", f"{cost.get('peak_memory', 0) / 2**30:.2f} GB peak"]
    for key, title in COUNTED.items():
        if key not in cost:
            continue
        beside = f" ({_number(single[key])})" if key in single else ""
        parts.append(f"{_number(cost[key])}{beside} {title}")
    return " · ".join(parts) + (" (in brackets: one row per text)" if single else "")


def _number(value: float) -> str:
    """At most four characters or so: 950, 12.3k, 4.56M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if value >= size:
            return f"{value / (1000 if letter == 'k' else size):.3g}{letter}"
    return f"{value:,}"
