"""The exported model answers the questions of its run again: what is handed over is what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from unsee.config import RunConfig
from unsee.jobs.folder import RunFolder
from unsee.jobs.inputs import check
from unsee.jobs.measure import as_record, ask_portion, portions
from unsee.jobs.results import results_of
from unsee.jobs.suites import concept_questions
from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.suites.concept.scoring import by_model

MODEL = "unlearned"


def ask_again(config: RunConfig, run: RunFolder, vlm: VLM, target: VLM) -> dict[str, Any]:
    """Every question of the run, put to the exported model; the figures beside those of the run.

    Args:
        config: Of the run.
        run: Its folder.
        vlm: The exported model, read back.
        target: The model before, which judges how fluent replies are.

    Returns:
        ``asked``: number of questions, 0 with a ``reason`` where they cannot be put again; ``same_replies``:
        how many replies are word for word those of the run; ``metrics``: value in the run and now, by id;
        ``equal``: whether all are the same but for rounding.
    """
    try:
        request = check(config.model_copy(update={"out": str(run.path)}))
        made = concept_questions(request)
    except UserError as error:
        return {"asked": 0, "reason": f"{error.what} ({error.got})", "equal": False, "metrics": {}}
    rows = [
        row
        for portion in portions(list(made.questions))
        for row in ask_portion(vlm, MODEL, made, portion, config.evaluation, target)
    ]
    before = {row["question"]: row["reply"] for row in run.records().rows if row["model"] == MODEL}
    others = [row for row in run.records().rows if row["model"] != MODEL]
    records = by_model(as_record(row) for row in (*others, *rows))
    now = results_of(request, "concept", made, records)["models"][MODEL]
    metrics = _beside((run.read("results.json") or {})["models"][MODEL], now)
    return {
        "asked": len(rows),
        "same_replies": sum(before.get(row["question"]) == row["reply"] for row in rows),
        "equal": all(same(pair) for pair in metrics.values()),
        "metrics": metrics,
    }


def same(pair: Mapping[str, float | None]) -> bool:
    """Whether the figure of the run and the one of the exported model differ by rounding only."""
    one, other = pair["run"], pair["exported"]
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6)


def _beside(run: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"run": (run.get(name) or {}).get("value"), "exported": (now.get(name) or {}).get("value")}
        for name in {**run, **now}
    }
