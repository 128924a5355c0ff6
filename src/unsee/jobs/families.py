"""``unsee list models``: the embedded checkpoints, and the families with what is tested of each."""

from __future__ import annotations

from collections.abc import Mapping

from unsee.jobs import embedded
from unsee.models.support import COLUMNS, FAMILIES, cells

EMBEDDED: Mapping[str, str] = {
    "blank": "embedded; knows nobody",
    "base": "embedded; knows celebrities, characters, styles and more",
    "target": "embedded; base and 100 private people",
}
UNKNOWN = (
    "Another family is tried out when it is loaded, rung by rung: packs, texts with the same prompt, a kept "
    "prefix, rows alone. Its questions must get the logits of the model's own rows. The run says what was "
    "found and why (cost.json), or the family is refused with what does not fit."
)


def model_titles() -> Mapping[str, str]:
    """Name and title of every entry."""
    return {**EMBEDDED, **{name: f"{family.title}, {family.checkpoint}" for name, family in FAMILIES.items()}}


def model_matrix() -> str:
    """The embedded checkpoints, then one line per family with a mark per column."""
    width = max(map(len, model_titles()))
    lines = [f"{name:<{width}}  {title}" for name, title in EMBEDDED.items()]
    lines.append(f"{'family':<{width}}  {'  '.join(COLUMNS)}  checkpoint")
    for name, family in FAMILIES.items():
        marks = "  ".join(f"{_mark(cells()[name][column]):<{len(column)}}" for column in COLUMNS)
        lines.append(f"{name:<{width}}  {marks}  {family.checkpoint}")
    lines += [f"{column}: {text}" for column, text in COLUMNS.items()]
    reasons = {
        name: text.partition(": ")[2] for name in FAMILIES for text in cells()[name].values() if ": " in text
    }
    return "\n".join([*lines, *(f"{name}: {reason}" for name, reason in reasons.items()), UNKNOWN])


def describe_model(name: str) -> str:
    """Everything about one checkpoint or family."""
    if name in EMBEDDED:
        return f"{name}: {EMBEDDED[name]}\n  folder: {embedded.model_path(name)}"
    family = FAMILIES[name]
    lines = [f"{name}: {family.title}", f"  checkpoint: {family.checkpoint}"]
    lines += [f"  note: {family.note}"] if family.note else []
    lines += [f"  {column}: {cells()[name][column]} ({text})" for column, text in COLUMNS.items()]
    return "\n".join([*lines, "  tested on tiny random models in memory and loaded as hub models are"])


def _mark(cell: str) -> str:
    return cell.partition(":")[0]
