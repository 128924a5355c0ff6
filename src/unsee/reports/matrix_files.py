"""The comparison of many runs as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from unsee.nouns import Score
from unsee.reports.matrix import (
    NOTES,
    POINTS,
    RETAINED,
    STATUS_WORDS,
    Matrix,
    Row,
    naming_score,
    retained_score,
)
from unsee.reports.measures import measure_of, show, show_range
from unsee.reports.safe import markdown

SHOWN = (
    "efficacy",
    "yes_no_balanced",
    "choice_likelihood",
    "facts_by_picture",
    "facts_by_text",
    "others_named",
    "others_yes_no",
    "neighbours_named",
    "strangers_refused",
    "attributes",
    "scenes",
    "retain_agreement",
    "facts_agreement",
    "fluency_ppl",
    "degenerate_rate",
)
FIXED = ("#", "method", "result", "named", "over gold", "retain accuracy", "distance")
COST = ("tokens", "seconds")


def shown_metrics(matrix: Matrix) -> list[str]:
    """Metrics with a column of their own, as far as they were measured."""
    return [metric for metric in SHOWN if metric in matrix.metrics]


def score_text(score: Score | None, metric: str = "naming_rate") -> str:
    """``2.5 (0-7)``: value and interval in percent for shares, plain for other numbers."""
    if score is None:
        return "–"
    unit = measure_of(metric).unit
    return f"{show(score.value, unit).removesuffix(' %')} ({show_range(score.low, score.high, unit)})"


def points_text(value: float | None) -> str:
    """A difference in points, with its sign."""
    return "–" if value is None else f"{round(100 * value, 1) + 0.0:+.1f}"  # never -0.0


def count_text(value: float | None) -> str:
    """A count in thousands or millions, short."""
    if value is None:
        return "–"
    return (
        f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k" if value >= 1e3 else f"{value:.0f}"
    )


def result_text(row: Row) -> str:
    """The status in words, with how many runs it is about."""
    if row.status == "failed":
        what = "failed" if row.failures else "not finished"
        return f"{what} ({len(row.entries) - row.done} of {len(row.entries)} runs)"
    if row.status == "collapse":
        return f"collapse ({len(row.collapses)} of {len(row.entries)} runs)"
    return STATUS_WORDS[row.status]


def as_markdown(matrix: Matrix, command: str = "") -> str:
    """The table with its notes; rows of which no run has ended are only named."""
    metrics = shown_metrics(matrix)
    header = [*FIXED, *(f"`{metric}`" for metric in metrics), *COST]
    lines = [_line(header), "|" + " --- |" * len(header)]
    lines += [_line(cells) for cells in (*_floor_cells(matrix, metrics), *_row_cells(matrix, metrics))]
    head = [f"# Methods on the suite {matrix.suite}, split {matrix.split}", "", _scope(matrix), ""]
    if command:
        head += ["```sh", command, "```", ""]
    unit = "Shares in percent, 95 % intervals in brackets; differences in points."
    notes = [f"- {note}" for note in NOTES]
    remarks = [f"- `{title}`: {markdown(text, 400)}" for title, text in remarks_of(matrix)]
    tail = ["", "## What is behind a result", "", *remarks] if remarks else []
    if waiting := [f"`{row.title}`" for row in matrix.rows if not row.tried]:
        tail += ["", f"Not begun or not finished yet: {', '.join(waiting)}."]
    return "\n".join([*head, *lines, "", unit, "", *notes, *tail]) + "\n"


def remarks_of(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """(method, why it is not a success), one per reason."""
    for row in matrix.rows:
        for text in (*row.failures, *row.collapses, *(row.shortfalls if row.done else ())):
            yield row.title, text


def as_csv(matrix: Matrix) -> str:
    """One line per floor and method; every figure with its interval and n."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    metrics = ("named", "retain_accuracy", *matrix.metrics)
    fixed = ("rank", "method", "settings", "result", "runs", "done", "collapsed")
    figures = ("named_over_gold", "retain_drop", "retention", "distance_to_gold", "lm_tokens", "seconds")
    parts = ("", "_low", "_high", "_n")
    writer.writerow([*fixed, *figures, *(f"{metric}{part}" for metric in metrics for part in parts)])
    for model, scores in matrix.floors.items():
        own = {**scores, "named": naming_score(scores), "retain_accuracy": retained_score(scores)}
        blank = ["" for _ in (*fixed[4:], *figures)]
        writer.writerow(["", model, "", "floor", *blank, *_csv_scores(own, metrics)])
    for rank, row in enumerate(matrix.rows, start=1):
        settings = " ".join(f"{key}={value}" for key, value in row.settings)
        own = {**row.metrics, "named": row.named, "retain_accuracy": row.retained}
        counts = [len(row.entries), row.done, len(row.collapses)]
        values = [row.gap, row.drop, row.retention, row.distance, row.tokens, row.seconds]
        shown = ["" if value is None else value for value in values]
        writer.writerow([rank, row.method, settings, row.status, *counts, *shown, *_csv_scores(own, metrics)])
    return buffer.getvalue()


