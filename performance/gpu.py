"""A 7B model with random weights on one GPU: SIU end to end, and the comparisons in half precision.

    python -m performance.gpu [--shape real7b] [--repeats 3] [--out performance/results/gpu.json]

Nothing is downloaded. Needs 40 GB or more, since one of the peers copies the model.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from performance.cases import CASES
from performance.compare import compare
from performance.page import GPU, RESULTS
from performance.shapes import SHAPES, Shape, build, picture
from performance.texts import siu_examples
from unsee.jobs.environment import environment
from unsee.methods.registry import get
from unsee.models.adapters import detach
from unsee.models.load import VLM
from unsee.models.scopes import Scope
from unsee.packs.cost import Cost
from unsee.training.settings import TrainSettings
from unsee.training.trainer import train

COMPARED = ("T1", "T4", "T5", "E1", "E3", "E4")
CHOOSING = ("E3", "E4")
PASSES = 6


def siu(shape: Shape, *, rank: int = 128) -> dict[str, Any]:
    """One concept forgotten on a base that is resident, by the code that ``unsee forget`` runs.

    The first concept warms up; seconds and memory are those of the second.
    """
    vlm = build(shape)
    _forget(vlm, shape, 0, rank)
    _free()
    return _forget(vlm, shape, 1, rank)


def _forget(vlm: VLM, shape: Shape, number: int, rank: int) -> dict[str, Any]:
    settings = TrainSettings(
        scope=Scope(("language",), rank=rank, alpha=2 * rank),
        passes=PASSES,
        batch=25,
        anchors_per_step=0,
        probe_every=0,
        save_every=10_000,
    )
    examples, cost, marks = siu_examples(picture(shape, number)), Cost(), [0.0]

    def note(line: Mapping[str, Any]) -> None:
        if vlm.device.type == "cuda":
            torch.cuda.synchronize()
        marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        done = train(vlm, get("siu"), examples, settings, folder, note, cost=cost, progress=False)
    detach(done.vlm)
    return {
        "rows": len(examples),
        "steps": done.steps,
        "seconds": cost.seconds,
        "step_seconds": (marks[-1] - marks[1]) / (len(marks) - 2),  # after the first step
        "peak_memory": cost.peak_memory,
        "receipt": cost.as_json(),
    }


def measure(shape: Shape, *, repeats: int) -> dict[str, Any]:
    """Everything, in this process."""
    run = siu(shape)
    results = []
    for name in COMPARED:
        _free()
        results.append(compare(CASES[name](shape), shape, repeats=repeats))
    chosen = [result["equality"] for result in results if result["case"] in CHOOSING]
    questions = sum(int(figures["choices"]) for figures in chosen)
    different = sum(int(figures["choices_different"]) for figures in chosen)
    return {
        "device": results[0]["device"],
        "shape": results[0]["shape"],
        "siu": run,
        "results": results,
        "choices": questions,
        "agreement": 1 - different / questions,
        "environment": environment(seed=0, inputs={}),
    }


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m performance.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="real7b")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / GPU)
    given = parser.parse_args(arguments)
    shape = SHAPES[given.shape]
    if shape.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU here; --shape thin is a rehearsal on the CPU")
    found = measure(shape, repeats=given.repeats)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    run = found["siu"]
    print(f"SIU: {run['seconds']:.2f} s, peak {run['peak_memory'] / 2**30:.1f} GB")
    for result in found["results"]:
        print(result["case"], {name: round(value, 1) for name, value in result["ratios"].items()})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
