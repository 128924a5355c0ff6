"""What the user asked for, checked before any work: pictures, retain data, output folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.concepts import make_concept
from unsee.jobs.folder import check_free
from unsee.jobs.mllmu_floors import at_ratio
from unsee.jobs.training import method_of, scope_of
from unsee.methods.parts import Method
from unsee.models.pictures import open_folder, open_picture
from unsee.nouns import Concept, Example, Picture, UserError, hash_text
from unsee.training.trackers import check_trackers
from unsee.training.unlearn import check_gold
from unsee.training.wording import Wording

HELD_OUT = 4  # one in so many retain pictures is kept for evaluation


@dataclass(frozen=True)
class Request:
    """One request to forget, checked.

    Attributes:
        config: The resolved configuration, its paths absolute.
        concept: What must go.
        picture: The one picture that is trained on.
        test_pictures: Other pictures of the concept, for evaluation only.
        retain_pictures: Pictures that do not show the concept.
        retain_rows: Labelled rows of others.
        model: Folder or hub id of the target.
        folder: Where the run goes.
        world: What the embedded world hands over; None for the user's own model.
        row_wording: Templates of training rows; None = those of the world, or English for the kind.
    """

    config: RunConfig
    concept: Concept
    picture: Picture
    test_pictures: tuple[Picture, ...]
    retain_pictures: tuple[Picture, ...]
    retain_rows: tuple[Example, ...]
    model: str
    folder: Path
    world: embedded.WorldRequest | None = None
    row_wording: Wording | None = None

    @property
    def wording(self) -> Wording | None:
        """How training rows are worded; None = English for the concept's kind."""
        return self.row_wording if self.world is None else self.world.wording

    @property
    def held_out_pictures(self) -> tuple[Picture, ...]:
        """Retain pictures that are only asked about: a quarter of them, at least one of two, by hash."""
        ordered = sorted(self.retain_pictures, key=lambda picture: picture.hash)
        count = max(1, len(ordered) // HELD_OUT) if len(ordered) > 1 else 0
        return tuple(ordered[:count])

    @property
    def anchor_pictures(self) -> tuple[Picture, ...]:
        """Retain pictures that may be trained on; the embedded world holds its own back."""
        if self.world is not None:
            return self.retain_pictures
        held = {picture.hash for picture in self.held_out_pictures}
        return tuple(picture for picture in self.retain_pictures if picture.hash not in held)

    @property
    def gold(self) -> str:
        """Folder or hub id of the model that was trained without the concept; empty = there is none."""
        if self.config.gold or self.world is None:
            return self.config.gold
        return str(embedded.gold_path(self.concept.id, self.config.world.gold_seed) or "")

    @property
    def inputs(self) -> dict[str, str]:
        """Hashes of what was read, for ``environment.json``; the weights are added by the job."""
        rows = [f"{row.prompt}\x1e{row.answer}\x1e{_hash_of(row.picture)}" for row in self.retain_rows]
        return {
            "picture": self.picture.hash,
            "test_pictures": hash_text(*(picture.hash for picture in self.test_pictures)),
            "retain_pictures": hash_text(*(picture.hash for picture in self.retain_pictures)),
            "retain_rows": hash_text(*rows),
        }


def check(config: RunConfig, job: str = "forget") -> Request:
    """Checks everything that can be checked without the model; writes nothing.

    Args:
        config: The resolved configuration.
        job: forget or evaluate, for the name of the default folder.

    Raises:
        UserError: The first thing that is wrong.
    """
    method = method_of(config)
    scope_of(config)
    check_trackers(config.training.report_to)
    config = with_absolute_paths(config)
    request = _embedded_request(config, job) if config.embedded else _own_request(config, job)
    if job == "forget":
        check_method(method, request)
    check_free(request.folder, request.config)
    return request


def check_method(method: Method, request: Request) -> None:
    """Refuses a method that cannot do without other pictures or a gold model when there are none."""
    check_gold(method, bool(request.gold))
    pictures = set() if request.anchor_pictures else {"anchor", "decoupled"}
    missing = pictures | (set() if request.retain_rows else {"retain"})
    for role, reason in method.needs.items():
        if role in missing:
            raise UserError(
                f"{method.name} cannot do without rows of the kind {role}: {reason}.",
                got="no pictures that do not show the concept",
                expected="some",
                remedy="give them with --retain (in the embedded world: --set world.retain=anchors)",
            )


def _embedded_request(config: RunConfig, job: str) -> Request:
    own = [key for key in ("image", "name", "alias", "fact", "retain", "test") if getattr(config, key)]
    if own:
        raise UserError(
            "These options need a model of your own.",
            got=", ".join(f"--{key}" for key in own),
            expected="--model FOLDER_OR_HUB_ID beside them",
            remedy="add --model, or leave them out to use the embedded world",
        )
    model = str(embedded.model_path(config.world.stage))
    given = config.world
    world = embedded.request(given.concept, given.stage, given.retain, given.split, pictures=given.pictures)
    concept = world.concept
    return Request(
        config=config,
        concept=concept,
        picture=world.picture,
        test_pictures=(),
        retain_pictures=() if config.world.retain == "none" else tuple(world.retain_pictures),
        retain_rows=(),
        model=model,
        folder=_folder(config, job, concept.id),
        world=world,
    )


def _own_request(config: RunConfig, job: str) -> Request:
    concept = make_concept(config)
    if not config.image:
        raise UserError(
            "No picture of the concept was given.",
            got="no --image",
            expected="one picture file that shows the concept",
            remedy="add --image FILE",
        )
    pictures = [open_picture(path) for path in config.image]
    test = open_folder(config.test) if config.test else []
    others = {p.hash: p for p in (*pictures[1:], *test) if p.hash != pictures[0].hash}
    retain_pictures, retain_rows = read_retain(config.retain)
    _check_apart(
        config.retain, retain_pictures, retain_rows, {picture.hash for picture in (*pictures, *test)}
    )
    return Request(
        config=config,
        concept=concept,
        picture=pictures[0],
        test_pictures=tuple(others.values()),
        retain_pictures=retain_pictures,
        retain_rows=retain_rows,
        model=config.model,
        folder=_folder(config, job, concept.id),
    )


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """The same configuration with every local path absolute, so that run.yaml works from anywhere."""
    ratio = config.mllmu.ratio
    return config.model_copy(
        update={
            "model": _model_path(config.model),
            "adapter": _absolute(config.adapter),
            "image": tuple(_absolute(path) for path in config.image),
            "retain": _absolute(config.retain),
            "gold": _model_path(config.gold, ratio),
            "test": _absolute(config.test),
            "mmubench": config.mmubench.model_copy(
                update={
                    "data": _absolute(config.mmubench.data),
                    "judge_model": _judge_path(config.mmubench.judge_url, config.mmubench.judge_model),
                    "utility": tuple(map(_absolute_item, config.mmubench.utility)),
                    "utility_pictures": tuple(map(_absolute_item, config.mmubench.utility_pictures)),
                }
            ),
            "mllmu": config.mllmu.model_copy(
                update={
                    "data": _model_path(config.mllmu.data),
                    "base": _model_path(config.mllmu.base),
                    "gold_other": _model_path(config.mllmu.gold_other, ratio),
                    "judge_model": _judge_path(config.mllmu.judge_url, config.mllmu.judge_model),
                }
            ),
        }
    )


def read_retain(path: str) -> tuple[tuple[Picture, ...], tuple[Example, ...]]:
    """Retain data: the pictures of a folder, or the labelled rows of a JSON-lines file.

    Raises:
        UserError: Missing, empty, or a line that is not a row.
    """
    if not path:
        return (), ()
    if Path(path).is_dir():
        return tuple(open_folder(path)), ()
    if not Path(path).is_file():
        raise UserError(
            "The retain data is missing.",
            got=path,
            expected="a folder of pictures, or a JSON-lines file",
            remedy="check the path given to --retain",
        )
    file = Path(path)
    try:
        lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise _bad_row(f"{path} is not text") from error
    rows = tuple(_row(file, number, line) for number, line in enumerate(lines, start=1))
    if not rows:
        raise _bad_row(f"{path} is empty")
    return (), rows


def _row(file: Path, number: int, line: str) -> Example:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise _bad_row(f"{file}, line {number}: not JSON") from error
    if not isinstance(row, dict):
        raise _bad_row(f"{file}, line {number}: not a JSON object")
    prompt, answer = row.get("prompt"), row.get("answer")
    if not isinstance(prompt, str) or not isinstance(answer, str) or not (prompt.strip() and answer.strip()):
        raise _bad_row(f"{file}, line {number}: no prompt and answer")
    unknown = sorted(set(row) - {"prompt", "answer", "image", "id"})
    if unknown:
        raise _bad_row(f"{file}, line {number}: unknown key {unknown[0]}")
    picture = open_picture(file.parent / row["image"]) if row.get("image") else None
    return Example(f"retain-{number}", prompt, answer, role="retain", picture=picture)


def _bad_row(got: str) -> UserError:
    return UserError(
        "The retain data cannot be used.",
        got=got,
        expected='lines such as {"image": "a.jpg", "prompt": "Who is this?", "answer": "This is Ann."}',
        remedy="correct the file; image is optional and relative to the file",
    )


def _check_apart(path: str, pictures: tuple[Picture, ...], rows: tuple[Example, ...], own: set[str]) -> None:
    shown = [picture for picture in (*pictures, *(row.picture for row in rows)) if picture is not None]
    for picture in shown:
        if picture.hash in own:
            raise UserError(
                "A retain picture is a picture of the concept.",
                got=picture.path or picture.hash,
                expected="pictures that do not show the concept",
                remedy=f"take it out of {path}",
            )


def _folder(config: RunConfig, job: str, concept_id: str) -> Path:
    if config.out:
        return Path(config.out).expanduser()
    return Path("runs") / f"{job}-{concept_id}-{config.identity[:8]}"


def _model_path(model: str, ratio: int = 0) -> str:
    """A folder by its absolute path, a hub id as it is; either may hold a place for the forget ratio."""
    there = Path(at_ratio(model, ratio)).expanduser().exists()
    return str(Path(model).expanduser().resolve()) if model and there else model


def _judge_path(url: str, model: str) -> str:
    """A model behind an endpoint keeps its name, which may look like a path; one here gets its whole path."""
    return model if url else _model_path(model)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve()) if path else ""


def _absolute_item(item: str) -> str:
    """``name=path`` with the path absolute."""
    name, separator, path = item.partition("=")
    return f"{name}{separator}{_absolute(path.strip())}"


def _hash_of(picture: Picture | None) -> str:
    return "" if picture is None else picture.hash
