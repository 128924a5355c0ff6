"""``results.json`` of an evaluation: every cell with interval and n, floors, tests, alignment, letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from unsee.metrics.factuality import FactCase, FactJudge, KeyFactJudge
from unsee.nouns import Record, Score
from unsee.suites.mllmu import alignment as pairs
from unsee.suites.mllmu import parse
from unsee.suites.mllmu.asks import Protocol
from unsee.suites.mllmu.compare import compare, distances, gate, retrain_distances, standings
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.floors import FLOORS, floor_scores, floor_values
from unsee.suites.mllmu.scoring import (
    Answered,
    Values,
    by_attribute,
    factuality_values,
    item_values,
    letters,
    pattern_of,
    scores_of,
    templates_of,
)
from unsee.suites.records import joined

SCHEMA = 1
OTHER_GOLD = "gold:gold_other"
"""Label of a gold model of another seed: a floor, and the distance between the two a floor of distances."""
PAIRED = ("mllmu_choice", "mllmu_choice_text", "mllmu_cloze", "mllmu_rouge_l", "mllmu_key_fact")
BY_ATTRIBUTE = ("mllmu_choice", "mllmu_choice_text", "mllmu_cloze", "mllmu_key_fact")


def results_of(
    asked: Protocol,
    records: Mapping[str, Sequence[Record]],
    *,
    data: Mllmu,
    judge: FactJudge | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The content of ``results.json``; nothing in it depends on time or machine.

    Args:
        asked: The protocol with its questions.
        records: By model: target, unlearned, gold, controls such as "target:no_image", and ``OTHER_GOLD``.
        data: The benchmark, for its notes.
        judge: Of generated answers; None = key facts offline.
        seed: Of resampling.
    """
    answered = {model: joined(asked.asks, lines) for model, lines in records.items()}
    chosen = KeyFactJudge() if judge is None else judge
    graded = {model: graded_values(asked, lines, chosen) for model, lines in answered.items()}
    values = {model: found for model, (found, _) in graded.items()}
    ungraded = {model: missing for model, (_, missing) in graded.items()}
    models = {m: v for m, v in values.items() if ":" not in m}
    floors = floor_scores(asked.preset, asked.asks, seed=seed)
    floors |= {m.split(":")[1]: scores_of(v, asked.asks, seed=seed) for m, v in values.items() if ":" in m}
    return {
        "schema": SCHEMA,
        "suite": "mllmu",
        "preset": asked.preset.name,
        "family": asked.family,
        "data": {"revision": asked.revision, "ratio": data.ratio, "notes": list(data.notes)},
        "examples": {"/".join(call): list(ids) for call, ids in asked.draws.people.items()},
        "seed": seed,
        "judge": {"name": chosen.name, "ungraded": ungraded},
        "models": {m: _json(scores_of(v, asked.asks, seed=seed)) for m, v in models.items()},
        "floors": {name: _json(scores) for name, scores in floors.items()},
        "letters": {m: _nested(letters(asked.preset, answered[m], seed=seed)) for m in models},
        "alignment": {m: _json(pairs.alignment(v, asked.asks, seed=seed)) for m, v in models.items()},
        "gaps": {m: gaps_of(v, asked, seed=seed) for m, v in models.items()},
        "attributes": {
            m: {
                cell: _json(row)
                for metric in BY_ATTRIBUTE
                for cell, row in by_attribute(v, asked.asks, metric, seed=seed).items()
            }
            for m, v in models.items()
        },
        **_beside(asked, values, seed),
    }


def graded_values(asked: Protocol, answered: Answered, judge: FactJudge) -> tuple[Values, dict[str, int]]:
    """Every value of a model's answers, and how many replies the judge did not grade, by reason."""
    templates = templates_of(asked.asks)
    grades, missing = _grades(answered, templates, judge)
    found = item_values(asked.preset, answered, templates=templates) | factuality_values(answered, grades)
    return found, missing


