"""One model answers one questionnaire; every finished question is a line of ``records.jsonl``.

Questions are put in portions whose make-up depends on the questionnaire only. A portion that was cut short
by a kill is computed whole again and only its missing lines are added: float rounding depends on what is
computed together, and a run that was stopped must end with the same figures as one that was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from unsee.config import Evaluation
from unsee.jobs.lines import Lines
from unsee.jobs.progress import bar
from unsee.models.load import VLM
from unsee.models.processes import divided, leads
from unsee.nouns import Question, Record
from unsee.packs.cost import Cost
from unsee.suites.concept import Questionnaire, evaluate_model

PORTION = 128
GATE_SPLITS = ("naming", "efficacy", "yes_no", "choice", "choice_control")
Row = dict[str, Any]


def ask(
    vlm: VLM,
    model: str,
    questionnaire: Questionnaire,
    settings: Evaluation,
    *,
    records: Lines,
    reference: VLM | None = None,
    cost: Cost | None = None,
) -> None:
    """Adds the records of one model to ``records``; portions that are there already are not asked again.

    Several processes take turns with the portions; the lines come in the same order as from one.

    Args:
        vlm: The model.
        model: What the records call it: target, unlearned, gold or blind. ``blind`` sees no picture and gets
            the questions about pictures only.
        questionnaire: What is asked.
        settings: Limits of the evaluation.
        records: Where the lines go.
        reference: The target, which judges how fluent replies are; None = ``vlm`` with its adapter off.
        cost: Counters to add to.
    """
    asked = [q for q in questionnaire.questions if q.picture is not None or model != "blind"]
    missing = sum((model, question.id) not in records for question in asked)
    todo = [part for part in portions(asked) if any((model, question.id) not in records for question in part)]
    with bar(f"asking {model}", missing if leads() else 0) as advance:
        for rows in ask_portions(vlm, model, questionnaire, todo, settings, reference, cost):
            before = len(records)
            records.append(rows)
            advance(len(records) - before)


def ask_portions(
    vlm: VLM,
    model: str,
    questionnaire: Questionnaire,
    todo: Sequence[Sequence[Question]],
    settings: Evaluation,
    reference: VLM | None = None,
    cost: Cost | None = None,
) -> Iterator[list[Row]]:
    """The records of each portion in turn; several processes share the portions."""

    def put(portion: Sequence[Question]) -> list[Row]:
        return ask_portion(vlm, model, questionnaire, portion, settings, reference, cost)

    return divided(todo, put)


def ask_portion(
    vlm: VLM,
    model: str,
    questionnaire: Questionnaire,
    portion: Sequence[Question],
    settings: Evaluation,
    reference: VLM | None = None,
    cost: Cost | None = None,
) -> list[Row]:
    """The records of one portion, as lines with the hash of their picture."""
    records = evaluate_model(
        vlm,
        replace(questionnaire, questions=tuple(portion)),
        model,
        blind=model == "blind",
        reference=reference,
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch,
        chunk=len(portion),
        cost=cost,
    )
    pictures = {q.id: None if q.picture is None else q.picture.hash for q in portion}
    return [{**asdict(record), "picture": pictures[record.question]} for record in records]


def portions(questions: Sequence[Question], size: int = PORTION) -> Iterator[list[Question]]:
    """The questions, those for the gate first, those about one picture together, ``size`` at a time."""
    yield from gate_portions(questions, size)
    yield from _cut([question for question in questions if question.split not in GATE_SPLITS], size)


def gate_portions(questions: Sequence[Question], size: int = PORTION) -> Iterator[list[Question]]:
    """The first portions: the questions by which the gate decides."""
    yield from _cut([question for question in questions if question.split in GATE_SPLITS], size)


def as_record(row: Mapping[str, Any]) -> Record:
    """A line of ``records.jsonl`` as a record; what else stands in the line is left out."""
    return Record(**{field.name: row[field.name] for field in fields(Record)})


def _cut(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault("" if question.picture is None else question.picture.hash, []).append(question)
    ordered = [question for group in groups.values() for question in group]
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
