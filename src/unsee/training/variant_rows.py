"""The forget questions once more: with other answers, or about other pictures.

Rows of ``alternative`` and ``mismatch`` belong to the row of ``original`` with the same last number in their
id: ``alternative-3`` and, where there are several, ``alternative-1-3`` to ``original-3``.
"""

from __future__ import annotations

import random

from unsee.nouns import Example, Question, Reply
from unsee.training.concept_rows import ask_facts_of_others
from unsee.training.names import COMMON_WORDS
from unsee.training.other_rows import ask_anchors, ask_guards
from unsee.training.substitutes import choose_substitute
from unsee.training.texts import fill, first_word, fold, hints_at, is_degenerate, mentions, name_words
from unsee.training.work import Sample, Work

SAMPLES = 5  # alternatives drawn per question, as AltPO has it


def sample_alternatives(work: Work, sample: Sample) -> dict[int, list[Reply]]:
    """Replies drawn to each forget question, by its number, without the names of the concept.

    Of questions that ask whether it is the concept the word that says yes is ruled out too: with the name
    gone the model would still say it.
    """
    drawn: dict[int, list[Reply]] = {}
    for wanted, without in ((False, ()), (True, _affirmations(work))):
        asked = [(i, p) for i, (p, yes_no) in enumerate(work.recognition_prompts()) if yes_no == wanted]
        questions = [
            Question(f"alternative-{i}-{j}", prompt, "open", work.picture)
            for i, prompt in asked
            for j in range(SAMPLES)
        ]
        replies = list(sample(questions, without)) if questions else []
        drawn |= {i: replies[k * SAMPLES : (k + 1) * SAMPLES] for k, (i, _) in enumerate(asked)}
    return drawn


def alternative_rows(work: Work) -> list[Example]:
    """The forget questions with other plausible answers by the model itself (AltPO, arXiv 2409.13474).

    Of several the one that the model finds likeliest comes first; answers that refuse are second choice.
    Where none is usable, the answer is what T1 says or would say. The model may well give the name of another
    real person; where that is not acceptable, methods that prefer refusals or invented names are the choice.
    """
    rows, lost = [], 0
    for i, (prompt, yes_no) in enumerate(work.recognition_prompts()):
        texts = _alternatives(work, i, prompt, yes_no)[: work.mixture.alternatives]
        if not texts:
            texts, lost = [_substitute_answer(work, i)], lost + 1
        rows += [
            work.row("alternative", _number(k, i), prompt, text, work.picture) for k, text in enumerate(texts)
        ]
    if lost:
        work.warnings.append(
            f"{lost} of {len(work.samples)} forget questions have a substitute for an alternative answer: "
            "none that the model gave could be used."
        )
    return rows


def ask_others(work: Work) -> None:
    """What mismatched answers are taken from."""
    ask_facts_of_others(work)
    ask_anchors(work)


def mismatch_rows(work: Work) -> list[Example]:
    """The forget questions with answers of random other rows (LLMU, arXiv 2310.10683)."""
    prompts = work.recognition_prompts()
    answers = _answers_of_others(work)
    count = min(work.mixture.mismatches, len(answers))
    if count < work.mixture.mismatches and prompts:
        work.warnings.append(
            f"Only {count} of {work.mixture.mismatches} mismatch rows per question: the model gave "
            f"{len(answers)} usable answers to questions about others."
        )
    chance = random.Random(f"{work.seed} mismatch")
    drawn = [chance.sample(answers, count) for _ in prompts]
    return [
        work.row("mismatch", _number(k, i), prompt, drawn[i][k], work.picture)
        for k in range(count)
        for i, (prompt, _) in enumerate(prompts)
    ]


