"""``results.json`` of MMUBench: figures per concept in three readings, and pooled over concepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unsee.config import RunConfig
from unsee.jobs.mmubench_asking import By
from unsee.jobs.mmubench_data import Paper
from unsee.jobs.mmubench_utility import utility_results
from unsee.metrics.agreement import judge_agreement, wordings
from unsee.metrics.judging import Case, Judge, RuleJudge
from unsee.metrics.variants import VARIANTS, Variant
from unsee.nouns import Concept, Score
from unsee.reports.matrix import pooled_figure
from unsee.reports.measures import ordered
from unsee.suites.concept.collapse import collapse_reasons
from unsee.suites.mmubench.data import GENERALITY
from unsee.suites.mmubench.figures import SPECIFIC, Figures, Scoring, figures, gate
from unsee.suites.mmubench.verdict import verdict

SCHEMA = 1
FLOORS = ("target", "blind", "gold")


def results_of(
    config: RunConfig,
    paper: Paper,
    lines: By,
    *,
    vocabulary: int,
    method: str | None = None,
    judge: Judge | None = None,
) -> dict[str, Any]:
    """The content of ``results.json``; nothing in it depends on time or on the machine's name.

    Args:
        config: The configuration.
        paper: What was asked.
        lines: Lines by model and question.
        vocabulary: Size of the model's vocabulary.
        method: What the unlearned model was made with; None = nothing was trained here.
        judge: Who grades for G-Eval; None = the rule judge.
    """
    reading: Variant = config.mmubench.reading
    judge = judge or RuleJudge()
    pool = paper.kept(paper.sheets if method else (), config.world.stage)
    scored = {}
    for sheet in paper.sheets:
        own = pool if method else paper.kept([sheet], config.world.stage)
        scoring = Scoring(sheet, own, lines, vocabulary, judge=judge, seed=config.seed)
        scored[sheet.id] = _concept(scoring, lines, config, paper)
    known = {key: found for key, found in scored.items() if found["gate"]["known"]}
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "suite": "mmubench",
        "preset": reading,
        "method": method,
        "seed": config.seed,
        "data": paper.benchmark.name,
        "judge": judge.name,
        **_agreement(paper, lines, config.seed),
        "concept": concept_json([sheet.entry.concept for sheet in paper.sheets]),
        "gate": _gate(scored),
        "models": _pooled(known or scored, reading, lines),
        "readings": {v: _pooled(known or scored, v, lines) for v in VARIANTS if v != reading},
        "concepts": scored,
        "specificity_over": [
            m for m in SPECIFIC if any(m in f["models"].get("target", {}) for f in scored.values())
        ],
    }
    reasons = [
        {
            "metric": reason["metric"],
            "text": f"{key}: {reason['text']}" if len(scored) > 1 else reason["text"],
        }
        for key, found in scored.items()
        for reason in found.get("collapse", ())
    ]
    _add_utility(results, utility_results(paper.utility, lines, reading, seed=config.seed))
    return {**results, "collapse": reasons} if "unlearned" in lines else results


def _agreement(paper: Paper, lines: By, seed: int) -> dict[str, Any]:
    """How often the rule judge grades a reply and the same in other words alike; nothing is asked for it."""
    cases = [
        Case(sheet.entry.concept, question, answered[question.id].record.reply)
        for answered in lines.values()
        for sheet in paper.sheets
        for question in sheet.of(GENERALITY)
        if question.id in answered
    ]
    rules = RuleJudge()
    found = judge_agreement(rules, wordings(cases), seed=seed)
    if found.exact is None:
        return {}
    told = {"judge": rules.name, **found.exact.as_json(), "kappa": found.kappa, "unscored": found.unscored}
    return {"judge_agreement": told}


def _add_utility(results: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Figures of local suites stand beside those of all concepts: they are about no concept."""
    if not found:
        return
    parts = [(results["models"], found["models"])]
    parts += [(results["readings"][v], made) for v, made in found["readings"].items()]
    for there, made in parts:
        for model, figures_of_model in made.items():
            there[model] = {**there.get(model, {}), **figures_of_model}
    results["utility"] = found["utility"]


def concept_json(concepts: Sequence[Concept]) -> dict[str, Any]:
    """What a run is about, for reports: one concept, or several under the names of all."""
    first = concepts[0]
    names = [name for concept in concepts for name in concept.names]
    return {
        "id": "+".join(concept.id for concept in concepts[:3]),
        "name": first.name if len(concepts) == 1 else f"{len(concepts)} concepts",
        "kind": first.kind,
        "aliases": [name for name in names if name != first.name],
    }


def _concept(scoring: Scoring, lines: By, config: RunConfig, paper: Paper) -> dict[str, Any]:
    """Everything about one concept."""
    by_reading = {v: {model: figures(scoring, model, v) for model in lines} for v in VARIANTS}
    corrected, concept = by_reading["corrected"], scoring.sheet.entry.concept
    found: dict[str, Any] = {
        "name": concept.name,
        "kind": concept.kind,
        "gate": gate(scoring),
        "checks": [check.text for check in paper.benchmark.checks_of(concept.id)],
        "models": _json(by_reading[config.mmubench.reading]),
        "readings": {v: _json(made) for v, made in by_reading.items() if v != config.mmubench.reading},
    }
    if "unlearned" in corrected:
        said = verdict(corrected["unlearned"], corrected.get("target"), corrected.get("gold"))
        reasons = collapse_reasons(corrected["unlearned"], corrected.get("target"))
        found["verdict"] = {
            "outcome": said.outcome if found["gate"]["known"] else "never_known",
            "collapsed": said.collapsed,
            "reasons": list(said.reasons),
        }
        found["collapse"] = [{"metric": reason.metric, "text": reason.text} for reason in reasons]
    return found


def _gate(scored: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the target knows the concepts; those that it does not know take no part in pooled figures."""
    if len(scored) == 1:
        found: dict[str, Any] = next(iter(scored.values()))["gate"]
        return found
    unknown = [key for key, found in scored.items() if not found["gate"]["known"]]
    count = len(scored) - len(unknown)
    return {
        "known": bool(count),
        "unknown": unknown,
        "reason": f"the target knows {count} of {len(scored)} concepts"
        + (f"; left out of the pooled figures: {', '.join(unknown)}" if unknown else ""),
    }


def _json(by_model: Mapping[str, Figures]) -> dict[str, dict[str, Any]]:
    return {
        model: {metric: found[metric].as_json() for metric in ordered(found)}
        for model, found in by_model.items()
    }


def _pooled(scored: Mapping[str, Any], reading: str, lines: By) -> dict[str, dict[str, Any]]:
    """Figures of all concepts as one; intervals cluster by concept."""
    found: dict[str, dict[str, Any]] = {}
    for model in lines:
        parts: dict[str, tuple[list[Score], list[str]]] = {}
        for key, concept in scored.items():
            shown = (
                concept["models"]
                if concept["readings"].get(reading) is None
                else concept["readings"][reading]
            )
            for metric, score in shown.get(model, {}).items():
                scores, keys = parts.setdefault(metric, ([], []))
                scores.append(Score(**score))
                keys.append(key)
        found[model] = {m: pooled_figure(m, *parts[m]).as_json() for m in ordered(parts)}
    return {model: made for model, made in found.items() if made}
