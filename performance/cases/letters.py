"""E3: fourteen four-choice questions, letters scored in one pass, or 50 tokens generated for each."""

from __future__ import annotations

from performance.cases.case import Case, Figures
from performance.peers.mllmu import LETTER_TOKENS, letters_by_generation
from performance.shapes import Shape, build, picture
from performance.texts import LETTERS, letter_questions
from unsee.answering.score import next_tokens
from unsee.packs.cost import Cost
from unsee.packs.rows import scored_row


def prepare(shape: Shape) -> Case:
    """The comparison on a shape: log-probability of each letter right after the question."""
    vlm = build(shape)
    letters = [scored_row(vlm, "Which?", letter).labels for letter in LETTERS]
    assert all(len(labels) == 2 for labels in letters), letters  # one token and the end of the turn

    def ours(number: int, cost: Cost) -> Figures:
        prompts = [(q.prompt, q.picture) for q in letter_questions(picture(shape, number))]
        found = next_tokens(vlm, prompts, LETTERS, cost=cost)
        assert found is not None, "letters differ in one token"
        return Figures(tuple(tuple(line) for line in found))

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
