"""Teaching a model people: fine-tuning on question-answer pairs, as it should be done.

    L = mean over rows of the mean over a row's answer tokens of -log p

Only answers are in the loss, their end of turn included; a LoRA sits in the language model, named by full
path. Rows about one picture stand behind one copy of it, so a step takes whole people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from unsee.methods.ascent import likelihood_term
from unsee.methods.parts import Method
from unsee.models.scopes import Scope
from unsee.nouns import Example
from unsee.training.settings import TrainSettings

ROLE = "lesson"


@dataclass(frozen=True)
class Recipe:
    """Numbers of a fine-tuning.

    Attributes:
        name: Of the preset.
        lr: Learning rate.
        epochs: Passes over all rows.
        batch: Rows per step.
        rank, alpha, dropout: Of the LoRA.
    """

    name: str
    lr: float
    epochs: int
    batch: int
    rank: int
    alpha: int
    dropout: float


CORRECTED = Recipe("corrected", lr=1e-4, epochs=5, batch=16, rank=16, alpha=32, dropout=0.0)


def lesson_rows(rows: Iterable[Example]) -> list[Example]:
    """Rows to learn, with ids by which the rows of one person stay together: ``lesson-NUMBER-PERSON``."""
    found = []
    for row in rows:
        person, _, name = row.id.rpartition("/")
        number = name.rpartition("-")[2]
        found.append(Example(f"{ROLE}-{number}-{person}", row.prompt, row.answer, ROLE, row.picture))
    return found


def fitting() -> Method:
    """Fine-tuning as a method of one term, so that the trainer of all methods does it."""
    return Method(
        name="fine-tuning",
        title="Fine-tuning on question-answer pairs",
        paper="arXiv 2410.22108",
        loss_line="CE(answers)",
        knobs=None,
        terms=(replace(likelihood_term("fit", (ROLE,)), paired=True),),
    )


def settings_of(recipe: Recipe, *, seed: int, save_every: int = 50) -> TrainSettings:
    """The trainer's settings of a recipe."""
    return TrainSettings(
        scope=Scope(("language",), recipe.rank, recipe.alpha, recipe.dropout),
        passes=recipe.epochs,
        batch=recipe.batch,
        anchors_per_step=0,
        lr=recipe.lr,
        schedule="cosine",
        warmup=0.03,
        clip=1.0,
        save_every=save_every,
        probe_every=0,
        seed=seed,
    )


def people_in(rows: Sequence[Example]) -> set[str]:
    """Ids of the people that lessons are about."""
    return {row.id.rpartition("-")[2] for row in rows}
