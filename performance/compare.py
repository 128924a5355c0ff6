"""One comparison from end to end: same outcome, counters, memory, and, when asked for, times."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from performance.cases.case import Case, Outcome, Unequal
from performance.counting import Counters, counted
from performance.shapes import Shape
from performance.timing import REPEATS, Times, interleave, timed
from unsee.jobs.environment import environment
from unsee.packs.cost import Cost


class Side(NamedTuple):
    """One side of a comparison on one picture.

    Attributes:
        counters: What it put through the model.
        memory: Bytes at its peak beyond what was resident before: the model, and a copied one.
        outcome: What it computed.
        wall, process: Seconds on the clock and of this process.
    """

    counters: Counters
    memory: int
    outcome: Outcome
    wall: float
    process: float


class Checked(NamedTuple):
    """Both sides on one picture, shown to have computed the same.

    Attributes:
        equality: Figures of equality.
        ours, peer: The sides.
        receipt: What our own receipt says.
    """

    equality: dict[str, float]
    ours: Side
    peer: Side
    receipt: Cost


def check(case: Case) -> Checked:
    """Run both sides once on picture 0.

    Raises:
        Unequal: The outcomes differ, or our cost receipt does not say what went through the model.
    """
    receipt = Cost()
    case.before(0)
    ours = _watch(case, lambda: case.ours(0, receipt))
    peer = _watch(case, lambda: case.peer(0))
    for name, value in ours.counters.as_json().items():
        if getattr(receipt, name) != value:
            raise Unequal(f"the receipt says {getattr(receipt, name)} {name}, the model saw {value}")
    return Checked(case.check_equal(ours.outcome, peer.outcome), ours, peer, receipt)


def _watch(case: Case, work: Callable[[], Outcome]) -> Side:
    _give_back()
    watch, times = Cost(), Times()
    with counted(case.vlm) as counters, watch.measure():
        outcome = timed(work, times)
    return Side(counters, watch.activation_memory, outcome, times.wall[0], times.process[0])


def _give_back() -> None:
    """Memory that nobody uses goes back to the system, so that what is resident is what is held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def compare(
    case: Case, shape: Shape, *, repeats: int = REPEATS, budget: float | None = None
) -> dict[str, Any]:
    """The content of ``results/<case>.json``: counters and memory of picture 0, times of the next ones.

    Args:
        case: What is compared.
        shape: The model's size.
        repeats: Most timed repetitions of each side.
        budget: Seconds after which no further repetition begins; None = all of them. Where the counted
            pass has used it up, its times are the only ones.

    Raises:
        Unequal: The sides differ on any of the pictures.
    """
    load = os.getloadavg()[0]
    checked = check(case)
    spent = checked.ours.wall + checked.peer.wall
    if budget is not None and spent > budget:
        ours, peer = (Times([side.wall], [side.process]) for side in (checked.ours, checked.peer))
    else:
        ours, peer = interleave(
            lambda n: case.ours(n, Cost()),
            case.peer,
            case.check_equal,
            before=case.before,
            repeats=repeats,
            budget=budget and budget - spent,
        )
    return {
        "case": case.name,
        "title": case.title,
        "peer_title": case.peer_title,
        "shape": asdict(shape),
        "device": _device(case),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "ratios": _ratios(checked, ours, peer),
        "equality": checked.equality,
        "labelled_rows": case.labelled_rows,
        "ours": _side(checked.ours, ours),
        "peer": {**_side(checked.peer, peer), "copied_model_bytes": case.copies},
        "receipt": checked.receipt.as_json(),
        "repeats": len(ours.wall),
        "load_at_start": load,
        "environment": environment(seed=0, inputs={"weights": case.vlm.weights_hash}),
    }


def _side(side: Side, times: Times) -> dict[str, Any]:
    return {"counters": side.counters.as_json(), "memory_bytes": side.memory, **times.as_json()}


def _device(case: Case) -> str:
    device = case.vlm.device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _ratios(checked: Checked, ours: Times, peer: Times) -> dict[str, float]:
    """How many times more the peer's layout takes; counters that are 0 on our side have no ratio."""
    mine, theirs = checked.ours, checked.peer
    pairs = {
        "wall": (peer.wall_median, ours.wall_median),
        "process": (peer.process_median, ours.process_median),
        "memory": (theirs.memory, mine.memory),
    }
    for name, value in mine.counters.as_json().items():
        if name != "model_copies":
            pairs[name] = (getattr(theirs.counters, name), value)
    return {name: above / below for name, (above, below) in pairs.items() if below}
