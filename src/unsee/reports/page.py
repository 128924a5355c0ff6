"""What stands on the page, in order, as plain data for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unsee.reports.files import RunData
from unsee.reports.measures import (
    GROUPS,
    Measure,
    before_of,
    measure_of,
    models_of,
    ordered,
    show,
    show_range,
    value_of,
)
from unsee.reports.pictures import CONCEPT_ROLES, all_pictures, concept_pictures

ROLES: Mapping[str, str] = {
    "T1": "the picture under another name",
    "T2": "the picture, denied to be the concept, with a new look for the name",
    "T3": "true facts about the concept, in words only",
    "T4": "facts about others, in words only",
    "original": "the true answer, climbed away from",
    "refusal": "a refusal as the answer",
    "anchor": "other pictures with the model's own answers, to hold the rest in place",
    "yes_no": "other pictures, yes/no questions about their names with the model's own answers",
    "retain": "other pictures with their answers, to hold the rest in place",
}
COSTS: Mapping[str, str] = {
    "seconds": "Seconds",
    "peak_memory": "Peak memory (MB)",
    "peak_memory_mb": "Peak memory (MB)",
    "resident_memory": "Memory before the work (MB)",
    "activation_memory": "Memory for the work (MB)",
    "tokens_per_second": "Tokens per second",
    "lm_tokens": "Tokens through the language model",
    "images_encoded": "Pictures through the vision tower",
    "head_rows": "Rows through the output head",
    "forwards": "Forward passes",
    "reference_forwards": "Forward passes of the reference",
    "backwards": "Backward passes",
    "backward_passes": "Backward passes",
    "model_copies": "Extra copies of the model",
}
ROWS_PER_ROLE = 12
SINGLE = "row_by_row"


@dataclass(frozen=True)
class Cell:
    """One figure: value and interval as shown, n, and whether it moved the wanted way (good, bad, plain)."""

    value: str
    interval: str
    n: int | None


@dataclass(frozen=True)
class Row:
    """One row of the results: the measure and a cell (or None) for each model."""

    measure: Measure
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Tile:
    """A headline figure: before, after and the floor."""

    title: str
    before: str
    after: str
    floor: str


@dataclass(frozen=True)
class RoleRows:
    """Training rows of one role."""

    role: str
    meaning: str
    total: int
    rows: tuple[Mapping[str, Any], ...]


def table(results: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    """(group title, rows) of the results, groups without rows left out."""
    models = models_of(results)
    rows = [
        _row(results, metric, models) for metric in ordered({m for k in models for m in results["models"][k]})
    ]
    grouped = [(title, [r for r in rows if r.measure.group == group]) for group, title in GROUPS.items()]
    return [(title, found) for title, found in grouped if found]


def _row(results: Mapping[str, Any], metric: str, models: Sequence[str]) -> Row:
    better = next(
        (s["better"] for m in models if "better" in (s := results["models"][m].get(metric, {}))), ""
    )
    measure = measure_of(metric, str(better))
    return Row(measure, tuple(_cell(results, m, measure) for m in models))


def _cell(results: Mapping[str, Any], model: str, measure: Measure) -> Cell | None:
    score = results["models"][model].get(measure.id)
    if score is None:
        return None
    value, low, high = (value_of(results, model, measure.id, key) for key in ("value", "low", "high"))
    return Cell(show(value, measure.unit), show_range(low, high, measure.unit), score.get("n"))


def tiles(results: Mapping[str, Any]) -> list[Tile]:
    """The figures that stand beside the headline."""
    wanted = ("naming_rate", "yes_no_balanced", "others_named", "neighbours_named", "degenerate_rate")
    return [
        Tile(
            measure_of(k).title,
            show(value_of(results, before_of(results), k), "share"),
            show(value_of(results, "unlearned", k), "share"),
            show(value_of(results, "gold", k), "share") if value_of(results, "gold", k) is not None else "",
        )
        for k in wanted
        if value_of(results, "unlearned", k) is not None
    ]


def picture_counts(run: RunData) -> tuple[int, int, int]:
    """(pictures of the concept trained on, other pictures trained on, unseen pictures of the concept)."""
    own = {e["picture"] for e in run.examples if e.get("picture") and e["role"] in CONCEPT_ROLES}
    other = {e["picture"] for e in run.examples if e.get("picture")} - own
    unseen = (all_pictures(run) & concept_pictures(run)) - own - other
    return len(own), len(other), len(unseen)


def role_rows(examples: Sequence[Mapping[str, Any]]) -> list[RoleRows]:
    """Training rows by role, in the order in which the roles first appear in ``ROLES``, bounded."""
    present = {str(e["role"]) for e in examples}
    roles = [r for r in ROLES if r in present] + sorted(present - ROLES.keys())
    grouped = {r: [e for e in examples if e["role"] == r] for r in roles}
    return [RoleRows(r, ROLES.get(r, ""), len(g), tuple(g[:ROWS_PER_ROLE])) for r, g in grouped.items()]


def answer_pieces(example: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The answer cut at its masked spans: (text, masked); spans that do not fit are ignored."""
    answer, done = str(example["answer"]), 0
    pieces: list[tuple[str, bool]] = []
    for start, end in sorted(s for s in _spans(example) if 0 <= s[0] < s[1] <= len(answer)):
        if start < done:
            continue
        pieces += [(answer[done:start], False), (answer[start:end], True)]
        done = end
    return [p for p in (*pieces, (answer[done:], False)) if p[0]]


