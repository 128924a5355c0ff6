"""Which suites ``unsee evaluate`` knows: how the questions of each are made from a request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from unsee.config import nearest
from unsee.jobs.inputs import Request
from unsee.nouns import Question, UserError, hash_text
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.suites.concept.user import user_questionnaire


@dataclass(frozen=True)
class Suite:
    """A suite: what it is and how its questions are made.

    Attributes:
        title: One line for ``unsee list suites``.
        questions: From a request and the prompts that were trained on to a questionnaire.
    """

    title: str
    questions: Callable[[Request, Collection[str]], Questionnaire]


def concept_questions(request: Request, trained_prompts: Collection[str] = ()) -> Questionnaire:
    """The questionnaire of ``unsee forget``, cut to ``evaluation.limit`` questions per split."""
    if request.world is not None:
        made: Questionnaire = request.world.questionnaire
    else:
        made = user_questionnaire(
            request.concept,
            request.picture,
            request.test_pictures,
            request.held_out_pictures,
            trained_prompts=trained_prompts,
        )
    limit = request.config.evaluation.limit
    return replace(made, questions=_at_most(made, limit)) if limit else made


def questions_hash(made: Questionnaire) -> str:
    """Hash (hex) of everything that is asked."""
    parts = [
        "\x1e".join(
            (q.id, q.prompt, q.split, q.answer, *q.keywords, *q.options, q.picture.hash if q.picture else "")
        )
        for q in made.questions
    ]
    return hash_text(*parts)


def get_suite(name: str) -> Suite:
    """The suite of this name.

    Raises:
        UserError: There is none; the nearest is named.
    """
    if name not in SUITES:
        match = nearest(name, [*SUITES, *BENCHMARKS])
        raise UserError(
            "There is no such suite.",
            got=name,
            expected=", ".join((*SUITES, *BENCHMARKS)),
            remedy=f"did you mean {match}?" if match else "see: unsee list suites",
        )
    return SUITES[name]


def _at_most(made: Questionnaire, limit: int) -> tuple[Question, ...]:
    """The first ``limit`` questions of each split and right answer, so that yes and no stay balanced."""
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    kept = []
    for question in made.questions:
        key = (question.split, question.keywords if question.kind == "yes_no" else ())
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= limit:
            kept.append(question)
    return tuple(kept)


BENCHMARKS: Mapping[str, str] = {
    "mmubench": "MMUBench: concepts of seven kinds, one picture to train on, EM, attacks, what is kept",
    "mllmu": "MLLMU-Bench: forget, test, retain and real people, three tasks, with pictures and by name",
}
"""Published benchmarks: they come with people and questions of their own, so they need no concept."""
SUITES: Mapping[str, Suite] = {
    "concept": Suite("one concept: what is gone and what is kept", concept_questions),
}
