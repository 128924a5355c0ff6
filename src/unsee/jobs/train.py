"""``unsee train``: the models of the embedded world, trained anew."""

from __future__ import annotations

import json
from pathlib import Path

from unsee.config import nearest
from unsee.jobs.embedded import concepts
from unsee.jobs.folder import check_writable
from unsee.jobs.lines import read_json, write_atomic
from unsee.jobs.receipt import FILE, added
from unsee.nouns import UserError
from unsee.packs.cost import Cost
from unsee.suites.mllmu.splits import check_ratio
from unsee.world.shipped import gold_name

WHAT = ("world", "target", "gold")


def train(
    what: str, out: Path, *, concept: str = "", ratio: int = 0, seed: int = 0, scale: float = 1.0
) -> Path:
    """Trains the models of the embedded world, or goes on training them.

    Args:
        what: ``world`` for blank, base and target; ``gold`` for the stage of ``concept`` without it.
        out: Folder of the checkpoints.
        concept: Id of the concept that a gold model never sees.
        ratio: Instead of a concept: all who are to be forgotten at this ratio of the embedded MLLMU-Bench.
        seed: Seed of everything random.
        scale: Length of the training relative to the recipe.

    Returns:
        The folder of what was trained.

    Raises:
        UserError: Unknown stage or concept, or a gold model without the world's checkpoints in ``out``.
    """
    _check(what, out, concept, ratio, scale)
    from unsee.world.mllmu import forget_identities
    from unsee.world.train import train_gold, train_world

    out.mkdir(parents=True, exist_ok=True)
    cost = Cost()
    with cost.measure():
        if what == "world":
            train_world(out, seed=seed, scale=scale)
            made = out
        elif ratio:
            people = forget_identities(ratio)
            made = train_gold(out, *people, name=gold_name(ratio), seed=seed, scale=scale)
        else:
            made = train_gold(out, concept, seed=seed, scale=scale)
    _note_cost(out / FILE, cost)
    return made


def _note_cost(file: Path, cost: Cost) -> None:
    """Time and memory, with those of earlier calls: the whole model trains, and nothing is counted."""
    whole = cost.as_json()
    found = {key: whole[key] for key in ("seconds", "peak_memory", "resident_memory", "activation_memory")}
    before = read_json(file) if file.is_file() else None
    write_atomic(file, json.dumps(added(before, found), indent=2) + "\n")


def _check(what: str, out: Path, concept: str, ratio: int, scale: float) -> None:
    if what == "target":
        raise _wrong(
            "The target of the embedded world is trained with the world; another needs data and a model.",
            "target without --data",
            "unsee train target --data DIR --model M, or unsee train world",
            "add --data and --model",
        )
    if what not in WHAT:
        raise _wrong("There is nothing of this name to train.", what, " or ".join(WHAT), "unsee train world")
    if not scale > 0:
        raise _wrong("The scale is not positive.", scale, "a positive number", "leave --scale out")
    check_writable(out)
    if ratio:
        check_ratio(ratio)
    if what == "gold" and bool(concept) == bool(ratio):
        both = "both" if concept else "neither"
        raise _wrong("Whom shall the gold model never see?", both, "--concept or --ratio", "give one of them")
    if what == "gold" and concept and concept not in (known := concepts()):
        match = nearest(concept, list(known))
        hint = f"did you mean {match}?" if match else "see: unsee list concepts"
        raise _wrong(
            "There is no such concept in the embedded world.", concept, "an id such as celebrity-00", hint
        )
    if what == "gold" and not out.is_dir():
        raise _wrong(
            "A gold model starts from the checkpoints of the world.",
            out,
            "the folder that unsee train world --out wrote",
            f"run unsee train world --out {out} first",
        )


def _wrong(what: str, got: object, expected: str, remedy: str) -> UserError:
    return UserError(what, got=got, expected=expected, remedy=remedy)
