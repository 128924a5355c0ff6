"""The cost receipt: counters, what one row per text would have taken, seconds by phase, memory."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from unsee.packs.rows import Row

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


@dataclass
class Counters:
    """What went through a model.

    Attributes:
        lm_tokens: Positions through the language model, padding included.
        images_encoded: Pictures through the vision tower.
        head_rows: Positions through the vocabulary head.
        forwards: Forward passes of the language model, those of the reference included.
        reference_forwards: Those of the reference alone.
        backwards: Backward passes.
        model_copies: Copies of the weights that were held beside the model: another model, or the first
            values of weights that are trained as such.
    """

    lm_tokens: int = 0
    images_encoded: int = 0
    head_rows: int = 0
    forwards: int = 0
    reference_forwards: int = 0
    backwards: int = 0
    model_copies: int = 0


@dataclass
class Cost(Counters):
    """What a piece of work cost. One object may be passed through training and answering alike.

    Attributes:
        row_by_row: The same work with one row per text: each with its own copy of its pictures, logits at
            every position of a text that is given, and a copied model as the reference.
        seconds: Wall-clock seconds inside :meth:`measure`.
        phases: Seconds by phase; a phase inside another one counts for itself only. A GPU works on while the
            next phase begins, so there they say where the program waited.
        peak_memory: Largest memory in bytes inside :meth:`measure`: allocated on the GPU, else the resident
            size of the process.
        resident_memory: Memory in bytes when the work began: the weights, on a GPU.
        activation_memory: Most bytes on top of it: activations, gradients, kept features and states.
        notes: What was chosen and why, such as the layout and the attention kernel.
    """

    row_by_row: Counters = field(default_factory=Counters)
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    resident_memory: int = 0
    activation_memory: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list, repr=False)
    _since: float = field(default=0.0, repr=False)
    _start_memory: int = field(default=0, repr=False)

    def forward(self, *, tokens: int, head_rows: int, reference: bool = False) -> None:
        """Count one forward pass over ``tokens`` positions, ``head_rows`` of which reached the head."""
        self.forwards += 1
        self.reference_forwards += reference
        self.lm_tokens += tokens
        self.head_rows += head_rows

    def texts(self, rows: Sequence[Row], *, reference: bool = False) -> None:
        """Note what reading these rows would take one by one."""
        single = self.row_by_row
        tokens = sum(len(row.ids) for row in rows)
        single.lm_tokens += tokens
        single.head_rows += tokens
        single.images_encoded += sum(len(row.pictures) for row in rows)
        single.forwards += len(rows)
        if reference:
            single.reference_forwards += len(rows)
            single.model_copies = 1

    def replies(self, rows: Sequence[Row], lengths: Sequence[int]) -> None:
        """Note what replying would take one by one: ``lengths`` tokens were made, end tokens included."""
        single = self.row_by_row
        single.lm_tokens += sum(len(row.ids) for row in rows) + sum(lengths) - len(rows)
        single.head_rows += sum(lengths)
        single.images_encoded += sum(len(row.pictures) for row in rows)
        single.forwards += sum(lengths)

    @contextmanager
    def backward(self, rows: int) -> Iterator[None]:
        """The block is one backward pass, for that many rows: a phase of its own."""
        with self.phase("backward"):
            yield
        self.backwards += 1
        self.row_by_row.backwards += rows

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """In the block work is done once and kept; row by row it is done whenever it is needed."""
        kept, self.row_by_row = self.row_by_row, Counters()
        try:
            yield
        finally:
            self.row_by_row = kept

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to a phase; an outer phase rests meanwhile."""
        self._charge()
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.phases[self._running[-1]] = self.phases.get(self._running[-1], 0.0) + now - self._since
        self._since = now

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add the wall-clock time of the block and note its peak memory; within itself it does nothing."""
        if any(cost is self for cost in _MEASURING):
            yield
            return
        _note_peaks()
        _reset_peak()
        start, self._start_memory = time.perf_counter(), memory()
        self.resident_memory = max(self.resident_memory, self._start_memory)
        _MEASURING.append(self)
        try:
            yield
        finally:
            _note_peaks()
            _MEASURING.pop()
            self.seconds += time.perf_counter() - start

    def as_json(self) -> dict[str, Any]:
        """The form written to ``cost.json``."""
        found = {key: value for key, value in asdict(self).items() if not key.startswith("_")}
        return {**found, "tokens_per_second": per_second(self.lm_tokens, self.seconds)}


_MEASURING: list[Cost] = []  # innermost last


def _note_peaks() -> None:
    """What was reached so far counts for every piece of work that is under way."""
    peak = peak_memory()
    for cost in _MEASURING:
        cost.peak_memory = max(cost.peak_memory, peak)
        cost.activation_memory = max(cost.activation_memory, peak - cost._start_memory)


def phase(cost: Cost | None, name: str) -> AbstractContextManager[None]:
    """:meth:`Cost.phase`, or nothing without a receipt."""
    return contextlib.nullcontext() if cost is None else cost.phase(name)


def measure(cost: Cost | None) -> AbstractContextManager[None]:
    """:meth:`Cost.measure`, or nothing without a receipt."""
    return contextlib.nullcontext() if cost is None else cost.measure()


def per_second(tokens: int, seconds: float) -> float:
    """Tokens per second; 0 where nothing was timed."""
    return tokens / seconds if seconds > 0 else 0.0


def memory() -> int:
    """Memory of this process in bytes now: allocated on the GPU where there is one, else resident."""
    if torch.cuda.is_available():
        return int(torch.cuda.memory_allocated())
    return _status("VmRSS") or _lifetime_peak()


def peak_memory() -> int:
    """Largest memory of this process in bytes since the last reset, which a machine may not allow."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return _status("VmHWM") or _lifetime_peak()


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return
    with contextlib.suppress(OSError):  # proc(5): 5 resets the peak resident size; not on macOS
        CLEAR.write_text("5")


def _status(name: str) -> int:
    """A line of ``/proc/self/status`` in bytes; 0 where there is none."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _lifetime_peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
