"""``results.json``: the metrics of every model, the gate, and whether the unlearned model collapsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unsee.jobs.inputs import Request
from unsee.jobs.lines import Lines
from unsee.jobs.measure import as_record
from unsee.nouns import Record
from unsee.suites.concept.collapse import collapse_reasons
from unsee.suites.concept.gate import gate
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.suites.concept.scoring import by_model, normalise, score_records

SCHEMA = 1


def records_by_model(lines: Lines) -> dict[str, list[Record]]:
    """The records of a run, grouped by model."""
    return by_model(as_record(row) for row in lines.rows)


def results_of(
    request: Request, suite: str, questionnaire: Questionnaire, records: Mapping[str, list[Record]]
) -> dict[str, Any]:
    """The content of ``results.json``; nothing in it depends on time or on the machine's name."""
    config, concept = request.config, request.concept
    scores = score_records(questionnaire, records, seed=config.seed)
    target = scores.get("target", {})
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "suite": suite,
        "preset": config.preset,
        "method": config.method if "unlearned" in scores else None,
        "seed": config.seed,
        "concept": {
            "id": concept.id,
            "name": concept.name,
            "kind": concept.kind,
            "aliases": list(concept.aliases),
        },
        "gate": gate(questionnaire, records.get("target", [])),
        "models": {
            model: {metric: score.as_json() for metric, score in found.items()}
            for model, found in scores.items()
        },
    }
    if "unlearned" in scores:
        reasons = collapse_reasons(scores["unlearned"], target)
        results["collapse"] = [{"metric": reason.metric, "text": reason.text} for reason in reasons]
    if "unlearned" in scores and "gold" in scores:
        results["normalised"] = normalise(scores["unlearned"], target, scores["gold"])
    return results
