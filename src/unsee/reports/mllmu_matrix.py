"""The comparison of methods on MLLMU-Bench: in the layout of its paper, with intervals, floors and cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unsee.reports.blocks import Block, Code, Heading, Items, Table, Words, as_text
from unsee.reports.measures import measure_of, show, show_range
from unsee.reports.mllmu import SIDES, TITLES, shown
from unsee.reports.mllmu_beside import across, distance_text, gap_text, in_words, place_text
from unsee.reports.mllmu_ranking import COST, RESULTS, across_ratios, cost_of, in_one_line, ranking, title
from unsee.reports.mllmu_standing import FORGOTTEN, order
from unsee.reports.safe import markdown

PAPER = "arXiv 2410.22108"
COLUMNS: Mapping[str, str] = {
    "mllmu_choice": "Class",
    "mllmu_choice_text": "Class (text)",
    "mllmu_rouge_l": "ROUGE",
    "mllmu_factuality": "Fact",
    "mllmu_cloze": "Cloze",
}
BESIDE: Mapping[str, str] = {
    "mllmu_key_fact": "Key fact",
    "mllmu_refusals": "Refusals",
    "mllmu_degenerate": "Gibberish",
}
MODELS = ("target", "gold", "base")
SIGNIFICANT = 0.05
CLAIM = ("figure", "set", "asked")
LIMITS = (
    "Left: mean distance from the aim on Forget and Test; lost: mean distance below the target on Retain and "
    "Real; both over choice, ROUGE-L and cloze with the picture and by name, in points. Success: both at "
    "most 10. Collapse: over 10 points more empty or gibberish replies than the target's on Retain or Real."
)
Row = Mapping[str, Any]
Named = tuple[str, Mapping[str, Any]]  # how a line is called, and its scores by cell


def as_markdown(found: Mapping[str, Any], command: str = "") -> str:
    """All tables: by ratio the ranking, by ratio and modality the paper's, then every set with intervals."""
    return as_text(blocks(found, command))


def blocks(found: Mapping[str, Any], command: str = "") -> Iterator[Block]:
    """The page, block by block."""
    split = "" if found["split"] == "report" else f", split {found['split']}"
    yield Heading(1, f"Methods on MLLMU-Bench, protocol {found['preset']}{split}")
    if command:
        yield Code(command)
    yield Words(
        f"Columns as in {PAPER}: choice (Class; of the option texts: Class (text)), ROUGE-L, factuality from "
        "1 to 10, cloze; shares in percent. On Forget and Test the figure of `gold` is the aim, on Retain "
        "and Real that of `target`. Methods with several seeds: mean over seeds. An entry of no method, as "
        "`majority`, is a floor: what is scored without knowing the person."
    )
    if len(found["ratios"]) > 1:
        yield Heading(2, "All ratios")
        yield Words(f"{LIMITS} Ordered by the worst result, then by the mean of both.")
        yield Table(across_ratios(found["rows"]))
    for ratio, shared in found["ratios"].items():
        rows = [row for row in found["rows"] if str(row["ratio"]) == ratio]
        yield from _ratio(ratio, shared, rows)
    yield from _claims(found)
    yield from _failures(found)


