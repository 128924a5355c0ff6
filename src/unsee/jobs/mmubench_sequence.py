"""Requests that come one after the other, each on top of the adapters of those before it.

After every request all concepts so far are asked about: what the request did (immediate forgetting), and what
it did to earlier ones (a concept that comes back is a rebound). The matrix ``A[i][j]`` holds the figures of
concept ``j`` after request ``i``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from unsee.jobs.folder import RunFolder
from unsee.jobs.inputs import Request
from unsee.jobs.mmubench_asking import lines_by_model
from unsee.jobs.mmubench_cell import Cell, train
from unsee.jobs.receipt import Receipt
from unsee.models.adapters import load_adapter, merge
from unsee.models.chaining import together
from unsee.models.hooks import Hook
from unsee.models.load import VLM
from unsee.suites.mmubench.figures import Scoring, figures

SHOWN = (
    *("naming_rate", "em", "em_name", "yes_no_balanced", "multi_hop", "degenerate_rate"),
    *("specificity", "others_named", "others_yes_no", "attributes", "scenes", "strangers_refused"),
)
LAST = "unlearned"


def run_sequence(cell: Cell, requests: Sequence[Request]) -> Mapping[str, Any]:
    """Serves the requests in order; hands back the part of ``results.json`` that tells their course.

    The model after the last request is called ``unlearned`` like that of any other run.
    """
    vlm, hooks = cell.vlm, list[Hook]()
    labels = [*(f"after-{place + 1}" for place in range(len(requests) - 1)), LAST]
    for place, label in enumerate(labels):
        vlm = _serve(cell, vlm, hooks, place, label, requests)
    return {"sequence": _course(cell, requests, labels)}


def _serve(
    cell: Cell, vlm: VLM, hooks: list[Hook], place: int, label: str, requests: Sequence[Request]
) -> VLM:
    """One request: rows, training, questions about all concepts so far.

    Args:
        cell: The cell.
        vlm: What the request begins with.
        hooks: Those of earlier requests; the one of this request is added.
        place: Which request, from 0 on.
        label: What the model after it is called.
        requests: All of them.

    Returns:
        What the next request begins with: the merged model. A hook changes no weight and is made from the
        target each time, so with hooks that is the target again.
    """
    request = requests[place]
    path = cell.folder.path / "requests" / f"{place + 1:02d}-{request.concept.id}"
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    receipt = Receipt(folder)
    train(cell, vlm, [request], folder, receipt)
    sheets = [cell.sheet(one) for one in requests[: place + 1]]
    loaded = load_adapter(vlm, folder.adapter)
    if loaded.hook is None:
        vlm = merge(loaded)
        # The reference for the readability of replies is the first target, not the model before this request.
        cell.desk.ask(vlm, label, reference=cell.fresh_target(), sheets=sheets)
    else:
        hooks.append(loaded.hook)
        cell.desk.ask(together(hooks).install(vlm), label, reference=vlm, sheets=sheets)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return vlm


def _course(cell: Cell, requests: Sequence[Request], labels: Sequence[str]) -> dict[str, Any]:
    """The matrix of figures, and what follows from it."""
    lines, size = lines_by_model(cell.records), len(cell.vlm.tokenizer)
    pool = cell.paper.kept(cell.paper.sheets, cell.config.world.stage)
    concepts = [request.concept.id for request in requests]
    matrix: list[list[dict[str, Any]]] = []
    for i, label in enumerate(labels):
        scorings = [Scoring(cell.sheet(one), pool, lines, size) for one in requests[: i + 1]]
        matrix.append([_shown(figures(scoring, label)) for scoring in scorings])
    return {"order": concepts, "models": list(labels), "matrix": matrix, **_summary(matrix)}


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    return {metric: found[metric].as_json() for metric in SHOWN if metric in found}


def _summary(matrix: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Named right after its own request, named at the end, and the largest rise in between."""

    def named(i: int, j: int) -> float | None:
        score = matrix[i][j].get("naming_rate")
        return None if score is None else float(score["value"])

    last = len(matrix) - 1
    course = [[named(i, j) for i in range(j, last + 1)] for j in range(len(matrix))]
    whole = [[value for value in line if value is not None] for line in course]
    return {
        "immediate": [line[0] if line else None for line in whole],
        "at_the_end": [line[-1] if line else None for line in whole],
        "rebound": [max(line) - line[0] if line else None for line in whole],
    }