def ask_decoupled(work: Work) -> None:
    """The forget questions about other pictures, a new picture each time until all have had a turn."""
    prompts, pictures = [prompt for prompt, _ in work.recognition_prompts()], work.anchors
    wanted = work.mixture.decoupled
    count = min(len(prompts) if wanted is None else wanted, len(prompts) * len(pictures))
    if count:
        ask_guards(work)
    for i in range(count):
        shown = (i % len(prompts) + i // len(prompts)) % len(pictures)
        work.put("decoupled", i, shown, prompts[i % len(prompts)], pictures[shown])


def decoupled_rows(work: Work) -> list[Example]:
    """The forget questions about other pictures, the model's own answers (SafeEraser, arXiv 2502.12520).

    Left out: pictures on which the model names the concept, and answers that say it is the concept.
    """
    if not work.anchors:
        work.warnings.append("No decoupled rows: there are no pictures that do not show the concept.")
    rows: list[Example] = []
    yes_no = {prompt for prompt, says in work.recognition_prompts() if says}
    asked = work.questions("decoupled")
    for key, question in asked:
        reply = work.replies[key].strip()
        guarded = mentions(work.replies["guard", key[2], 0], work.concept.names)
        reason = "names the concept" if guarded else _why_coupled(work, reply, question.prompt in yes_no)
        if reason:
            work.drop("decoupled", question.prompt, reply, reason)
        else:
            rows.append(work.row("decoupled", len(rows), question.prompt, reply, question.picture))
    work.warn_if_short("decoupled", len(rows), len(asked))
    return rows


def _why_coupled(work: Work, reply: str, yes_no: bool) -> str:
    if is_degenerate(reply):
        return "degenerate"
    if yes_no:
        return "says yes" if _affirms(work, reply) else ""
    return "names the concept" if mentions(reply, work.concept.names) else ""


def _alternatives(work: Work, number: int, prompt: str, yes_no: bool) -> list[str]:
    """The distinct usable samples, the likeliest first, those that refuse last."""
    firm: dict[str, None] = {}
    refusing: dict[str, None] = {}
    for reply in sorted(work.samples[number], key=lambda reply: -reply.mean_logprob):
        text = reply.text.strip()
        reason = _why_no_alternative(work, reply, yes_no)
        if reason in ("", "refusal"):
            (refusing if reason else firm)[text] = None
        else:
            work.drop("alternative", prompt, text, reason)
    return [*firm, *refusing]


def _why_no_alternative(work: Work, reply: Reply, yes_no: bool) -> str:
    if reply.truncated:
        return "does not end"
    reason = work.why_not(reply.text)
    if not reason and hints_at(reply.text, name_words(work.concept.names) - COMMON_WORDS):
        return "names the concept in part"
    return "says yes" if not reason and yes_no and _affirms(work, reply.text) else reason


def _substitute_answer(work: Work, number: int) -> str:
    """What stands for an alternative: the substitute as T1 says it, or a refusal."""
    substitute = choose_substitute(
        work.mode, work.concept, work.wording, given=work.substitute, known=work.known, seed=work.seed
    )
    templates = work.wording.name_answers if substitute else work.wording.refusals
    return fill(templates[number % len(templates)], {"name": substitute}).text


def _answers_of_others(work: Work) -> list[str]:
    """Distinct answers to questions about others: the model's own, and those of labelled rows."""
    asked = [work.replies[key].strip() for what in ("T4", "anchor") for key, _ in work.questions(what)]
    labelled = [row.answer for row in work.retain if isinstance(row, Example)]
    return list(dict.fromkeys(reply for reply in (*asked, *labelled) if not work.why_not(reply)))


def _affirmations(work: Work) -> tuple[str, ...]:
    """The words by which the wording says yes, as they are written."""
    firsts = (text.split()[0].strip(".,!:;") for text in work.wording.confirmations)
    return tuple(dict.fromkeys(word for word in firsts if "{" not in word))


def _affirms(work: Work, reply: str) -> bool:
    return first_word(reply) in {fold(word) for word in _affirmations(work)}


def _number(copy: int, question: int) -> str:
    """What stands behind the role in the id of a row; it ends with the number of the question."""
    return f"{copy}-{question}" if copy else str(question)
