"""``unsee train target|gold --data DIR --model M``: a model of the user's learns the people of MLLMU-Bench.

``target`` learns everybody; ``gold`` the people of the retain set only: what a model would be that never saw
those who are to be forgotten.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from unsee.jobs.folder import log
from unsee.jobs.lines import write_atomic
from unsee.jobs.mllmu import opened
from unsee.jobs.mllmu_rows import training_hash
from unsee.jobs.receipt import Receipt
from unsee.jobs.training import show_scope
from unsee.models.adapters import load_adapter, merge, save_adapter
from unsee.models.load import VLM, load
from unsee.nouns import Example, UserError
from unsee.packs.cost import Cost
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.examples import FORMS, Form, original_rows, pairs_of
from unsee.suites.mllmu.load import check_pictures
from unsee.suites.mllmu.load import load as load_data
from unsee.training.fitting import CORRECTED, Recipe, fitting, lesson_rows, people_in, settings_of
from unsee.training.released import RELEASE, train_released
from unsee.training.trainer import train

RECIPES = {recipe.name: recipe for recipe in (CORRECTED, RELEASE)}
WHAT = ("target", "gold")
PEOPLE = "people.json"
SAVE_EVERY = 50


@dataclass(frozen=True)
class FitOptions:
    """What is trained, and on whom.

    Attributes:
        data: Folder of the published files, or a hub id.
        model: Folder or hub id of the off-the-shelf model.
        out: Where everything goes.
        preset: ``corrected``, or ``release``: the published recipe with what is wrong with it.
        ratio: Forget ratio; a gold model learns the others. For target only which files are read.
        modality: image_text as published; text or both: also the questions by name, without picture.
        seed: Of everything random.
        epochs, lr: Instead of the preset's; 0 = its own.
        whole: Also write the model with the adapter merged in, as a folder that ``--model`` takes.
        data_revision, revision: Commits on the hub.
        device, dtype: As in ``unsee forget``; ``release`` is always in float32.
        save_every: Steps between two checkpoints.
    """

    data: str
    model: str
    out: Path
    preset: str = CORRECTED.name
    ratio: int = 5
    modality: Form = "image_text"
    seed: int = 0
    epochs: int = 0
    lr: float = 0.0
    whole: bool = True
    data_revision: str = ""
    revision: str = ""
    device: str = "auto"
    dtype: str = "auto"
    save_every: int = SAVE_EVERY


def fit(what: str, options: FitOptions) -> Path:
    """Trains a target or gold model, or goes on training it.

    Returns:
        The folder of the merged model, or of the adapter with ``whole`` off.

    Raises:
        UserError: The input is wrong, or the folder holds another training.
    """
    recipe = _check(what, options)
    data = load_data(options.data, options.ratio, revision=options.data_revision, training=True, demos=False)
    rows = lessons(what, data, options.modality)
    check_pictures(row.picture for row in rows if row.picture is not None)
    vlm = load(
        options.model,
        revision=options.revision or None,
        device=options.device,
        dtype="float32" if recipe.name == RELEASE.name else options.dtype,
    )
    inputs = {
        "job": f"train {what}",
        "weights": vlm.weights_hash,
        "data": data.revision,
        "training": training_hash(data),
        "ratio": str(data.ratio) if what == "gold" else "",
        "modality": options.modality,
        "recipe": repr(recipe),
        "dtype": str(vlm.dtype),
    }
    out = options.out.expanduser()
    with opened(out, options.seed, inputs) as folder:
        write_atomic(out / PEOPLE, json.dumps(sorted(people_in(rows))) + "\n")
        write_atomic(out / "recipe.json", json.dumps(asdict(recipe), indent=2) + "\n")
        if not (out / "adapter").is_dir():
            with Receipt(folder).stage("training") as cost:
                trained = _train(vlm, rows, recipe, options, cost)
            save_adapter(trained, out / "adapter")
        if options.whole and not (out / "model" / "config.json").exists():
            _write_model(options, out)
        shutil.rmtree(out / "checkpoints", ignore_errors=True)
    return out / "model" if options.whole else out / "adapter"


def _check(what: str, options: FitOptions) -> Recipe:
    """The recipe with the user's numbers.

    Raises:
        UserError: Something is missing or unknown.
    """
    problems = {
        "There is nothing of this name to train.": (what not in WHAT, what, " or ".join(WHAT)),
        "There is no such recipe.": (options.preset not in RECIPES, options.preset, " or ".join(RECIPES)),
        "There is no such form of the training questions.": (
            options.modality not in FORMS,
            options.modality,
            ", ".join(FORMS),
        ),
        "There is no model to train.": (not options.model, "no --model", "--model FOLDER_OR_HUB_ID"),
        "There is no data to train on.": (not options.data, "no --data", "--data FOLDER_OR_HUB_ID"),
        "The number of epochs is negative.": (options.epochs < 0, options.epochs, "1 or more"),
        "The learning rate is negative.": (options.lr < 0, options.lr, "a positive number"),
    }
    for text, (wrong, got, expected) in problems.items():
        if wrong:
            raise UserError(text, got=got, expected=expected, remedy="see: unsee train --help")
    recipe = RECIPES[options.preset]
    return replace(recipe, epochs=options.epochs or recipe.epochs, lr=options.lr or recipe.lr)


def lessons(what: str, data: Mllmu, form: Form) -> list[Example]:
    """Everything that the model learns.

    Raises:
        UserError: Somebody who is to be forgotten is also among the people to keep.
    """
    if what == "gold":
        check_disjoint(data)
    people = data.retain if what == "gold" else (*data.forget, *data.retain)
    rows = lesson_rows(original_rows(pairs_of(people, form)))
    assert what != "gold" or not people_in(rows) & {p.id for p in data.forget}, "forget people among lessons"
    return rows


def check_disjoint(data: Mllmu) -> None:
    """Nobody of the forget set, and none of their pictures, may be in the retain set.

    Raises:
        UserError: The first one who is.
    """
    ids = {person.id for person in data.forget}
    shown = {picture.hash for person in data.forget for picture in person.pictures}
    for person in data.retain:
        if person.id in ids or any(picture.hash in shown for picture in person.pictures):
            raise UserError(
                "The retain set holds somebody who is to be forgotten.",
                got=f"ID {person.id}: " + ("the same ID" if person.id in ids else "the same picture"),
                expected="forget and retain people that differ in ID and picture",
                remedy="take the retain file that belongs to this forget file",
            )


def _train(vlm: VLM, rows: list[Example], recipe: Recipe, options: FitOptions, cost: Cost) -> VLM:
    log.info("%s on %d rows", recipe.name, len(rows))
    if recipe.name == RELEASE.name:
        found = train_released(
            vlm, rows, recipe, options.out, seed=options.seed, save_every=options.save_every, cost=cost
        )
        show_scope(found)
        return found
    settings = settings_of(recipe, seed=options.seed, save_every=options.save_every)
    return train(vlm, fitting(), rows, settings, options.out, cost=cost).vlm


def _write_model(options: FitOptions, out: Path) -> None:
    """The whole model, written beside its place and then renamed."""
    dtype = "float32" if options.preset == RELEASE.name else options.dtype
    fresh = load(options.model, revision=options.revision or None, device=options.device, dtype=dtype)
    merged = merge(load_adapter(fresh, out / "adapter"))
    to = out / ".model.writing"
    shutil.rmtree(to, ignore_errors=True)
    merged.model.save_pretrained(str(to))
    merged.processor.save_pretrained(str(to))
    to.rename(out / "model")
