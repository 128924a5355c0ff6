"""One comparison in a process of its own, so that its memory is its own.

    python -m performance.one T4 tiny [--repeats 5] [--budget 20]

The result, as JSON, is the last line of the output.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import torch

from performance.cases import CASES
from performance.compare import compare
from performance.shapes import SHAPES
from performance.timing import REPEATS


def run(case: str, shape: str, *, repeats: int = REPEATS, budget: float | None = None) -> dict[str, Any]:
    """The result of one comparison, measured in another process on one thread.

    Raises:
        RuntimeError: The process failed; its last words are in the message.
    """
    command = [sys.executable, "-m", "performance.one", case, shape, "--repeats", str(repeats)]
    if budget is not None:
        command += ["--budget", str(budget)]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads}, check=False)
    if done.returncode:
        raise RuntimeError(f"{case} on {shape} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one comparison here."""
    parser = argparse.ArgumentParser(prog="python -m performance.one", description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--budget", type=float, default=None)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    shape = SHAPES[given.shape]
    result = compare(CASES[given.case](shape), shape, repeats=given.repeats, budget=given.budget)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
