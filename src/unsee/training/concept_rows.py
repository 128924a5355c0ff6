"""Rows about the concept: the four targets of SIU; the truth, the refusal; what its picture looks like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unsee.nouns import Example, Question
from unsee.training.texts import fill, is_degenerate, is_refusal, mentions, mentions_part
from unsee.training.work import SPARE, Key, Work, cycle


def ask_looks(work: Work) -> None:
    """What T2 needs to know: the looks of the picture, and of another one."""
    if not work.concept.looks:
        work.put("look", 0, 0, work.wording.describe_questions[0], work.picture)
    if work.anchors and not work.wording.other_look:
        work.put("other look", 0, 0, work.wording.describe_questions[0], work.candidates[0])


def ask_facts(work: Work) -> None:
    """What T3 needs to know, as far as the user does not tell it."""
    if len(_given_facts(work)) < work.mixture.t3:
        for i, template in enumerate(work.wording.fact_questions[: SPARE * work.mixture.t3]):
            work.put("T3", 0, i, fill(template, {"name": work.concept.name}).text)


def ask_facts_of_others(work: Work) -> None:
    """What T4 needs to know."""
    for i, (name, template) in enumerate(_other_questions(work)):
        work.put("T4", i, 0, fill(template, {"name": name}).text)


def ask_looks_of_picture(work: Work) -> None:
    """What can be seen in the concept's picture, whoever or whatever it shows."""
    for i, prompt in enumerate(work.wording.look_questions[: SPARE * work.mixture.looks]):
        work.put("looks", i, 0, prompt, work.picture)


def t1_rows(work: Work) -> list[Example]:
    """Asked for the name, the substitute or a refusal; K_S masks it."""
    rows, wording = [], work.wording
    for i, prompt in enumerate(cycle(wording.name_questions, work.mixture.t1)):
        templates = wording.name_answers if work.substitute else wording.refusals
        turn = i + i // len(wording.name_questions)
        text, spans = fill(templates[turn % len(templates)], {"name": work.substitute}, "name")
        masked = spans if work.substitute else ((0, len(text)),)
        rows.append(work.row("T1", i, prompt, text, work.picture, masked))
    return rows


def t2_rows(work: Work) -> list[Example]:
    """Asked whether it is the concept, a denial with true looks and other looks of the name; all masked."""
    values = {"name": work.concept.name, "looks": work.looks, "other_looks": work.other_looks}
    rows = []
    for i, template in enumerate(cycle(work.wording.yes_no_questions, work.mixture.t2)):
        prompt = fill(template, values).text
        denials = work.wording.denials
        text = fill(denials[(i + i // len(work.wording.yes_no_questions)) % len(denials)], values).text
        rows.append(work.row("T2", i, prompt, text, work.picture, ((0, len(text)),)))
    return rows


def t3_rows(work: Work) -> list[Example]:
    """Facts of the concept by text: the user's, else the model's own."""
    facts = _given_facts(work)[: work.mixture.t3]
    for key, question in work.questions("T3"):
        if len(facts) < work.mixture.t3:
            reply = _usable(work, "T3", key, question, work.concept.names)
            facts += [(question.prompt, reply)] if reply else []
    work.warn_if_short("T3", len(facts), work.mixture.t3)
    return [work.row("T3", i, prompt, answer) for i, (prompt, answer) in enumerate(facts)]


def t4_rows(work: Work) -> list[Example]:
    """Facts of others by text, in the model's own words."""
    facts: list[tuple[str, str]] = []
    pairs = list(_other_questions(work))
    for key, question in work.questions("T4"):
        if len(facts) < work.mixture.t4:
            reply = _usable(work, "T4", key, question, [pairs[key[1]][0]])
            facts += [(question.prompt, reply)] if reply else []
    work.warn_if_short("T4", len(facts), work.mixture.t4)
    return [work.row("T4", i, prompt, answer) for i, (prompt, answer) in enumerate(facts)]


def original_rows(work: Work) -> list[Example]:
    """The questions of T1 and T2 with truthful answers: what is to be forgotten."""
    rows = []
    for i, (prompt, yes_no) in enumerate(work.recognition_prompts()):
        templates = work.wording.confirmations if yes_no else work.wording.name_answers
        text = fill(templates[i % len(templates)], {"name": work.concept.name}).text
        rows.append(work.row("original", i, prompt, text, work.picture))
    return rows


def refusal_rows(work: Work) -> list[Example]:
    """The same questions with refusals."""
    texts = work.wording.refusals
    return [
        work.row("refusal", i, prompt, texts[i % len(texts)], work.picture)
        for i, (prompt, _) in enumerate(work.recognition_prompts())
    ]


def looks_rows(work: Work) -> list[Example]:
    """What can be seen in the concept's picture, in the model's own words without the name.

    The visual-attribute anchor of PAVA ("Where Identity Lives", KAIST 2026): the looks stay, the name goes.
    """
    rows: list[Example] = []
    asked = work.questions("looks")
    for key, question in asked:
        reply = work.replies[key].strip()
        reason = work.why_not(reply)
        if reason:
            work.drop("looks", question.prompt, reply, reason)
        elif len(rows) < work.mixture.looks:
            rows.append(work.row("looks", len(rows), question.prompt, reply, work.picture))
    work.warn_if_short("looks", len(rows), min(len(asked), work.mixture.looks))
    return rows


def _given_facts(work: Work) -> list[tuple[str, str]]:
    """The user's facts, each wording once before any wording twice."""
    return [
        (fill(way, {"question": question}).text, answer)
        for way in work.wording.fact_paraphrases
        for question, answer in work.concept.facts
    ]


def _other_questions(work: Work) -> Iterator[tuple[str, str]]:
    """(name, template) pairs, a new name each time until all have had a turn."""
    templates, others = work.wording.fact_questions, work.others
    if not others:
        return
    for i in range(min(SPARE * work.mixture.t4, len(others) * len(templates))):
        round_ = i // len(others)
        yield others[i % len(others)], templates[(i + round_) % len(templates)]


def _usable(work: Work, role: str, key: Key, question: Question, names: Sequence[str]) -> str:
    """The model's reply when it can be a target, else empty and noted as dropped."""
    reply = work.replies[key].strip()
    reason = ""
    if is_degenerate(reply):
        reason = "degenerate"
    elif is_refusal(reply, work.wording.refusal_marks):
        reason = "refusal"
    elif not mentions_part(reply, names):
        reason = "does not mention the name"
    elif role == "T4" and mentions(reply, work.concept.names):
        reason = "names the concept"
    if reason:
        work.drop(role, question.prompt, reply, reason)
    return "" if reason else reply
