"""Asking one model the whole questionnaire; records stream, and a finished record is never made again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from unsee.answering import answer, choose, score
from unsee.metrics.distance import name_positions
from unsee.models.load import VLM
from unsee.nouns import Concept, Question, Record, Reply
from unsee.packs.cost import Cost
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.suites.records import record, reply_figures, speakable

CHUNK = 64
NAME_SPLITS = ("naming", "efficacy")
FLUENCY_SPLITS = ("open",)


def evaluate_model(
    vlm: VLM,
    questionnaire: Questionnaire,
    label: str,
    *,
    blind: bool = False,
    on_record: Callable[[Record], None] | None = None,
    done: Collection[str] = (),
    cost: Cost | None = None,
    reference: VLM | None = None,
    max_new_tokens: int = 64,
    batch_size: int = 32,
    chunk: int = CHUNK,
) -> list[Record]:
    """Records of one model for the questions that are not done yet, in the questionnaire's order.

    Figures in ``Record.scores``: ``mean_logprob`` of the reply; ``truncated`` 1 where the reply was cut;
    ``name_logprob`` (log p of the name's tokens in the reference answer, their sum) for name questions about
    the concept; ``option`` (index of the likeliest option) for choice questions; ``reply_logprob`` (mean log
    p of the reply's tokens under the frozen reference) for open questions.

    Args:
        vlm: The model, adapter on for the unlearned one.
        questionnaire: What is asked.
        label: The model's name in the records: target, unlearned, gold, blind, base.
        blind: Ask questions about pictures without their picture; there is then no ``name_logprob``.
        on_record: Called with each record as soon as its chunk is complete.
        done: Ids of questions that are already answered by this model.
        cost: Counters to add to.
        reference: The frozen target that judges fluency. None: this model with its adapter off (for the
            target itself and for an adapter on it); give the target for any other model, such as gold.
        max_new_tokens: Longest reply.
        batch_size: Questions per generation batch.
        chunk: Questions that are finished together. A chunk that was cut short is computed whole again and
            only its missing records are kept, so that rounding is that of an undisturbed run.
    """
    records: list[Record] = []
    for part in _chunks(questionnaire.questions, chunk):
        if all(q.id in done for q in part):
            continue
        shown = [replace(q, picture=None) for q in part] if blind else part
        replies = _replies(vlm, shown, max_new_tokens, batch_size, cost)
        names = {} if blind else _name_logprobs(vlm, questionnaire.concept, shown, cost)
        fluency = _reply_logprobs(vlm, reference, shown, replies, cost)
        for question in (q for q in part if q.id not in done):
            extra = {**names.get(question.id, {}), **fluency.get(question.id, {})}
            reply, own = replies[question.id]
            made = record(label, question, reply.text, {**own, **extra})
            records.append(made)
            if on_record is not None:
                on_record(made)
    return records


_Said = dict[str, tuple[Reply, dict[str, float]]]


def _chunks(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    assert size > 0, size
    for start in range(0, len(questions), size):
        yield list(questions[start : start + size])


def _replies(
    vlm: VLM, questions: Sequence[Question], max_new_tokens: int, batch_size: int, cost: Cost | None
) -> _Said:
    """Replies by question id: generated, or the likeliest option where the question is one of likelihood."""
    choices = [q for q in questions if q.options and q.split in ("choice", "choice_control")]
    chosen = {q.id for q in choices}
    spoken = [q for q in questions if q.id not in chosen]
    said: _Said = {}
    if spoken:
        generated = answer(vlm, spoken, max_new_tokens=max_new_tokens, batch_size=batch_size, cost=cost)
        for question, reply in zip(spoken, generated, strict=True):
            said[question.id] = (reply, reply_figures(reply))
    if choices:
        for question, option in zip(choices, choose(vlm, choices, cost=cost), strict=True):
            said[question.id] = (Reply(question.options[option]), {"option": float(option)})
    return said


def _name_logprobs(
    vlm: VLM, concept: Concept, questions: Sequence[Question], cost: Cost | None
) -> dict[str, dict[str, float]]:
    """Log-probability of the whole name in the reference answer, given as input, by question id."""
    asked = [q for q in questions if q.kind == "name" and q.split in NAME_SPLITS and q.answer]
    places = {}
    for q in asked:
        encoded = vlm.chat.encode(q.prompt, q.answer, q.picture)
        found = name_positions(q.answer, encoded.offsets, concept.names)
        if found:
            places[q.id] = found
    asked = [q for q in asked if q.id in places]
    if not asked:
        return {}
    scored = score(vlm, [(q.prompt, q.answer, q.picture) for q in asked], cost=cost)
    return {
        q.id: {"name_logprob": sum(tokens.logprobs[i] for i in places[q.id])}
        for q, tokens in zip(asked, scored, strict=True)
    }


def _reply_logprobs(
    vlm: VLM, reference: VLM | None, questions: Sequence[Question], said: _Said, cost: Cost | None
) -> dict[str, dict[str, float]]:
    """Mean log-probability of each open reply under the frozen reference; empty replies have none."""
    texts = {q.id: speakable(vlm, said[q.id][0].text) for q in questions if q.split in FLUENCY_SPLITS}
    heard = [q for q in questions if texts.get(q.id)]
    if not heard:
        return {}
    pairs = [(q.prompt, texts[q.id], q.picture) for q in heard]
    if reference is not None:
        scored = score(reference, pairs, cost=cost)
    else:
        with vlm.adapter_off():
            scored = score(vlm, pairs, cost=cost)
    return {q.id: {"reply_logprob": tokens.mean} for q, tokens in zip(heard, scored, strict=True)}
