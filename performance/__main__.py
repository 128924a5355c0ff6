"""Ours against the layout in use elsewhere, timed on this machine.

    python -m performance [--case T4] [--shape tiny] [--repeats 5] [--write]

``--write`` keeps the results in ``performance/results/<case>.json`` (``<case>-<shape>.json`` for other shapes
than ``tiny``); do so on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from performance.cases import CASES
from performance.compare import compare
from performance.shapes import SHAPES, TINY
from performance.table import show
from performance.timing import REPEATS

RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen comparisons on one thread, print a table, write results when asked to."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    results = []
    for name in [given.case] if given.case else list(CASES):
        shape = SHAPES[given.shape]
        results.append(compare(CASES[name](shape), shape, repeats=given.repeats))
        if given.write:
            RESULTS.mkdir(exist_ok=True)
            file = RESULTS / (f"{name}.json" if shape == TINY else f"{name}-{shape.name}.json")
            file.write_text(json.dumps(results[-1], indent=2) + "\n", encoding="utf-8")
    show(results, Console())
    return 0


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m performance", description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="one comparison only")
    parser.add_argument("--shape", choices=sorted(SHAPES), default=TINY.name, help="size of the random model")
    parser.add_argument("--repeats", type=_positive, default=REPEATS, help="timed repetitions of each side")
    parser.add_argument("--write", action="store_true", help="keep the results in performance/results")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
