"""Ours against the layouts in use elsewhere, timed on this machine.

    python -m performance [--case T4] [--shape tiny] [--set quick|full] [--repeats 5] [--budget 8] [--write]

Each comparison runs in a process of its own. ``--write`` keeps the results in ``performance/results`` and
writes ``docs/performance.md`` anew; do so on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from rich.console import Console

from performance.cases import CASES
from performance.one import run
from performance.page import RESULTS, write_page
from performance.shapes import SHAPES, TINY
from performance.table import show
from performance.timing import REPEATS

QUICK = [(case, TINY.name) for case in CASES]
FULL = [
    *QUICK,
    *[(case, "tiny152k") for case in ("T1", "T3")],
    *[(case, "tiny-qwen") for case in ("T4", "E1", "E4")],
    *[(case, shape) for shape in ("share-llava-7b", "share-qwen-7b") for case in ("T4", "E1")],
]
SETS = {"quick": QUICK, "full": FULL}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen comparisons on one thread, print a table, write results when asked to."""
    given = _parser().parse_args(arguments)
    chosen = SETS[given.set]
    if given.case or given.shape:
        cases = [given.case] if given.case else list(CASES)
        chosen = [(case, given.shape or TINY.name) for case in cases]
    results = []
    for case, shape in chosen:
        results.append(run(case, shape, repeats=given.repeats, budget=given.budget))
        if given.write:
            RESULTS.mkdir(exist_ok=True)
            file = RESULTS / f"{case}-{shape}.json"
            file.write_text(json.dumps(results[-1], indent=2) + "\n", encoding="utf-8")
    show(results, Console())
    if given.write:
        write_page()
    return 0


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m performance", description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="one comparison only")
    parser.add_argument(
        "--shape", choices=sorted(SHAPES), help="size of the random model; else those of the set"
    )
    parser.add_argument("--set", choices=sorted(SETS), default="quick", help="which comparisons")
    parser.add_argument("--repeats", type=_positive, default=REPEATS, help="timed repetitions of each side")
    parser.add_argument("--budget", type=float, help="seconds of a comparison after which none begins")
    parser.add_argument("--write", action="store_true", help="keep the results and write docs/performance.md")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