def _grades(
    answered: Answered, templates: Mapping[str, frozenset[str]], judge: FactJudge
) -> tuple[dict[str, float], dict[str, int]]:
    """Grades by question id, and how many replies were not graded and why."""
    spoken = [(a, r) for a, r in answered if a.task == "generation"]
    cases = [
        FactCase(
            a.question,
            a.truth,
            r.reply,
            parse.key_words(a.question, a.truth, templates.get(pattern_of(a), frozenset())),
        )
        for a, r in spoken
    ]
    graded = judge.grade(cases)
    missing: dict[str, int] = {}
    for grade in graded:
        if grade.problem:
            missing[grade.problem] = missing.get(grade.problem, 0) + 1
    found = {a.id: float(g.value) for (a, _), g in zip(spoken, graded, strict=True) if g.value is not None}
    return found, missing


def gate_of(asked: Protocol, records: Sequence[Record], *, seed: int = 0) -> dict[str, Any]:
    """The gate of :func:`results_of` alone, from the target's records: what it knows, by cell."""
    values, _ = graded_values(asked, joined(asked.asks, records), KeyFactJudge())
    return _gate(asked, values, {}, None, seed)


def _gate(
    asked: Protocol, target: Values, controls: Mapping[str, Values], gold: Values | None, seed: int
) -> dict[str, Any]:
    floors: dict[str, Values] = {
        name: floor_values(asked.preset, asked.asks, name, seed=seed) for name in FLOORS
    }
    known = gate(target, asked.asks, {**floors, **controls}, gold=gold, seed=seed)
    return {
        cell: {"known": k.known, "floor": k.floor, "above": k.above.as_json()} for cell, k in known.items()
    }


def _beside(asked: Protocol, values: Mapping[str, Values], seed: int) -> dict[str, Any]:
    """What needs a second model: the gate, paired tests, the place between target and gold, distances."""
    controls = {m.split(":")[1]: v for m, v in values.items() if m.startswith("target:")}
    models = {m: v for m, v in values.items() if ":" not in m}
    target, gold = models.get("target"), models.get("gold")
    found: dict[str, Any] = {}
    if target is not None:
        found["gate"] = _gate(asked, target, controls, gold, seed)
    for name, other in (("target", target), ("gold", gold)):
        rest = {m: v for m, v in models.items() if m != name}
        if other is not None and rest:
            tests = compare(rest, other, asked.asks, seed=seed)
            found[f"against_{name}"] = {
                m: {
                    cell: {"difference": t.difference.as_json(), "p": t.p, "holm": t.adjusted}
                    for cell, t in cells.items()
                }
                for m, cells in tests.items()
            }
    if gold is not None:
        found["distance_to_gold"] = {
            m: {cell: asdict_of(d) for cell, d in distances(v, gold).items()}
            for m, v in models.items()
            if m != "gold"
        }
        if OTHER_GOLD in values:
            floor = retrain_distances([gold, values[OTHER_GOLD]])
            found["retrain_floor"] = {cell: asdict_of(d) for cell, pair in floor.items() for d in pair}
    if target is not None and gold is not None:
        found["normalised"] = {
            m: {cell: asdict(s) for cell, s in standings(v, target, gold, asked.asks, seed=seed).items()}
            for m, v in models.items()
            if m not in ("target", "gold")
        }
    return found


def asdict_of(distance: Any) -> dict[str, Any]:
    """A distance of samples as JSON."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in distance._asdict().items()}


def gaps_of(values: Values, asked: Protocol, *, seed: int = 0) -> dict[str, Any]:
    """Picture less name with a paired test, by ``metric/set``."""
    found = pairs.gaps(values, asked.asks, PAIRED, seed=seed)
    return {name: {"gap": gap.gap.as_json(), "p": gap.p} for name, gap in found.items()}


def _json(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: score.as_json() for name, score in scores.items()}


def _nested(rows: Mapping[str, Mapping[str, Score]]) -> dict[str, Any]:
    return {name: _json(row) for name, row in rows.items()}