def _ratio(ratio: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Block]:
    yield Heading(2, f"{ratio} % forgotten")
    yield Words(f"Data {shared['data']['revision']}.")
    yield Heading(3, f"{ratio} %, ranking")
    aim = "gold" if "gold" in shared["models"] else "the highest floor (there is no gold)"
    yield Words(f"The aim on Forget and Test is {aim}. {LIMITS}")
    yield Table(ranking(rows))
    for side in SIDES:
        yield Heading(3, f"{ratio} %, asked {SIDES[side]}")
        yield Table(_paper(side, shared, rows))
    yield Heading(3, f"{ratio} %, intervals")
    yield Words(
        "95 % intervals resample people. In round brackets behind a method on Forget and Test: normalised "
        "forgetting (0 = target, 1 = gold); ~ where the room between target and gold is within noise, so "
        "that it means nothing. * differs from the target, † from gold: sign-flip test over people on the "
        f"same questions, p below {SIGNIFICANT} after Holm's adjustment over the methods."
    )
    for name in TITLES:
        for side in SIDES:
            table = _detail(name, side, shared, rows)
            if table:
                yield Words(f"**{TITLES[name]}, {SIDES[side]}**")
                yield Table(table)
    yield from _known(shared.get("gate", {}))
    yield from _distances(ratio, shared, rows)
    yield from _alignment(ratio, shared, rows)
    yield from (Words(f"Note: {note}") for note in shared["data"]["notes"])


def _known(gate: Mapping[str, Any]) -> Iterator[Block]:
    """What the target knows of those who are to be forgotten: the rest cannot be forgotten."""
    if gate:
        unknown = [in_words(cell) for cell, found in gate.items() if not found["known"]]
        floors = sorted({found["floor"].replace("_", " ") for found in gate.values()})
        rest = f"; not in: {'; '.join(unknown)}" if unknown else ""
        yield Words(
            f"Gate: the target is above the floor ({', '.join(floors)}) in {len(gate) - len(unknown)} of "
            f"{len(gate)} figures of Forget and Test{rest}."
        )


def _of_rows(key: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Mapping[str, Any]]:
    """One part of the results of the models that no method changes, and of the finished methods."""
    fixed = {name: shared[key][name] for name in MODELS if name in shared.get(key, {})}
    return {**fixed, **{f"`{title(row)}`": row[key] for row in rows if row.get(key)}}


def _distances(ratio: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Block]:
    found = _of_rows("distance_to_gold", shared, rows)
    floor = {"*a second gold*": shared["retrain_floor"]} if "retrain_floor" in shared else {}
    lines = across({**floor, **found}, in_words, distance_text)
    if lines:
        yield Heading(3, f"{ratio} %, distance from gold")
        yield Words(
            "Of the distributions of the likelihood of the reference answer: Kolmogorov-Smirnov D with its "
            "p, Wasserstein-1 W in nats per token, n of both samples. The distance of a second gold model of "
            "another seed is the floor: below it no distance says anything."
        )
        yield Table(lines)


def _alignment(ratio: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Block]:
    lines = across(_of_rows("alignment", shared, rows), in_words, shown)
    if lines:
        yield Heading(3, f"{ratio} %, with the picture and by name")
        yield Words(
            "The same fact asked both ways, in pairs: both right, both wrong, RLF (a²+b²)/(a+b) and RLR "
            "2ab/(a+b) of the two ROUGE-L (UMU-Bench); then the gap, with the picture less by name, and its "
            "paired test."
        )
        yield Table(lines)
        yield Table(across(_of_rows("gaps", shared, rows), in_words, gap_text))


def _lines(shared: Mapping[str, Any], rows: Sequence[Row]) -> list[tuple[str, Mapping[str, Any], Row | None]]:
    """Models that no method changes, floors, then the finished methods."""
    fixed = [(name, shared["models"][name], None) for name in MODELS if name in shared["models"]]
    floors = [(f"*{name.replace('_', ' ')}*", scores, None) for name, scores in shared["floors"].items()]
    methods = [
        (f"`{title(row)}`" + ("" if "models" in row else f" ({_short_state(row)})"), _own(row), row)
        for row in rows
    ]
    return [*fixed, *floors, *methods]


def _own(row: Row) -> Mapping[str, Any]:
    return row["models"]["unlearned"] if "models" in row else {}


def _short_state(row: Row) -> str:
    return "failed" if row["failures"] else "not finished"


def _present(columns: Mapping[str, str], shared: Mapping[str, Any]) -> list[str]:
    known = {name.split("/")[0] for scores in shared["models"].values() for name in scores}
    return [metric for metric in columns if metric in known]


