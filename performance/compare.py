"""One comparison from end to end: same outcome, counters, and, when asked for, times."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any, NamedTuple

from performance.cases.case import Case, Unequal, check_equal
from performance.counting import Counters, counted
from performance.shapes import Shape
from performance.timing import REPEATS, Times, interleave
from unsee.jobs.environment import environment
from unsee.packs.cost import Cost


class Checked(NamedTuple):
    """Both sides on one picture: figures of equality, and what each put through the model."""

    equality: dict[str, float]
    ours: Counters
    peer: Counters


def check(case: Case) -> Checked:
    """Run both sides once on picture 0.

    Raises:
        Unequal: The outcomes differ, or our cost receipt does not say what went through the model.
    """
    receipt = Cost()
    with counted(case.vlm) as ours:
        mine = case.ours(0, receipt)
    with counted(case.vlm) as peer:
        theirs = case.peer(0)
    for name, value in ours.as_json().items():
        if getattr(receipt, name) != value:
            raise Unequal(f"the receipt says {getattr(receipt, name)} {name}, the model saw {value}")
    return Checked(check_equal(mine, theirs), ours, peer)


def compare(case: Case, shape: Shape, *, repeats: int = REPEATS) -> dict[str, Any]:
    """The content of ``results/<case>.json``: counters of picture 0, times of the ``repeats`` next ones.

    Raises:
        Unequal: The sides differ on any of the pictures.
    """
    load = os.getloadavg()[0]
    checked = check(case)
    ours, peer = interleave(lambda n: case.ours(n, Cost()), case.peer, check_equal, repeats=repeats)
    return {
        "case": case.name,
        "title": case.title,
        "peer_title": case.peer_title,
        "shape": asdict(shape),
        "ratios": _ratios(checked, ours, peer),
        "equality": checked.equality,
        "labelled_rows": case.labelled_rows,
        "ours": {"counters": checked.ours.as_json(), **ours.as_json()},
        "peer": {"counters": checked.peer.as_json(), **peer.as_json()},
        "repeats": repeats,
        "load_at_start": load,
        "environment": environment(seed=0, inputs={"weights": case.vlm.weights_hash}),
    }


def _ratios(checked: Checked, ours: Times, peer: Times) -> dict[str, float]:
    """How many times more the peer's layout takes."""
    return {
        "wall": peer.wall_median / ours.wall_median,
        "process": peer.process_median / ours.process_median,
        "lm_tokens": checked.peer.lm_tokens / checked.ours.lm_tokens,
        "images_encoded": checked.peer.images_encoded / checked.ours.images_encoded,
        "head_rows": checked.peer.head_rows / checked.ours.head_rows,
    }