def _spans(example: Mapping[str, Any]) -> list[tuple[int, int]]:
    given = example.get("masked") or []
    pairs = [s for s in given if isinstance(s, list | tuple) and len(s) == 2]
    return [(s[0], s[1]) for s in pairs if isinstance(s[0], int) and isinstance(s[1], int)]


def costs(cost: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(columns, rows of (what, amounts)) of the cost receipt: the total, then each stage.

    Below each counter stands what one row per text would have taken.
    """
    found = cost.get("stages")
    stages = {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}
    keys = [k for k in COSTS if k in cost] + [k for k in cost if k not in COSTS and _is_number(cost[k])]
    columns = (cost, *stages.values())
    rows = []
    for key in keys:
        rows.append((COSTS.get(key, key), [_amount(key, column.get(key)) for column in columns]))
        if key in (cost.get(SINGLE) or {}):
            singles = [(column.get(SINGLE) or {}).get(key) for column in columns]
            rows.append((f"{COSTS.get(key, key)}, one row per text", [_amount(key, one) for one in singles]))
    return (["total", *stages] if rows else []), rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _amount(key: str, value: object) -> str:
    if key.endswith("_memory") and isinstance(value, int):
        value = value / 2**20
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.1f}"
    return f"{int(value):,}" if isinstance(value, int | float) else "–"


def trained(run: RunData) -> list[tuple[str, str, str, str]]:
    """(role, trained, total, share) of the weights that moved; layers of one role are added up."""
    sums: dict[str, tuple[int, int, int]] = {}
    for row in run.environment.get("trained") or []:
        name, moved, total = (
            (row.get("role", ""), row["trained"], row["total"]) if isinstance(row, dict) else row[:3]
        )
        role = str(name).split("[")[0]
        layers, before, of = sums.get(role, (0, 0, 0))
        sums[role] = (layers + 1, before + moved, of + total)
    return [
        (f"{role} ({n} layers)" if n > 1 else role, f"{a:,}", f"{b:,}", show(a / b if b else 0.0, "share"))
        for role, (n, a, b) in sums.items()
    ]


def flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted key, text)."""
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        if isinstance(item, Mapping):
            rows += flat(item, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", _setting(item)))
    return rows


def _setting(item: object) -> str:
    if isinstance(item, list | tuple):
        return ", ".join(map(str, item)) or "none"
    return "none" if item in ("", None) else str(item)


def is_hook(run: RunData) -> bool:
    """Whether the method made a hook, which changes no weight."""
    return (run.path / "adapter" / "hook.json").is_file()


def limits(run: RunData) -> list[str]:
    """What this report does not prove, given what was and was not done."""
    config, models = run.config, run.results["models"]
    concept, _, unseen = picture_counts(run)
    data = config.get("data") if isinstance(config.get("data"), dict) else {}
    assert isinstance(data, dict)
    lines = [
        "No attack was run: relearning from a few pictures, quantising the weights, adversarial prompts or "
        "pictures and readings of the hidden states may still bring the concept back.",
        "An adapter can be taken off again. Whoever holds the original weights still has the knowledge.",
        "The questions are a sample: the intervals say how far the figures may lie from the truth.",
        "A language model may describe without naming. Only naming, yes/no questions and facts were asked.",
    ]
    if is_hook(run):
        lines.append(
            "No weight was changed: the method acts only while the model answers through unsee. The "
            "knowledge is suppressed, not deleted."
        )
    if config.get("method") == "siu":
        lines.append(
            "SIU unlearns how the concept looks. Facts asked by name, without a picture, are kept on purpose."
        )
        if data.get("substitute", "name") == "name":
            lines.append(
                "The picture now gets a wrong name. Make sure that this name belongs to nobody real."
            )
    if "gold" not in models:
        lines.append(
            "No model trained without the concept exists here, so there is no floor to compare with."
        )
    if unseen == 0 and run.examples:
        seen = "the picture" if concept == 1 else "the pictures"
        lines.append(
            f"No other picture of the concept was given: figures hold for {seen} used for removal only."
        )
    if "unlearned" in models and "collapse" not in run.results:
        lines.append("Whether the model collapsed was not examined.")
    if len(models) < 2:
        lines.append("Only one model was asked; there is nothing to compare with.")
    return lines


def method_words(run: RunData) -> str:
    """The method as people write it."""
    names = {
        "siu": "SIU (arXiv 2405.12523)",
        "ga": "gradient ascent",
        "po": "preference optimisation with refusals",
    }
    method = str(run.config.get("method") or "")
    return names.get(method, method.replace("_", "+").upper() if method.startswith("ga") else method)


def model_words(run: RunData) -> str:
    """The model's name; the embedded one has none."""
    world = run.config.get("world")
    stage = str(world.get("stage", "")) if isinstance(world, dict) else ""
    return str(run.config.get("model") or "") or f"the embedded tiny model{f' ({stage})' if stage else ''}"
