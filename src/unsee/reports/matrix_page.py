"""The comparison of many runs as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from unsee.nouns import Score
from unsee.reports.files import write_text
from unsee.reports.matrix import NOTES, Matrix, Row, naming_score, retained_score
from unsee.reports.matrix_files import (
    count_text,
    points_text,
    remarks_of,
    result_text,
    shown_metrics,
)
from unsee.reports.matrix_plot import pareto
from unsee.reports.measures import MODELS, measure_of, show, show_range
from unsee.reports.redact import Redactor
from unsee.reports.rendering import environment, unsee_version

TONES = {"success": "good", "short": "warn", "collapse": "bad", "unknown": "warn", "failed": "bad"}


def write_page(path: Path, matrix: Matrix, command: str = "") -> Path:
    """Writes the page.

    Args:
        path: The file.
        matrix: The comparison.
        command: The command line that makes it, shown on the page; may be empty.

    Returns:
        The path.
    """
    template = environment(Redactor()).get_template("matrix.html.j2")
    return write_text(path, template.render(_context(matrix, command)))


def _context(matrix: Matrix, command: str) -> dict[str, Any]:
    metrics = shown_metrics(matrix)
    return {
        "matrix": matrix,
        "command": command,
        "unit": "setting" if any(row.settings for row in matrix.rows) else "method",
        "won": [row for row in matrix.rows if row.status == "success"],
        "collapsed": [row for row in matrix.rows if row.status == "collapse"],
        "failed": [row for row in matrix.rows if row.status == "failed"],
        "plot": pareto(matrix),
        "columns": [measure_of(metric) for metric in metrics],
        "floors": [_floor(model, scores, metrics) for model, scores in matrix.floors.items()],
        "rows": [_row(row, metrics) for row in matrix.rows if row.tried],
        "waiting": [row.title for row in matrix.rows if not row.tried],
        "remarks": list(remarks_of(matrix)),
        "notes": NOTES,
        "model_words": MODELS,
        "link": lambda folder: quote(f"{folder}/report.html"),
        "version": unsee_version(),
        "css": Markup(files("unsee.reports").joinpath("templates/report.css").read_text(encoding="utf-8")),
    }


def _floor(model: str, scores: Mapping[str, Score], metrics: list[str]) -> dict[str, Any]:
    cells = [naming_score(scores), retained_score(scores)]
    return {
        "model": model,
        "named": cell(cells[0]),
        "retained": cell(cells[1]),
        "cells": [cell(scores.get(metric), metric) for metric in metrics],
    }


def _row(row: Row, metrics: list[str]) -> dict[str, Any]:
    return {
        "row": row,
        "tone": TONES[row.status],
        "result": result_text(row),
        "named": cell(row.named),
        "gap": points_text(row.gap),
        "retained": cell(row.retained),
        "drop": points_text(None if row.drop is None else -row.drop),
        "distance": "–" if row.distance is None else f"{row.distance:.3f}",
        "cells": [cell(row.metrics.get(metric), metric) for metric in metrics],
        "tokens": count_text(row.tokens),
        "seconds": "–" if row.seconds is None else f"{row.seconds:.0f} s",
    }


def cell(score: Score | None, metric: str = "naming_rate") -> tuple[str, str]:
    """(value, interval) as texts."""
    if score is None:
        return "–", ""
    unit = measure_of(metric).unit
    return show(score.value, unit), show_range(score.low, score.high, unit)
