"""The comparison of methods on MLLMU-Bench as one self-contained page: the tables, and a figure per ratio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from unsee.reports.files import write_text
from unsee.reports.matrix_plot import LOOKS, WORDS
from unsee.reports.mllmu_matrix import blocks, title
from unsee.reports.mllmu_standing import POINTS
from unsee.reports.plots import FAINT, GRID, INK, PERCENT, STYLE, svg
from unsee.reports.redact import Redactor
from unsee.reports.rendering import environment, unsee_version
from unsee.reports.safe import one_line

SIZE = (9.4, 6.2)
_MARKED = re.compile(r"[`*]|\\(?=[\\`*_\[\]|~>])")


def write_page(path: Path, found: Mapping[str, Any], command: str = "") -> Path:
    """Writes the page.

    Args:
        path: The file.
        found: ``results.json`` of the matrix.
        command: The command line that makes it, shown on the page; may be empty.

    Returns:
        The path.
    """
    template = environment(Redactor()).get_template("mllmu.html.j2")
    css = files("unsee.reports").joinpath("templates/report.css").read_text(encoding="utf-8")
    return write_text(
        path,
        template.render(
            found=found,
            blocks=[(type(block).__name__, block) for block in blocks(found, command)],
            plots=[(ratio, plot) for ratio in found["ratios"] if (plot := figure(ratio, found["rows"]))],
            plain=lambda text: _MARKED.sub("", text),
            version=unsee_version(),
            css=Markup(css),
        ),
    )


def figure(ratio: str, rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    """What is left against what is lost, one mark per method; None when none has a standing."""
    placed = [row for row in rows if str(row["ratio"]) == ratio and row.get("standing")]
    if not placed:
        return None
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=SIZE, layout="constrained")
        axes = made.subplots()
        axes.fill([0, POINTS, POINTS, 0], [0, 0, POINTS, POINTS], color=GRID, zorder=0)
        for status in dict.fromkeys(row["standing"]["status"] for row in placed):
            here = [row["standing"] for row in placed if row["standing"]["status"] == status]
            xs, ys = [s["left"] for s in here], [s["lost"] for s in here]
            axes.scatter(xs, ys, s=60, label=WORDS[status], zorder=2, **LOOKS[status])
        for row in placed:
            at = row["standing"]["left"], row["standing"]["lost"]
            axes.annotate(
                one_line(title(row), 40), at, (5, 3), textcoords="offset points", fontsize=7, color=INK
            )
        axes.set(xlabel="left: mean distance from the aim on Forget and Test")
        axes.set_ylabel("lost: mean distance below the target on Retain and Real")
        axes.xaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_formatter(PERCENT)
        axes.annotate("better ↙", (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", color=FAINT)
        made.legend(loc="outside lower center", ncols=3)
        spoken = "; ".join(
            f"{title(row)} left {row['standing']['left']:.0%}, lost {row['standing']['lost']:.0%}"
            for row in placed
        )
        return svg(made, f"standing-{ratio}", f"Left against lost. {spoken}.")
