"""What an MLLMU-Bench evaluation compares, each part where ``results.json`` has something for it.

The gate, paired tests, the place between target and gold, distances, picture against name, letters and
attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unsee.reports.blocks import Block, Heading, Table, Words, as_text
from unsee.reports.measures import measure_of
from unsee.reports.mllmu import SIDES, TITLES, figures, shown
from unsee.reports.mllmu_standing import FORGOTTEN

COMPARED = (
    *("mllmu_choice", "mllmu_choice_text", "mllmu_cloze", "mllmu_rouge_l", "mllmu_key_fact"),
    "mllmu_factuality",
)
ALONE = ("target", "unlearned")
"""Models whose attributes are shown; those of the others stand in ``results.json``."""
By = Mapping[str, Mapping[str, Any]]


def full_markdown(results: Mapping[str, Any]) -> str:
    """``table.md``: every figure, then what is compared."""
    return as_text(whole(results))


def whole(results: Mapping[str, Any]) -> Iterator[Block]:
    """Every block of the page."""
    yield from figures(results)
    yield from _gate(results.get("gate", {}))
    for other in ("target", "gold"):
        yield from _tests(other, results.get(f"against_{other}", {}))
    yield from _normalised(results.get("normalised", {}))
    yield from _distances(results.get("distance_to_gold", {}), results.get("retrain_floor", {}))
    yield from _alignment(results["alignment"], results["gaps"])
    yield from _letters(results["letters"])
    yield from _attributes(results["attributes"])


def across(found: By, head: Callable[[str], str], write: Callable[[str, Any], str]) -> list[list[str]]:
    """A line per model, a column per cell: for many models.

    Args:
        found: By model and cell.
        head: What stands above a cell's column.
        write: What stands in it.

    Returns:
        Header and lines; nothing without any cell.
    """
    cells = list(dict.fromkeys(cell for told in found.values() for cell in told))
    lines = [["", *map(head, cells)]]
    for model, told in found.items():
        lines.append([model, *(write(cell, told[cell]) if cell in told else "–" for cell in cells)])
    return lines if cells else []


def in_words(cell: str) -> str:
    """Figure, set and task or way of asking, such as "Gaps filled, Forget, by name"."""
    metric, name, *last = cell.split("/")
    side = (SIDES.get(text, text.replace("_", " ")) for text in last)
    return ", ".join([measure_of(metric).title, TITLES[name], *side])


def _place(cell: str) -> list[str]:
    """Figure, set and way of asking of a cell, in words."""
    metric, name, side = cell.split("/")
    return [measure_of(metric).title, TITLES[name], SIDES[side]]


def _gate(found: By) -> Iterator[Block]:
    if not found:
        return
    yield Heading(2, "Did the target learn it?")
    yield Words(
        "Target less the floor in the same questions: gold where it was asked, else the highest of the "
        "others. What the target does not know, nobody can make it forget."
    )
    lines = [["figure", "set", "asked", "above", "floor", "known"]]
    for cell, gate in found.items():
        known = "yes" if gate["known"] else "no"
        lines.append([*_place(cell), shown(cell, gate["above"]), gate["floor"].replace("_", " "), known])
    yield Table(lines)


def _pivot(found: By, metrics: Sequence[str], write: Callable[[str, Any], str]) -> list[list[str]]:
    """A line per cell, a column per model; the figures of a metric stand together."""
    cells = dict.fromkeys(cell for cells in found.values() for cell in cells)
    ordered = [cell for metric in metrics for cell in cells if cell.startswith(f"{metric}/")]
    lines = [["figure", "set", "asked", *(name.replace("_", " ") for name in found)]]
    for cell in ordered:
        told = [write(cell, cells[cell]) if cell in cells else "" for cells in found.values()]
        lines.append([*_place(cell), *told])
    return lines if ordered else []


def _tests(other: str, found: By) -> Iterator[Block]:
    lines = _pivot(found, COMPARED, _test)
    if lines:
        yield Heading(2, f"Differences from {other}")
        yield Words(
            f"Model less {other} on the same questions. p: sign-flip test over people; in brackets after "
            "Holm's adjustment over the models of the line."
        )
        yield Table(lines)


def _test(cell: str, test: Mapping[str, Any]) -> str:
    return f"{shown(cell, test['difference'])}, p={test['p']:.3f} ({test['holm']:.3f})"


def _normalised(found: By) -> Iterator[Block]:
    gone = {
        model: {cell: place for cell, place in cells.items() if cell.split("/")[1] in FORGOTTEN}
        for model, cells in found.items()
    }
    lines = _pivot(gone, COMPARED, _standing)
    if lines:
        yield Heading(2, "Between target and gold")
        yield Words(
            "Normalised forgetting: 0 = target, 1 = gold; – where the two differ by less than 5 points; ~ "
            "where the interval of target less gold (the room) holds 0, so that the value means nothing."
        )
        yield Table(lines)


def _standing(cell: str, place: Mapping[str, Any]) -> str:
    return f"{place_text(place)}, room {shown(cell, place['room'])}"


def place_text(place: Mapping[str, Any]) -> str:
    """Normalised forgetting, with ~ where it means nothing."""
    value = "–" if place["value"] is None else f"{place['value']:.2f}"
    return f"{value}{'~' if place['within_noise'] else ''}"


def _distances(found: By, floor: Mapping[str, Any]) -> Iterator[Block]:
    if not any(found.values()):
        return
    columns = {**found, **({"a second gold": floor} if floor else {})}
    metrics = dict.fromkeys(cell.split("/")[0] for cells in columns.values() for cell in cells)
    yield Heading(2, "Distance from gold")
    yield Words(
        "Of the distributions of the likelihood of the reference answer. D: Kolmogorov-Smirnov, with its "
        "p-value, which falls with n whatever D is; W: Wasserstein-1, in nats per token; n: both samples. "
        "A second gold model of another seed is the floor: no distance below its own says anything."
    )
    yield Table(_pivot(columns, list(metrics), distance_text))


def distance_text(cell: str, found: Mapping[str, Any]) -> str:
    """D, p, W and n of a distance."""
    first, second = found["n"]
    return f"D={found['ks']:.2f}, p={found['p']:.2g}, W={found['wasserstein']:.2f}, n={first}, {second}"


def _alignment(found: By, gaps: By) -> Iterator[Block]:
    cells = dict.fromkeys(cell for cells in found.values() for cell in cells)
    if cells:
        yield Heading(2, "With the picture and by name")
        yield Words(
            "The same fact asked both ways, in pairs. RLF, what the leakier way tells, is (a²+b²)/(a+b) of "
            "the two ROUGE-L; RLR, what both tell, 2ab/(a+b) (UMU-Bench). The gap: with the picture less by "
            "name."
        )
        lines = [["figure", "set", "task", *found]]
        for cell in cells:
            metric, name, task = cell.split("/")
            told = [shown(metric, scores.get(cell)) for scores in found.values()]
            lines.append([measure_of(metric).title, TITLES[name], task.replace("_", " "), *told])
        yield Table(lines)
    named = dict.fromkeys(cell for cells in gaps.values() for cell in cells)
    if named:
        lines = [["gap of", "set", *gaps]]
        for cell in named:
            metric, name = cell.split("/")
            told = [gap_text(cell, cells[cell]) if cell in cells else "" for cells in gaps.values()]
            lines.append([measure_of(metric).title, TITLES[name], *told])
        yield Table(lines)


def gap_text(cell: str, gap: Mapping[str, Any]) -> str:
    """A gap with its interval, n and p."""
    return f"{shown(cell, gap['gap'])}, p={gap['p']:.3f}"


def _letters(found: By) -> Iterator[Block]:
    lines = []
    for model, places in found.items():
        for place, letters in places.items():
            name, side = place.split("/")
            shares = [shown("mllmu_choice", letters.get(letter)) for letter in "ABCD"]
            lines.append([model, TITLES[name], SIDES[side], *shares])
    if lines:
        yield Heading(2, "Letters")
        yield Words("How often each letter is chosen, whatever stands behind it: 25 % each without a liking.")
        yield Table([["model", "set", "asked", *"ABCD"], *lines])


def _attributes(found: By) -> Iterator[Block]:
    for model in (name for name in ALONE if name in found):
        for metric in dict.fromkeys(cell.split("/")[0] for cell in found[model]):
            cells = {cell: row for cell, row in found[model].items() if cell.startswith(f"{metric}/")}
            yield Heading(2, f"By attribute: {measure_of(metric).title}, {model}")
            names = sorted({name for row in cells.values() for name in row})
            head = ["attribute", *(", ".join(_place(cell)[1:]) for cell in cells)]
            lines = [[name, *(shown(metric, row.get(name)) for row in cells.values())] for name in names]
            yield Table([head, *lines])
