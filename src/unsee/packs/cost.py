"""The cost receipt: machine-independent counters, plus seconds and peak memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch


@dataclass
class Cost:
    """What a piece of work cost. One object may be passed through training and answering alike.

    Attributes:
        lm_tokens: Positions that went through the language model, padding included.
        images_encoded: Pictures that went through the vision tower.
        head_rows: Positions that went through the vocabulary head.
        forwards: Forward passes of the language model.
        backwards: Backward passes.
        model_copies: Full copies of the weights that were held beside the model.
        seconds: Wall-clock seconds inside :meth:`measure`.
        peak_memory: Largest memory in bytes seen at the end of a :meth:`measure`: allocated on the GPU,
            else the resident size of the process.
    """

    lm_tokens: int = 0
    images_encoded: int = 0
    head_rows: int = 0
    forwards: int = 0
    backwards: int = 0
    model_copies: int = 0
    seconds: float = 0.0
    peak_memory: int = 0

    def forward(self, *, tokens: int, head_rows: int) -> None:
        """Count one forward pass over ``tokens`` positions, ``head_rows`` of which reached the head."""
        self.forwards += 1
        self.lm_tokens += tokens
        self.head_rows += head_rows

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add the wall-clock time of the block and note the peak memory at its end."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start
            self.peak_memory = max(self.peak_memory, peak_memory())

    def as_json(self) -> dict[str, int | float]:
        """The form written to ``cost.json``."""
        return asdict(self)


def peak_memory() -> int:
    """Peak memory of this process in bytes: allocated on the GPU where there is one, else resident."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
