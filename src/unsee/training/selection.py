"""Keeping the best point of a run instead of the last one, by a rule written down here.

    distance = max(0, forget - blind) + max(0, retain at the start - retain)

in nats per answer token: how much likelier the forget answers are than without their picture, plus what the
retain answers have lost. The point with the smallest distance wins, the earlier of two equal ones; a
collapsed point never does. Both sides are read on training rows, so no question of the evaluation takes part.
"""

from __future__ import annotations

import json

import torch
from safetensors.torch import load_file, save_file

from unsee.models.processes import from_leader, leads
from unsee.training.checkpoints import write_atomically
from unsee.training.probes import ProbePoint
from unsee.training.runs import CHECKPOINTS, Run
from unsee.training.sharding import trained_weights

BEST = "best.safetensors"
NOTE = "best.json"


def keep_if_best(run: Run, step: int, point: ProbePoint) -> None:
    """Writes the trained weights of a point that beats every point before it."""
    before = from_leader(lambda: best_step(run))
    if point.collapsed or point.distance is None:
        return
    if before is not None and before[1] <= point.distance:
        return
    folder = run.folder / CHECKPOINTS
    trained = trained_weights(run.vlm.model) if run.sharded or leads() else {}
    if not leads():
        return
    fresh = folder / f"{BEST}.writing"
    save_file(trained, fresh, metadata={"format": "pt"})
    fresh.replace(folder / BEST)
    write_atomically(folder / NOTE, json.dumps({"step": step, "distance": point.distance}))


def best_step(run: Run) -> tuple[int, float] | None:
    """Step and distance of the best point so far; None before there is one."""
    note = run.folder / CHECKPOINTS / NOTE
    if not note.exists():
        return None
    found = json.loads(note.read_text(encoding="utf-8"))
    return found["step"], found["distance"]


def take_best(run: Run) -> int:
    """Puts the weights of the best point in place.

    Returns:
        Its step; the last step when every point had collapsed.
    """
    best = from_leader(lambda: best_step(run))
    if best is None:
        return run.steps
    saved = load_file(run.folder / CHECKPOINTS / BEST)
    with torch.no_grad():
        for name, parameter in run.vlm.model.named_parameters():
            if name in saved:
                parameter.copy_(saved[name])
    return best[0]
