"""From replies to records, and records back beside their questions: what every suite does alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from unsee.metrics.replies import status_of
from unsee.models.load import VLM
from unsee.nouns import Modality, Question, Record, Reply, Status, UserError


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


Asked = TypeVar("Asked", bound=_WithId)


def record(
    model: str,
    question: Question,
    reply: str,
    scores: Mapping[str, float],
    *,
    status: Status | None = None,
    modality: Modality | None = None,
) -> Record:
    """The record of one reply.

    Args:
        model: What records call the model.
        question: What was asked.
        reply: The model's text.
        scores: Figures of this line.
        status: None = by the question's own rule (``metrics.replies``).
        modality: None = the question's; a control condition may have taken its picture away.
    """
    return Record(
        model=model,
        question=question.id,
        prompt=question.prompt,
        split=question.split,
        identity=question.identity,
        modality=modality or question.modality,
        kind=question.kind,
        reply=reply,
        status=status or status_of(question, reply),
        scores=dict(scores),
    )


def reply_figures(reply: Reply) -> dict[str, float]:
    """``mean_logprob`` (nats per token) of a generated reply, and ``truncated`` 1 where it was cut."""
    return {"mean_logprob": reply.mean_logprob, "truncated": float(reply.truncated)}


def joined(questions: Iterable[Asked], records: Iterable[Record]) -> list[tuple[Asked, Record]]:
    """Question and record side by side, in the order of the questions; the last record of a question counts.

    Raises:
        UserError: A record answers a question that is not among them (a file of another run).
    """
    known, last = {q.id: q for q in questions}, {r.question: r for r in records}
    stale = [i for i in last if i not in known]
    if stale:
        raise UserError(
            "records answer questions that were not asked",
            got=", ".join(stale[:5]),
            expected="records of these questions",
            remedy="use another --out folder, or remove the records of the other run",
        )
    return [(q, last[i]) for i, q in known.items() if i in last]


def speakable(vlm: VLM, text: str) -> str:
    """The text without image placeholders, which cannot stand in an answer that is given as input."""
    return text.replace(vlm.chat.image_token, " ").strip()
