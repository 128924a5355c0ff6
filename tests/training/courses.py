"""Short trainings by name, for one process and for two; run as a program it does those it is told.

python -m tests.training.courses FOLDER [--shard] NAME ...
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tests.tiny import build
from tests.training.rows import SCOPE, examples, settings
from unsee.methods.parts import Method, Term
from unsee.methods.registry import get
from unsee.models import processes
from unsee.models.adapters import save_adapter
from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.training.losses import TrainingStopped
from unsee.training.settings import TrainSettings
from unsee.training.trainer import TrainResult, train

FULL = Scope(full=True)
SHARDED = ("siu", "dpo", "everywhere", "single")


class Course(NamedTuple):
    """What a training left behind: its log without seconds, trained weights, backward passes by process."""

    lines: list[dict]
    weights: dict[str, torch.Tensor]
    resumed_from: int
    kept: int
    backwards: list[int]


def small_packs(**changes: Any) -> TrainSettings:
    """Settings under which every step has packs for two processes."""
    return settings(**{"pack_tokens": 40, "anchors_per_step": 2, **changes})


COURSES = {
    # the dual-masked KL of SIU against kept states, an adapter, the probe
    "siu": (get("siu"), small_packs(passes=2, probe_every=1, probe_replies=1)),
    # one number for the whole batch: its rows must not be parted
    "npo": (
        get("npo", {"variant": "released_code", "reference": "target", "weight": 1.0}),
        small_packs(passes=2),
    ),
    # pairs of rows, every weight
    "dpo": (get("dpo"), small_packs(passes=2, scope=FULL, weight_decay=0.01)),
    # a price that follows the loss of the steps before, every weight, the best point
    "pdu": (get("pdu"), small_packs(passes=2, scope=FULL, probe_every=1, probe_replies=0, select="best")),
    # a pass of the target in every step
    "ga_kl": (get("ga_kl", {"variant": "released_code"}), small_packs(passes=2)),
    # the likelihood of every token, prompt and picture included
    "everywhere": (get("grad_diff", {"variant": "released_code"}), small_packs(passes=2)),
    # one row in every step: the second process has nothing to do
    "single": (get("ga"), small_packs(passes=2, batch=1, scope=FULL)),
    "cut lora": (get("siu"), small_packs(passes=4, scope=SCOPE, weight_decay=0.01)),
    "cut full": (get("grad_diff"), small_packs(passes=4, scope=FULL, weight_decay=0.01)),
}


def run(name: str, folder: Path) -> Course:
    """Trains in ``folder/NAME``, or goes on; the leader also saves the adapter and the course there."""
    method, wanted = COURSES[name]
    result = train(build("llava"), method, examples(), wanted, folder / name)
    course = course_of(result)
    if processes.leads():
        save_adapter(result.vlm, folder / name / "adapter")
        torch.save(tuple(course), folder / name / "course.pt")
    return course


def course_of(result: TrainResult) -> Course:
    lines = [{key: value for key, value in line.items() if key != "seconds"} for line in result.lines]
    trained = {n: p.detach().clone() for n, p in result.vlm.model.named_parameters() if p.requires_grad}
    return Course(lines, trained, result.resumed_from, result.kept, processes.gathered(result.cost.backwards))


def load(name: str, folder: Path) -> Course:
    """What the leader saved."""
    return Course(*torch.load(folder / name / "course.pt", weights_only=True))


def cut(name: str, folder: Path) -> None:
    """Takes away the last checkpoint, as if the training had been killed before it."""
    shutil.rmtree(folder / name / "checkpoints" / "checkpoint-4")


def distance(one: Course, other: Course) -> float:
    """Largest relative difference of a loss, a term, a gradient norm or a weight."""
    assert [line.keys() for line in one.lines] == [line.keys() for line in other.lines]
    found = [0.0]
    for a, b in zip(one.lines, other.lines, strict=True):
        assert a["step"] == b["step"]
        for x, y in zip(_numbers(a), _numbers(b), strict=True):
            found.append(abs(x - y) / max(1.0, abs(y)))
    return max(found)


def weight_distance(one: Course, other: Course) -> float:
    """Largest absolute difference of a trained weight.

    Adam divides by the size of the gradient, so rounding moves entries with nearly no gradient further than
    the losses show; the learning rate of these courses is 3e-3.
    """
    assert one.weights.keys() == other.weights.keys()
    return max(float((one.weights[name] - other.weights[name]).abs().max()) for name in one.weights)


def _numbers(line: object) -> list[float]:
    if isinstance(line, dict):
        return [x for value in line.values() for x in _numbers(value)]
    return [float(line)] if isinstance(line, int | float) else []


def failures(folder: Path) -> dict[str, str]:
    """What each way of failing in process 1 alone becomes in this process."""

    def loss(table, reference):
        value = table.mean_by_row(table.logp)
        bad = [float("nan") if row.example == "anchor-0" else 1.0 for row in table.rows]
        return value * torch.tensor(bad)

    def user_error() -> None:
        with processes.agreed():
            if not processes.leads():
                raise UserError("Wrong.", got="this", expected="that", remedy="change it")

    def own_error() -> None:
        with processes.agreed():
            if not processes.leads():
                raise ValueError("only here")

    def not_finite() -> None:
        terms = (Term("broken", frozenset({"T1", "anchor"}), 1.0, loss),)
        method = Method("bad", "bad", "none", "none", None, terms)
        train(build("llava"), method, examples(), settings(anchors_per_step=2), folder / "nan")

    found = {}
    for name, fails in {"user": user_error, "own": own_error, "nan": not_finite}.items():
        try:
            fails()
        except (UserError, ValueError, TrainingStopped, processes.ElsewhereError) as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    processes.join("cpu")
    assert processes.count() == 2
    for name in sys.argv[2:]:
        if name == "failures":
            text = json.dumps(processes.gathered(failures(folder)))
            (folder / f"failures-{processes.rank()}.json").write_text(text)
        elif name == "divided":
            done = list(processes.divided(range(5), lambda task: (task, processes.rank())))
            assert done == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)], done
            assert processes.from_leader(processes.rank) == 0
        else:
            where, _, course = name.rpartition("/")
            run(course, folder / where)


if __name__ == "__main__":
    main()
