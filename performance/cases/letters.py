"""E3: fourteen four-choice questions, letters scored in one pass, or 50 tokens generated for each."""

from __future__ import annotations

from performance.cases.case import Case, Figures
from performance.peers.mllmu import LETTER_TOKENS, letters_by_generation
from performance.shapes import Shape, build, picture
from performance.texts import LETTERS, letter_questions
from unsee.answering import score
from unsee.packs.cost import Cost
from unsee.packs.rows import scored_row


def prepare(shape: Shape) -> Case:
    """The comparison on a shape: log-probability of each letter right after the question."""
    vlm = build(shape)
    letters = [scored_row(vlm, "Which?", letter).labels for letter in LETTERS]
    assert all(len(labels) == 2 for labels in letters), letters  # one token and the end of the turn

    def ours(number: int, cost: Cost) -> Figures:
        questions = letter_questions(picture(shape, number))
        scores = iter(score(vlm, [(q.prompt, x, q.picture) for q in questions for x in LETTERS], cost=cost))
        return Figures(tuple(tuple(next(scores).logprobs[0] for _ in LETTERS) for _ in questions))

    def peer(number: int) -> Figures:
        questions = letter_questions(picture(shape, number))
        return Figures(tuple(letters_by_generation(vlm, questions, [labels[0] for labels in letters])))

    return Case(
        "E3",
        "14 four-choice questions: letters scored in one packed tree",
        f"one question at a time, {LETTER_TOKENS} tokens generated",
        vlm,
        ours,
        peer,
    )
