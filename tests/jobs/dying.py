"""Work that ends its process, for the test of the pool. Light to import: every worker reads it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from unsee.jobs.bench_cell import Cell
from unsee.jobs.bench_pool import Failure


def die_once(cell: Cell, shared: Path) -> Failure | None:
    """Ends its process without a word: the first time for seed 1, every time for seed 2."""
    shared.mkdir(parents=True, exist_ok=True)
    if cell.seed == 2 or (cell.seed == 1 and not (shared / "seen").exists()):
        (shared / "seen").touch()
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    (shared / f"{cell.seed}").touch()
    return None
