"""``docs/performance.md``, made from the results in ``performance/results`` and from nothing else.

python -m performance.page
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from performance.cases import CASES
from performance.goals import goal_of
from performance.shapes import SHAPES

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "performance.md"
GPU, CURVES = "gpu.json", "curves.json"
NOTE = "<!-- Made by `python -m performance.page` from performance/results; run that instead of editing. -->"
Result = Mapping[str, Any]

INTRO = """# What it costs, and what it would cost

A picture is read once: all texts about it stand behind one copy of its tokens, in training, in scoring and
in decoding, and the result is that of one row per text to rounding (tested on every family). Below, the
same work is done twice on the same random model: by `unsee`, and in the layout that published code uses,
restated from scratch on stock transformers (`performance/peers`): a row per text with its own copy of the
picture, logits at every position, a copied model as the reference, one question at a time.

- Both sides must give the same result in every timed repetition (replies token by token; losses, gradients
  and log-probabilities to 1e-5 in float32), or the measurement fails.
- They take turns in one process on one thread; each repetition uses another picture. Times are medians of
  processor seconds. Memory is the peak beyond the models that were resident before the work; a copied
  reference is resident and so not part of it.
- The counters are exact and the same on every machine; tests hold them.
- **These are random models of the sizes named, not real ones.** In a small model the vocabulary head weighs
  far more than in one of 7B, so ratios of time and memory must not be carried over; those of tokens may.

`make performance` measures the first table in a few minutes; `make performance-full` everything, with five
repetitions. `unsee` itself writes the same counters for every run, with what one row per text would have
taken, into `cost.json`."""


def write_page() -> None:
    """Write the page anew."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    results = read_results()
    parts = [NOTE, INTRO, *_tables(results), _gpu(_read(GPU)), _curves(_read(CURVES))]
    return "\n\n".join(parts) + "\n"


def read_results() -> list[Result]:
    """All results on a CPU, by shape and case in their own order."""
    cases, shapes = list(CASES), list(SHAPES)
    files = [file for file in RESULTS.glob("*-*.json")] if RESULTS.is_dir() else []
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted(results, key=lambda r: (shapes.index(r["shape"]["name"]), cases.index(r["case"])))


def _read(name: str) -> Mapping[str, Any] | None:
    file = RESULTS / name
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _tables(results: Sequence[Result]) -> Iterator[str]:
    if not results:
        yield "## On a CPU\n\nNot measured yet: `make performance` does it."
    for name in dict.fromkeys(result["shape"]["name"] for result in results):
        chosen = [result for result in results if result["shape"]["name"] == name]
        yield f"## {_shape(chosen[0]['shape'])}\n\n{_table(chosen)}\n\n{_machine(chosen)}"
    if results:
        yield "## What the comparisons are\n\n" + _legend(results)


def _shape(shape: Mapping[str, Any]) -> str:
    return (
        f"`{shape['name']}`: {shape['family']}, {shape['layers']} layers of {shape['hidden']}, "
        f"vocabulary {shape['vocabulary']:,}, {shape['image_tokens']} image tokens"
    )


def _table(results: Sequence[Result], clock: str = "process") -> str:
    head = [
        "",
        "s ours",
        "s peer",
        "time",
        "goal",
        "MB ours",
        "MB peer",
        "memory",
        "goal",
        "tokens",
        "pictures",
    ]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for result in results:
        mine, theirs, goal = result["ours"], result["peer"], goal_of(result)
        lines.append(
            _line(
                [
                    f"{result['case']}",
                    *(f"{side[f'{clock}_seconds']:.2f}" for side in (mine, theirs)),
                    *_ratio(result["ratios"].get(clock), goal.time),
                    *(f"{side['memory_bytes'] / 2**20:,.0f}" for side in (mine, theirs)),
                    *_ratio(result["ratios"].get("memory"), goal.memory),
                    _counts(result, "lm_tokens"),
                    _counts(result, "images_encoded"),
                ]
            )
        )
    return "\n".join(lines)