def _paper(side: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> list[list[str]]:
    """The paper's table of one modality: all four sets side by side, and the cost."""
    metrics = _present(COLUMNS, shared)
    header = [f"{TITLES[name]} {COLUMNS[metric]}" for name in TITLES for metric in metrics]
    lines = [["", *header, *COST.values()]]
    for name, scores, row in _lines(shared, rows):
        cells = [_value(scores, f"{metric}/{s}/{side}", metric) for s in TITLES for metric in metrics]
        lines.append([name, *cells, *cost_of(row)])
    return lines


def _detail(name: str, side: str, shared: Mapping[str, Any], rows: Sequence[Row]) -> list[list[str]]:
    """One set and modality with intervals; n stands in the header."""
    metrics = _present({**COLUMNS, **BESIDE}, shared)
    cells = [f"{metric}/{name}/{side}" for metric in metrics]
    first = next(iter(shared["models"].values()))
    if not any(cell in first for cell in cells):
        return []
    words = {**COLUMNS, **BESIDE}
    header = [f"{words[m]} (n={first[c]['n']})" for m, c in zip(metrics, cells, strict=True) if c in first]
    lines = [["", *header]]
    for line, scores, row in _lines(shared, rows):
        lines.append([line, *(_interval(scores, c, row, name) for c in cells if c in first)])
    return lines


def _value(scores: Mapping[str, Any], cell: str, metric: str) -> str:
    return show(scores[cell]["value"], measure_of(metric).unit).removesuffix(" %") if cell in scores else "–"


def _interval(scores: Mapping[str, Any], cell: str, row: Row | None, set_name: str) -> str:
    if cell not in scores:
        return "–"
    score, unit = scores[cell], measure_of(cell.split("/")[0]).unit
    text = show(score["value"], unit).removesuffix(" %")
    if score["low"] < score["high"]:
        text += f" [{show_range(score['low'], score['high'], unit)}]"
    place = (row or {}).get("normalised", {}).get(cell)
    if place is not None and set_name in FORGOTTEN:
        text += f" ({place_text(place)})"
    return text + _marks(row or {}, cell)


def _marks(row: Row, cell: str) -> str:
    """From which models a figure of a method differs."""
    tests = {
        mark: row.get(f"against_{model}", {}).get(cell) for mark, model in (("*", "target"), ("†", "gold"))
    }
    found = "".join(mark for mark, test in tests.items() if test and test["holm"] < SIGNIFICANT)
    return f" {found}" if found else ""


def _claims(found: Mapping[str, Any]) -> Iterator[Block]:
    """The paper's claim about the two forms of each method, as tested here."""
    for ratio, methods in found["forms"].items():
        yield Heading(2, f"{ratio} %: text form against form with pictures")
        yield Words(
            f"{PAPER} claims that the text form forgets better in generation and cloze, the form with "
            "pictures in choice. Difference text - pictures in points (factuality: grades); below 0 the text "
            "form forgets more. p: sign-flip test over people, Holm's adjustment over the methods. First "
            f"how many lie on either side, in brackets those with p below {SIGNIFICANT}; then each method."
        )
        yield Table(_sides(methods))
        lines = [["method", *CLAIM, "difference", "p"]]
        for method, cells in methods.items():
            for cell, test in cells.items():
                gap, unit = test["difference"], measure_of(cell.split("/")[0]).unit
                shown = f"{show(gap['value'], unit)} [{show_range(gap['low'], gap['high'], unit)}]"
                lines.append([f"`{method}`", *_claim_of(cell), shown, f"{test['holm']:.3f}"])
        yield Table(lines)


def _claim_of(cell: str) -> list[str]:
    metric, set_name, side = cell.split("/")
    return [COLUMNS.get(metric) or BESIDE.get(metric, metric), TITLES[set_name], SIDES[side]]


def _sides(methods: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """By figure: the mean difference over the methods, and which form forgets more in how many of them."""
    forms = ("text form forgets more", "form with pictures forgets more")
    lines = [["methods", *CLAIM, "mean difference", *forms]]
    for cell in dict.fromkeys(cell for cells in methods.values() for cell in cells):
        tests = [cells[cell] for cells in methods.values() if cell in cells]
        gaps = [test["difference"]["value"] for test in tests]
        mean = show(sum(gaps) / len(gaps), measure_of(cell.split("/")[0]).unit)
        pairs = list(zip(gaps, tests, strict=True))
        sides = [test for gap, test in pairs if gap < 0], [test for gap, test in pairs if gap > 0]
        counts = [f"{len(side)} ({sum(test['holm'] < SIGNIFICANT for test in side)})" for side in sides]
        lines.append([str(len(tests)), *_claim_of(cell), mean, *counts])
    return lines


def _failures(found: Mapping[str, Any]) -> Iterator[Block]:
    rows = found["rows"]
    lines = [
        f"`{title(row)}`, {row['ratio']} %: {markdown(in_one_line(text), 400)}"
        for row in rows
        for text in row["failures"]
    ]
    if lines:
        yield Heading(2, "Failed")
        yield Items(lines)
    if found["left_out"]:
        yield Heading(2, "Left out")
        yield Items([f"`{title(row)}`, {row['ratio']} %: {row['reason']}." for row in found["left_out"]])
    waiting = [f"`{title(row)}` {row['ratio']} %" for row in rows if not row["seeds"] and not row["failures"]]
    if waiting:
        yield Words(f"Not begun or not finished yet: {', '.join(waiting)}.")


def as_csv(found: Mapping[str, Any]) -> str:
    """One line per figure: ratio, model, metric, set, modality, value, interval, n, normalised forgetting."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            *(
                "ratio",
                "model",
                "trained_on",
                "seeds",
                "metric",
                "set",
                "modality",
                "value",
                "low",
                "high",
                "n",
            ),
            *("normalised", "within_noise", *COST),
        ]
    )
    for ratio, shared in found["ratios"].items():
        for name, scores in (*shared["models"].items(), *shared["floors"].items()):
            for cell, score in scores.items():
                writer.writerow([ratio, name, "", "", *_figures(cell, score), "", "", *[""] * len(COST)])
    for row in (row for row in found["rows"] if "models" in row):
        for cell, score in row["models"]["unlearned"].items():
            place = row["normalised"].get(cell, {"value": "", "within_noise": ""})
            head = [row["ratio"], title(row), row["modality"], " ".join(map(str, row["seeds"]))]
            tail = [place["value"], place["within_noise"], *(row["cost"].get(key, "") for key in COST)]
            writer.writerow([*head, *_figures(cell, score), *tail])
    return buffer.getvalue()


def _figures(cell: str, score: Mapping[str, Any]) -> list[Any]:
    return [*cell.split("/"), *(score[key] for key in ("value", "low", "high", "n"))]


def short(found: Mapping[str, Any]) -> list[str]:
    """One line per row for the terminal: what is left of the forget set, what is kept of the retain set."""
    lines = []
    for row in sorted(found["rows"], key=lambda row: (row["ratio"], *order(row))):
        result = RESULTS[row["standing"]["status"]] if row.get("standing") else ""
        name = f"{row['ratio']:>3} % {title(row):<32} {result:<12}"
        if "models" not in row:
            lines.append(f"{name} {_short_state(row)}")
            continue
        scores = row["models"]["unlearned"]
        told = [
            f"{words} {_value(scores, f'{metric}/forget/image_text', metric)} / "
            f"{_value(scores, f'{metric}/retain/image_text', metric)}"
            for metric, words in COLUMNS.items()
            if f"{metric}/forget/image_text" in scores
        ]
        lines.append(f"{name} forget / retain: {', '.join(told)}")
    return lines
