"""The tables of the MMUBench paper (arXiv 2405.12523) with figures of runs at hand, and the published ones.

A published figure stands in a row of its own that says so. Nothing is called reproduced: models, concepts and
utility suites differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unsee.metrics.variants import VARIANTS
from unsee.nouns import Score
from unsee.reports.matrix import Entry, pooled_figure
from unsee.reports.matrix_files import score_text
from unsee.reports.safe import markdown

MAIN = ("efficacy", "em", "g_eval", "c_dis", "specificity", "fluency_ppl", "diversity")
MASKS = ("em", "c_dis", "specificity")
ATTACKED = ("mia_rouge", "mia_suspicious", "multilingual", "multi_hop")
HONEST = (
    *("em_name", "yes_no_balanced", "others_named", "others_yes_no", "neighbours_named"),
    *("degenerate_rate", "refusal_rate", "mia_min_k_pp"),
)
LOCAL = (
    *("specificity_local", "pope_accuracy", "pope_f1", "mme_accuracy", "mme_score", "vqa_accuracy"),
    *("choice_accuracy", "choice_circular"),
)
TITLES = {
    "efficacy": "Efficacy ↑",
    "em": "EM ↑",
    "g_eval": "G-Eval ↓",
    "c_dis": "C-Dis ↑",
    "specificity": "Specificity ↑",
    "fluency_ppl": "Fluency ↓",
    "diversity": "Diversity ↑",
    "mia_rouge": "MIA ROUGE-L ↓",
    "mia_suspicious": "suspicious queries",
    "multilingual": "Multilingual ↓",
    "multi_hop": "Multi-hop ↓",
}
MASK_KEYS = ("knobs.token_mask", "knobs.vocabulary_mask")
SOURCE = "arXiv 2405.12523"
Published = tuple[tuple[str, Mapping[str, str]], ...]
PUBLISHED_MAIN: Published = (
    ("PO, LLaVA-7B", {"efficacy": "100", "c_dis": "0.4"}),
    (
        "GA, LLaVA-7B",
        {
            **{"efficacy": "100", "em": "36.3", "g_eval": "1.8", "specificity": "9.0"},
            **{"fluency_ppl": "373.6", "diversity": "6.3"},
        },
    ),
    ("GA+KL, LLaVA-7B", {"efficacy": "100", "g_eval": "2.8", "diversity": "48.0"}),
    (
        "SIU, LLaVA-7B",
        {
            **{"efficacy": "100", "em": "99.0", "g_eval": "1.9", "specificity": "60.7"},
            **{"fluency_ppl": "61.2", "diversity": "97.0"},
        },
    ),
    ("GA, LLaVA-13B", {"em": "24.7"}),
    ("SIU, LLaVA-13B", {"em": "90"}),
)
PUBLISHED_ATTACKS: Published = (
    ("GA+KL, LLaVA-7B", {"multilingual": "G-Eval 2.9"}),
    ("SIU, LLaVA-7B", {"multilingual": "G-Eval 2.3"}),
)
FLOORS = ("target", "gold", "blind")
Pick = Callable[[Entry], bool]


def paper_tables(entries: Sequence[Entry], command: str = "") -> str:
    """Markdown of every table that the finished cells have something for."""
    done = [e for e in entries if e.results is not None and e.results.get("suite") == "mmubench"]
    head = [
        "# MMUBench",
        "",
        "Figures of the runs in this folder, shares in percent, 95 % intervals in brackets. Concepts that "
        "the target never knew take no part. Rows marked *published* are the figures that the text of "
        f"{SOURCE} states, on LLaVA and one real person; they were not run here and are not comparable in "
        "Specificity, whose utility suites differ.",
        "",
        *(["```sh", command, "```", ""] if command else []),
    ]
    parts = [text for make in _TABLES for text in make(done)]
    return "\n".join([*head, *parts]).rstrip("\n") + "\n"


def _main(entries: Sequence[Entry]) -> Iterator[str]:
    single = [e for e in entries if not e.settings and _count(e) == 1]
    for reading in VARIANTS if single else ():
        rows = [*_floor_rows(single, MAIN, reading), *_method_rows(single, MAIN, reading)]
        known = _published(PUBLISHED_MAIN, MAIN) if reading == "paper" else []
        yield _table(f"Table 1, reading {reading}: one concept in a run", MAIN, [*rows, *known])
    if single:
        rows = [*_floor_rows(single, HONEST, "corrected"), *_method_rows(single, HONEST, "corrected")]
        yield _table("What EM does not tell", HONEST, rows)
        yield _verdicts(single)
        yield from _agreement(single)


def _agreement(entries: Sequence[Entry]) -> Iterator[str]:
    """How far the rule judge, which grades offline, sees through other words."""
    told = [found for e in entries if (found := (e.results or {}).get("judge_agreement"))]
    count = sum(found["n"] for found in told)
    if count:
        share = sum(found["value"] * found["n"] for found in told) / count
        yield f"The rule judge grades {share:.0%} of {count} replies and the same in other words alike.\n"


def _masks(entries: Sequence[Entry]) -> Iterator[str]:
    cut = [e for e in entries if any(key in MASK_KEYS for key, _ in e.settings)]
    if cut:
        rows = _method_rows(cut, MASKS, "corrected")
        note = [[f"*published*: without either mask lower EM and C-Dis, no figure in the text ({SOURCE})"]]
        yield _table("Table 2: masks", MASKS, [*rows, *note])


def _settings(entries: Sequence[Entry]) -> Iterator[str]:
    tuned = [e for e in entries if e.settings and not any(key in MASK_KEYS for key, _ in e.settings)]
    if tuned:
        metrics = (*MAIN, "em_name", "yes_no_balanced", "multi_hop")
        yield _table("Settings: targets, steps, sizes", metrics, _method_rows(tuned, metrics, "corrected"))


def _many(entries: Sequence[Entry]) -> Iterator[str]:
    several = [e for e in entries if _count(e) > 1 and "sequence" not in (e.results or {})]
    for count in sorted({_count(e) for e in several}):
        group = [e for e in several if _count(e) == count]
        metrics = (*MAIN, "em_name", "yes_no_balanced")
        rows = [*_floor_rows(group, metrics, "corrected"), *_method_rows(group, metrics, "corrected")]
        note = f"*published*, 20 concepts, text only: GA and GA+KL end in one repeated token ({SOURCE})"
        yield _table(f"Table 3: {count} concepts in one run", metrics, [*rows, [note]])


def _attacks(entries: Sequence[Entry]) -> Iterator[str]:
    single = [e for e in entries if not e.settings and _count(e) == 1]
    for reading in VARIANTS if single else ():
        rows = [*_floor_rows(single, ATTACKED, reading), *_method_rows(single, ATTACKED, reading)]
        known = _published(PUBLISHED_ATTACKS, ATTACKED) if reading == "paper" else []
        yield _table(f"Table 4, reading {reading}: attacks", ATTACKED, [*rows, *known])


def _sequences(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        course = (entry.results or {}).get("sequence")
        if course:
            head = ["after request", *(f"{markdown(str(c), 60)}" for c in course["order"])]
            lines = [
                [f"{i + 1}", *(_percent(cell.get("naming_rate")) for cell in line)]
                for i, line in enumerate(course["matrix"])
            ]
            back = ["rebound", *("–" if v is None else f"{100 * v:+.1f}" for v in course["rebound"])]
            title = f"Requests one after the other, {entry.method}, seed {entry.seed}: named"
            yield _grid(title, head, [*lines, back])


def _local(entries: Sequence[Entry]) -> Iterator[str]:
    """Suites over local files: the target, each method, and the paired differences to the target."""
    asked = [e for e in entries if _has(e, "unlearned") and _local_names(e)]
    suites = dict.fromkeys(name for e in asked for name in _local_names(e))
    if suites:
        metrics = tuple(dict.fromkeys(m for e in asked for m in _heads(e)))
        # The target answers for every concept alike, so it is counted once.
        rows = [*_floor_rows(asked[:1], metrics, "corrected")[:1], *_method_rows(asked, metrics, "corrected")]
        yield _table("Specificity over local files", metrics, rows)
        head = ["right answers minus the target's, in points", *(f"{markdown(s, 40)}" for s in suites)]
        lines = [
            [f"`{_title(e)}`, {e.concept}, seed {e.seed}", *(_difference(e, name) for name in suites)]
            for e in asked
        ]
        yield _grid("What each run costs on local files (paired, by question)", head, lines)


def _heads(entry: Entry) -> list[str]:
    """Figures of local suites that stand in the table."""
    figures = (entry.results or {}).get("models", {}).get("target", {})
    return [m for m in figures if m.partition(":")[0] in LOCAL]


def _local_names(entry: Entry) -> list[str]:
    return list((entry.results or {}).get("utility", ()))


def _difference(entry: Entry, suite: str) -> str:
    found = ((entry.results or {}).get("utility", {}).get(suite) or {}).get("difference")
    if found is None:
        return "–"
    value, low, high = (f"{100 * found[key]:+.1f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}], p {found['p']:.2g}"


_TABLES = (_main, _local, _masks, _many, _attacks, _settings, _sequences)


def _count(entry: Entry) -> int:
    return len((entry.results or {}).get("concepts", ()))


def _method_rows(entries: Sequence[Entry], metrics: Sequence[str], reading: str) -> list[list[str]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_title(entry), []).append(entry)
    return [
        [f"`{title}`", *_cells(_pool(group, "unlearned", reading), metrics)]
        for title, group in groups.items()
    ]


def _title(entry: Entry) -> str:
    return " ".join([entry.method, *(f"{key}={value}" for key, value in entry.settings)])


def _floor_rows(entries: Sequence[Entry], metrics: Sequence[str], reading: str) -> list[list[str]]:
    """The floors, each concept once; gold stands for the concepts that have a gold model."""
    first = {(e.concept, model): e for model in FLOORS for e in reversed(entries) if _has(e, model)}
    rows = []
    for model in FLOORS:
        there = [entry for (_, name), entry in first.items() if name == model]
        if there:
            title = f"*{model}*" + (f", {len(there)} concept" if model == "gold" else "")
            rows.append([title, *_cells(_pool(there, model, reading), metrics)])
    return rows


def _has(entry: Entry, model: str) -> bool:
    return model in (entry.results or {}).get("models", {})


def _pool(entries: Sequence[Entry], model: str, reading: str) -> dict[str, Score]:
    parts: dict[str, tuple[list[Score], list[tuple[str, int]]]] = {}
    for entry in entries:
        for metric, score in _figures(entry, model, reading).items():
            scores, keys = parts.setdefault(metric, ([], []))
            scores.append(Score(**score))
            keys.append((entry.concept, entry.seed))
    return {metric: pooled_figure(metric, *found) for metric, found in parts.items()}


def _figures(entry: Entry, model: str, reading: str) -> Mapping[str, Any]:
    results = entry.results or {}
    if not (results.get("gate") or {}).get("known", True):
        return {}
    shown = results["models"] if results.get("preset") == reading else results["readings"].get(reading, {})
    found: Mapping[str, Any] = shown.get(model, {})
    return found


def _cells(scores: Mapping[str, Score], metrics: Sequence[str]) -> list[str]:
    return [_text(metric, scores.get(metric)) for metric in metrics]


def _text(metric: str, score: Score | None) -> str:
    """A figure; Diversity of the paper is a count of words, not a share."""
    counted = metric == "diversity" and score is not None and score.high > 1
    return score_text(score, "fluency_ppl" if counted else metric)


def _published(rows: Published, metrics: Sequence[str]) -> list[list[str]]:
    return [
        [f"*published*: {title}", *(figures.get(metric, "–") for metric in metrics)]
        for title, figures in rows
    ]


def _verdicts(entries: Sequence[Entry]) -> str:
    """How many concepts of each method were forgotten, by the rule of the suite."""
    counts: dict[str, dict[str, int]] = {}
    for entry in entries:
        for concept in (entry.results or {})["concepts"].values():
            said = concept.get("verdict")
            outcome = "never_known" if said is None else str(said["outcome"])
            outcome = "collapsed" if said is not None and said["collapsed"] else outcome
            line = counts.setdefault(entry.method, {})
            line[outcome] = line.get(outcome, 0) + 1
    kinds = ("forgot", "did_not_forget", "collapsed", "not_scorable", "never_known")
    rows = [[f"`{method}`", *(str(line.get(kind, 0)) for kind in kinds)] for method, line in counts.items()]
    return _grid("Verdicts, number of runs", ["", *(kind.replace("_", " ") for kind in kinds)], rows)


def _table(title: str, metrics: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return _grid(title, ["", *(TITLES.get(metric, f"`{metric}`") for metric in metrics)], rows)


def _grid(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    width = len(head)
    lines = [[*row, *[""] * (width - len(row))] for row in rows]
    body = [head, ["---"] * width, *lines]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in body), ""])


def _percent(score: Mapping[str, Any] | None) -> str:
    return "–" if score is None else f"{100 * score['value']:.1f}"
