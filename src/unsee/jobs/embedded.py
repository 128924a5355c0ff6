"""The embedded world as far as a job needs it: checkpoints and one request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from unsee.nouns import Concept, Picture, UserError

STAGES = ("blank", "base", "target")
Retain = Literal["none", "anchors", "others"]
Split = Literal["report", "selection"]


class WorldRequest(Protocol):
    """What the embedded world hands over for one of its concepts."""

    @property
    def concept(self) -> Concept:
        """The concept."""

    @property
    def picture(self) -> Picture:
        """The one picture that is trained on."""

    @property
    def retain_pictures(self) -> Sequence[Picture]:
        """Pictures that do not show the concept."""

    @property
    def questionnaire(self) -> Any:
        """The questions that measure the result."""

    @property
    def wording(self) -> Any:
        """How training rows are worded in the small language of the world."""


def model_path(stage: str) -> Path:
    """Folder of a shipped checkpoint.

    Raises:
        UserError: It is not part of this installation.
    """
    if stage not in STAGES:
        raise UserError(
            "There is no such stage of the embedded model.",
            got=stage,
            expected=", ".join(STAGES),
            remedy="correct world.stage",
        )
    from unsee.world import shipped

    path = shipped.model_path(stage)
    if not (path / "config.json").is_file():
        raise UserError(
            "The embedded model is not part of this installation.",
            got=stage,
            expected="one of " + ", ".join(STAGES),
            remedy="install the released package, or give your own model with --model",
        )
    return path


def gold_path(concept: str, seed: int) -> Path | None:
    """Folder of the checkpoint trained without the concept, or None when there is none."""
    from unsee.world import shipped

    return shipped.gold_path(concept, seed=seed)


def request(
    concept: str, stage: str, retain: Retain, split: Split = "report", *, pictures: int = 24
) -> WorldRequest:
    """The request for a concept of the world; an empty id is its default one.

    Args:
        concept: Id, such as celebrity-00.
        stage: The checkpoint that knows it.
        retain: none, anchors or others; with none the pictures are there but not to be used.
        split: report, or selection for other pictures and questions.
        pictures: Pictures of each sort of others.

    Raises:
        UserError: The stage does not know the concept.
    """
    from unsee.world import suite

    kind: Literal["anchors", "others"] = "others" if retain == "others" else "anchors"
    return suite.request(
        concept or suite.default_concept(), stage=stage, retain=kind, split=split, pictures=pictures
    )


def concepts_of(stage: str, split: str) -> tuple[str, ...]:
    """Ids of the concepts that a stage knows and whose figures belong to ``split`` (report or selection)."""
    from unsee.world import suite

    return suite.concepts_of(stage, "selection" if split == "selection" else "report")


def concepts() -> dict[str, str]:
    """Id and description of every concept of the world, public ones first."""
    from unsee.world import suite
    from unsee.world.curriculum import STAGES as stages

    known = {entry.id: (entry, stage) for stage in ("target", "base") for entry in stages[stage].known}
    named = {key: (suite.as_concept(entry), stage) for key, (entry, stage) in known.items()}
    ordered = sorted(named.items(), key=lambda item: item[1][1] != "base")
    return {key: f"{concept.name} ({concept.kind}, known by {stage})" for key, (concept, stage) in ordered}
