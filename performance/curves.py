"""How both layouts grow with what is asked: one table per quantity.

    python -m performance.curves [--curve rank] [--write]

``--write`` keeps the points in ``performance/results/curves.json`` and writes ``docs/performance.md`` anew.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from performance.cases import ce_step, open_answers, option_texts, siu_step, sweep
from performance.cases.case import Case
from performance.compare import compare
from performance.page import CURVES as FILE
from performance.page import RESULTS, write_page
from performance.shapes import Shape
from unsee.jobs.environment import environment

# A quarter of the work of ``tiny`` per token.
CURVE = Shape("curve", hidden=128, layers=2, heads=2, vocabulary=8192, vision_hidden=64, vision_layers=2)
REPEATS = 3
BUDGET = 20.0


@dataclass(frozen=True)
class Curve:
    """One quantity that is varied.

    Attributes:
        title: What is compared.
        axis: The name of the quantity.
        xs: Its values.
        case: The comparison at a value.
    """

    title: str
    axis: str
    xs: tuple[int, ...]
    case: Callable[[int], Case]


def _wide(name: str, value: int) -> Shape:
    return replace(CURVE, **{name: value})


CURVES: Mapping[str, Curve] = {
    "questions": Curve(
        "Scoring one answer to each of several questions about one picture",
        "questions",
        (1, 2, 4, 8, 14, 32, 64),
        lambda x: option_texts.prepare(CURVE, questions=x, options=1),
    ),
    "pictures": Curve(
        "Four open questions about each of several pictures, 8 new tokens",
        "pictures",
        (1, 4, 16, 64),
        lambda x: open_answers.prepare(CURVE, questions=4, pictures=x, new_tokens=8),
    ),
    "options": Curve(
        "Scoring option texts, six questions about one picture",
        "options",
        (2, 4, 6, 10),
        lambda x: option_texts.prepare(CURVE, questions=6, options=x),
    ),
    "vocabulary": Curve(
        "Cross-entropy step (T1)",
        "vocabulary",
        (32_064, 152_064, 256_000),
        lambda x: ce_step.prepare(_wide("vocabulary", x)),
    ),
    "image_tokens": Curve(
        "SIU step (T4); sides of 8, 16, 24, 36 and 54 patches",
        "image tokens",
        (64, 256, 576, 1296, 2916),
        lambda x: siu_step.prepare(_wide("image_tokens", x)),
    ),
    "concepts": Curve(
        "First step for each of several concepts, base in memory or loaded anew (S1)",
        "concepts",
        (1, 5, 10, 20),
        lambda x: sweep.prepare(CURVE, concepts=x),
    ),
    "rank": Curve(
        "SIU step (T4) by rank of the adapter",
        "rank",
        (8, 32, 128),
        lambda x: siu_step.prepare(CURVE, rank=x),
    ),
    "answer": Curve(
        "Fourteen open questions by length of the reply (E1)",
        "new tokens",
        (8, 32, 128, 256),
        lambda x: open_answers.prepare(CURVE, new_tokens=x),
    ),
}


def measure(curve: Curve, *, repeats: int = REPEATS, budget: float = BUDGET) -> dict[str, Any]:
    """All points of a curve."""
    points = []
    for x in curve.xs:
        found = compare(curve.case(x), CURVE, repeats=repeats, budget=budget)
        points.append({"x": x, "ours": _side(found["ours"]), "peer": _side(found["peer"])})
        gc.collect()
    return {"title": curve.title, "axis": curve.axis, "points": points}


def _side(side: Mapping[str, Any]) -> dict[str, Any]:
    counters = {name: side["counters"][name] for name in ("lm_tokens", "images_encoded", "head_rows")}
    return {**counters, "seconds": side["process_seconds"], "memory_bytes": side["memory_bytes"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the curves on one thread."""
    parser = argparse.ArgumentParser(prog="python -m performance.curves", description=__doc__.splitlines()[0])
    parser.add_argument("--curve", choices=sorted(CURVES), help="one of them only")
    parser.add_argument("--write", action="store_true", help="keep the points and write docs/performance.md")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = [given.curve] if given.curve else list(CURVES)
    measured = [measure(CURVES[name]) for name in chosen]
    found = {
        "note": f"On a smaller model: {CURVE.layers} layers of {CURVE.hidden}, vocabulary "
        f"{CURVE.vocabulary:,}, {CURVE.image_tokens} image tokens unless said otherwise. "
        f"Processor seconds, medians of up to {REPEATS}.",
        "curves": measured,
        "environment": environment(seed=0, inputs={}),
    }
    if given.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / FILE).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        write_page()
    else:
        print(json.dumps(measured, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