def as_json(matrix: Matrix) -> dict[str, Any]:
    """The content of ``results.json`` of a matrix."""
    return {
        "schema": 1,
        "suite": matrix.suite,
        "split": matrix.split,
        "concepts": list(matrix.concepts),
        "seeds": list(matrix.seeds),
        "rule": {"points": POINTS, "retain_accuracy": list(RETAINED), "notes": list(NOTES)},
        "floors": {
            model: {metric: score.as_json() for metric, score in scores.items()}
            for model, scores in matrix.floors.items()
        },
        "methods": {row.title: _row_json(rank, row) for rank, row in enumerate(matrix.rows, start=1)},
    }


def json_text(matrix: Matrix) -> str:
    """:func:`as_json` as text; NaN and infinity are refused."""
    return json.dumps(as_json(matrix), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row_json(rank: int, row: Row) -> dict[str, Any]:
    return {
        "rank": rank,
        "method": row.method,
        "settings": dict(row.settings),
        "status": row.status,
        "shortfalls": list(row.shortfalls),
        "collapses": list(row.collapses),
        "failures": list(row.failures),
        "runs": [
            {"concept": e.concept, "seed": e.seed, "folder": e.folder, "done": e.results is not None}
            for e in row.entries
        ],
        "named": None if row.named is None else row.named.as_json(),
        "retain_accuracy": None if row.retained is None else row.retained.as_json(),
        "named_over_gold": row.gap,
        "retain_drop": row.drop,
        "retention": row.retention,
        "distance_to_gold": row.distance,
        "metrics": {metric: score.as_json() for metric, score in row.metrics.items()},
        "cost": {"lm_tokens": row.tokens, "seconds": row.seconds},
    }


def _csv_scores(scores: dict[str, Any], metrics: Sequence[str]) -> list[object]:
    found: list[object] = []
    for metric in metrics:
        score = scores.get(metric)
        found += ["", "", "", ""] if score is None else [score.value, score.low, score.high, score.n]
    return found


def _floor_cells(matrix: Matrix, metrics: Sequence[str]) -> Iterator[list[str]]:
    for model, scores in matrix.floors.items():
        texts = [score_text(scores.get(metric), metric) for metric in metrics]
        kept = score_text(retained_score(scores))
        yield ["", f"*{model}*", "floor", score_text(naming_score(scores)), "", kept, "", *texts, "", ""]


def _row_cells(matrix: Matrix, metrics: Sequence[str]) -> Iterator[list[str]]:
    for rank, row in enumerate((row for row in matrix.rows if row.tried), start=1):
        texts = [score_text(row.metrics.get(metric), metric) for metric in metrics]
        result = result_text(row)
        distance = "–" if row.distance is None else f"{row.distance:.3f}"
        seconds = "–" if row.seconds is None else f"{row.seconds:.0f}"
        yield [
            str(rank),
            f"`{row.title}`",
            f"**{result}**" if row.status != "short" else result,
            score_text(row.named),
            points_text(row.gap),
            score_text(row.retained),
            distance,
            *texts,
            count_text(row.tokens),
            seconds,
        ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _scope(matrix: Matrix) -> str:
    seeds = ", ".join(map(str, matrix.seeds))
    named = ", ".join(matrix.concepts[:12]) + (", ..." if len(matrix.concepts) > 12 else "")
    return f"{len(matrix.rows)} rows; concepts: {named}; seeds: {seeds}."