def _ratio(value: float | None, goal: float | None) -> tuple[str, str]:
    shown = "" if value is None else f"**{value:.1f}x**"
    if goal is None or value is None:
        return shown, ""
    return shown, f"{goal:g}x " + ("reached" if value >= goal else "missed")


def _counts(result: Result, name: str) -> str:
    mine, theirs = (result[side]["counters"][name] for side in ("ours", "peer"))
    return f"{mine:,} of {theirs:,}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _machine(results: Sequence[Result]) -> str:
    first = results[0]
    found = first["environment"]
    repeats = sorted({result["repeats"] for result in results})
    loads = [result["load_at_start"] for result in results]
    hardware = f"{found['hardware']['system']}, {found['hardware']['cpus']} processors"
    versions = ", ".join(
        f"{name} {found['versions'][name]}"
        for name in ("torch", "transformers", "peft")
        if name in found["versions"]
    )
    times = " to ".join(str(n) for n in (repeats[0], repeats[-1])[: len(repeats)])
    return (
        f"{first['processor']}; {hardware}; {first['threads']} thread(s), {versions}. {times} repetitions; "
        f"load of the machine at the start {min(loads):.1f} to {max(loads):.1f}."
    )


def _legend(results: Sequence[Result]) -> str:
    titles = {result["case"]: (result["title"], result["peer_title"]) for result in results}
    lines = [f"- **{case}** {ours}. *Peer:* {peer}." for case, (ours, peer) in titles.items()]
    return "\n".join(lines)


def _gpu(found: Mapping[str, Any] | None) -> str:
    title = "## A 7B model on one GPU"
    if found is None:
        return (
            f"{title}\n\nNot measured yet: no GPU was at hand. `python -m performance.gpu` does it in a few "
            "minutes on one card with 40 GB or more, with random weights made on the card."
        )
    run = found["siu"]
    return "\n\n".join(
        [
            title,
            f"{found['device']}, {found['shape']['dtype']}, random weights.",
            _table(found["results"], clock="wall"),
            f"SIU on the resident base, {run['rows']} rows: {run['seconds']:.1f} s with preparation and the "
            f"adapter's checkpoint, {run['step_seconds']:.2f} s for each of {run['steps']} steps, peak "
            f"{run['peak_memory'] / 2**30:.1f} GB.",
            f"Packs and rows choose the same option in {found['agreement']:.1%} of {found['choices']} "
            f"questions in {found['shape']['dtype']}.",
        ]
    )


def _curves(found: Mapping[str, Any] | None) -> str:
    title = "## How it scales"
    if found is None:
        return f"{title}\n\nNot measured yet: `python -m performance.curves` does it."
    parts = [title, found["note"]]
    for curve in found["curves"]:
        head = [
            curve["axis"],
            "tokens ours",
            "tokens peer",
            "ratio",
            "s ours",
            "s peer",
            "ratio",
            "MB ours",
            "MB peer",
        ]
        lines = [_line(head), _line(["---:"] * len(head))]
        for point in curve["points"]:
            mine, theirs = point["ours"], point["peer"]
            lines.append(
                _line(
                    [
                        f"{point['x']:,}",
                        *_pair(mine["lm_tokens"], theirs["lm_tokens"], ",d"),
                        *_pair(mine["seconds"], theirs["seconds"], ".2f"),
                        *(f"{side['memory_bytes'] / 2**20:,.0f}" for side in (mine, theirs)),
                    ]
                )
            )
        parts += [f"### {curve['title']}", "\n".join(lines)]
    return "\n\n".join(parts)


def _pair(ours: float, peer: float, form: str) -> tuple[str, str, str]:
    return format(ours, form), format(peer, form), f"{peer / ours:.1f}x" if ours else ""


if __name__ == "__main__":
    write_page()
