"""Pages of MLLMU-Bench, self-contained: the comparison of methods with a figure per ratio, or any blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from unsee.reports.blocks import Block
from unsee.reports.files import write_text
from unsee.reports.matrix_plot import LOOKS, WORDS
from unsee.reports.mllmu_beside import whole
from unsee.reports.mllmu_matrix import blocks
from unsee.reports.mllmu_ranking import title as title_of
from unsee.reports.mllmu_standing import POINTS, order
from unsee.reports.plot_labels import label_marks
from unsee.reports.plots import FAINT, GRID, PERCENT, STYLE, svg
from unsee.reports.redact import Redactor
from unsee.reports.rendering import environment, unsee_version

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
    plots = [(ratio, plot) for ratio in found["ratios"] if (plot := figure(ratio, found["rows"]))]
    return render(
        path,
        blocks(found, command),
        title="unsee bench mllmu",
        brand="comparison of methods",
        plots=plots,
        selection=found["split"] == "selection",
    )


def write_evaluation(path: Path, results: Mapping[str, Any], heading: str = "") -> Path:
    """Writes the page of one evaluation.

    Args:
        path: The file.
        results: Its ``results.json``.
        heading: What was evaluated, in a few words.

    Returns:
        The path.
    """
    return render(path, whole(results), title=heading or "unsee evaluate mllmu", brand="MLLMU-Bench")


def render(
    path: Path,
    content: Iterable[Block],
    *,
    title: str,
    brand: str,
    plots: Sequence[tuple[str, Markup]] = (),
    selection: bool = False,
) -> Path:
    """Writes blocks as a page that needs nothing else.

    Args:
        path: The file.
        content: What stands on the page.
        title: Of the window.
        brand: What kind of page it is.
        plots: Ratio and figure; they follow the first heading.
        selection: Whether figures serve to choose settings, which the page then says.

    Returns:
        The path.
    """
    template = environment(Redactor()).get_template("mllmu.html.j2")
    css = files("unsee.reports").joinpath("templates/report.css").read_text(encoding="utf-8")
    return write_text(
        path,
        template.render(
            blocks=[(type(block).__name__, block) for block in content],
            title=title,
            brand=brand,
            plots=plots,
            selection=selection,
            plain=lambda text: _MARKED.sub("", text),
            version=unsee_version(),
            css=Markup(css),
        ),
    )


def figure(ratio: str, rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    """What is left against what is lost, one mark per method; None when none has a standing."""
    here = sorted((row for row in rows if str(row["ratio"]) == ratio), key=order)
    placed = [row for row in here if row.get("standing")]
    if not placed:
        return None
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=SIZE, layout="constrained")
        axes = made.subplots()
        axes.fill([0, POINTS, POINTS, 0], [0, 0, POINTS, POINTS], color=GRID, zorder=0)
        for status in dict.fromkeys(row["standing"]["status"] for row in placed):
            found = [row["standing"] for row in placed if row["standing"]["status"] == status]
            xs, ys = [s["left"] for s in found], [s["lost"] for s in found]
            axes.scatter(xs, ys, s=60, label=WORDS[status], zorder=2, **LOOKS[status])
        axes.set(xlabel="left: mean distance from the aim on Forget and Test")
        axes.set_ylabel("lost: mean distance below the target on Retain and Real")
        axes.xaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_formatter(PERCENT)
        axes.annotate("better ↙", (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", color=FAINT)
        made.legend(loc="outside lower center", ncols=3)
        made.draw_without_rendering()
        marks = [(row["standing"]["left"], row["standing"]["lost"]) for row in placed]
        names = [(rank, title_of(row), row["standing"]["status"]) for rank, row in enumerate(placed, 1)]
        label_marks(axes, marks, [(mark, *name) for mark, name in zip(marks, names, strict=True)])
        spoken = "; ".join(
            f"{title_of(row)} left {row['standing']['left']:.0%}, lost {row['standing']['lost']:.0%}"
            for row in placed
        )
        return svg(made, f"standing-{ratio}", f"Left against lost. {spoken}.")
