"""``unsee`` with portions of a few questions, so that two processes have something to share; rough intervals.

Each process writes how many forward passes it made to the file COUNTED-NUMBER.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path

import pytest

from unsee.commands.main import main
from unsee.jobs import mllmu_asking, mmubench_asking
from unsee.metrics import roc
from unsee.packs.cost import Cost

FEW = 6
DRAWS = 50
COUNTED = "COUNTED"


def make_small(patch: pytest.MonkeyPatch) -> None:
    """Few questions in a portion of the two benchmarks, few draws of an AUC; concept is as it is."""
    for module in (mllmu_asking, mmubench_asking):
        patch.setattr(module, "PORTION", FEW)
    patch.setattr(roc, "RESAMPLES", DRAWS)


def _count(patch: pytest.MonkeyPatch) -> None:
    real, made = Cost.forward, [0]

    def forward(cost: Cost, *, tokens: int, head_rows: int, reference: bool = False) -> None:
        made[0] += 1
        real(cost, tokens=tokens, head_rows=head_rows, reference=reference)

    patch.setattr(Cost, "forward", forward)
    file = Path(f"{os.environ[COUNTED]}-{os.environ['RANK']}")
    atexit.register(lambda: file.write_text(str(made[0])))


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patched:
        make_small(patched)
        _count(patched)
        main()
