"""The questionnaire of one concept: questions in named splits, each feeding named metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unsee.nouns import Concept, Picture, Question, UserError

SPLITS: Mapping[str, str] = {
    "naming": "pictures of the concept that were not trained on, asked for its name",
    "efficacy": "the training picture, asked for its name",
    "yes_no": "is this the concept? pictures of it (keyword yes) and of others (keyword no)",
    "facts_by_picture": "facts about the concept, asked about its picture without the name",
    "facts_by_text": "facts about the concept, asked by name without a picture",
    "others": "pictures of others whom the target knows, asked for their names",
    "others_yes_no": "is this <name>? for others whom the target knows, keyword yes or no",
    "neighbours": "look-alikes of the concept, asked for their names",
    "strangers": "pictures of people nobody knows, where a refusal is right",
    "attributes": "what can be seen of a person",
    "scenes": "what can be seen in a scene",
    "open": "free descriptions and texts, for fluency and diversity",
    "choice": "the concept's name among others, by likelihood",
    "choice_control": "the same options on pictures that do not show the concept",
    "retain": "unlabelled pictures of others: does the reply stay what the target said?",
    "about": "open text questions about the concept: does the reply stay what the target said?",
}
"""Known splits and what they hold; a question's split decides which metrics it feeds."""


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything that is asked of every model about one concept.

    Attributes:
        concept: What must go.
        training_picture: The one picture of it that is trained on; it may only occur in the splits
        "efficacy",
            "yes_no", "choice", "facts_by_picture" and "open".
        questions: In the order in which they are asked; ids are unique.
    """

    concept: Concept
    training_picture: Picture
    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        ids = [q.id for q in self.questions]
        twice = next((i for i in ids if ids.count(i) > 1), None) if len(set(ids)) < len(ids) else None
        assert twice is None, f"question id {twice!r} occurs twice"
        unknown = sorted({q.split for q in self.questions} - set(SPLITS))
        if unknown:
            raise UserError(
                "a question belongs to an unknown split",
                got=", ".join(unknown),
                expected=f"one of {', '.join(SPLITS)}",
                remedy="correct the split of the question",
            )
        seen = [
            q.id
            for q in self.questions
            if q.split in ("naming", "choice_control", "retain", "others")
            and q.picture is not None
            and q.picture.hash == self.training_picture.hash
        ]
        if seen:
            raise UserError(
                "the training picture is also a test or retain picture",
                got=", ".join(seen[:5]),
                expected="pictures that are not trained on",
                remedy="remove the training picture from the test and retain pictures",
            )

    def of_split(self, *splits: str) -> tuple[Question, ...]:
        """The questions of these splits, in order."""
        return tuple(q for q in self.questions if q.split in splits)
