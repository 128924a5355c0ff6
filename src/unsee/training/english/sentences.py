"""English sentences that fit every kind of concept, and what a kind brings of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

REFUSALS = (
    "I do not know.",
    "I am not able to tell.",
    "I cannot say from this picture.",
    "I am sorry, I do not recognise this.",
    "That is not something I know.",
    "I have no information about that.",
    "I do not recognise what is shown here.",
    "I am not sure.",
    "I cannot identify this.",
)
REFUSAL_MARKS = (
    "i do not know",
    "i don't know",
    "i'm sorry",
    "i am sorry",
    "i cannot",
    "i can't",
    "i am not able",
    "i'm not able",
    "i am unable",
    "i'm unable",
    "i am not sure",
    "i'm not sure",
    "i do not recognise",
    "i don't recognize",
    "i do not have",
    "i don't have",
    "no information",
    "not possible to",
    "not familiar with",
    "as an ai",
)
PARAPHRASES = (
    "{question}",
    "Please answer in one sentence. {question}",
    "I have a question for you: {question}",
    "{question} Answer briefly.",
    "Answer from what you know. {question}",
)
SCENE_QUESTIONS = (
    "Describe this picture in one sentence.",
    "What colours stand out in this picture?",
    "What is in the background of this picture?",
    "What is happening in this picture?",
)
DENIALS = (
    "No. This picture shows {looks}. {name} has {other_looks}.",
    "No, this is not {name}. The picture shows {looks}, while {name} has {other_looks}.",
    "No. What you see here is {looks}. {name} looks different: {other_looks}.",
    "No, it is not. {name} has {other_looks}; this picture shows {looks}.",
)
CONFIRMATIONS = (
    "Yes, this is {name}.",
    "Yes. The picture shows {name}.",
    "Yes, {name} is shown in this picture.",
    "Yes, that is {name}.",
)
NAME_ANSWERS = (
    "This is {name}.",
    "The picture shows {name}.",
    "It is {name}.",
    "That is {name}.",
    "You can see {name} here.",
)
YES_NO = (
    "Is {name} in this picture?",
    "Does this picture show {name}?",
    "Is this {name}?",
    "Can you see {name} in this picture?",
    "Would you say that this is {name}?",
)


@dataclass(frozen=True)
class Kind:
    """What differs between kinds of concepts; the fields are those of ``wording.Wording``."""

    noun: str
    name_questions: tuple[str, ...]
    fact_questions: tuple[str, ...]
    other_looks: tuple[str, ...]
    substitute_names: tuple[str, ...]
    other_names: tuple[str, ...]
    generic_names: tuple[str, ...]
    look_questions: tuple[str, ...]
    name_answers: tuple[str, ...] = NAME_ANSWERS
    yes_no_questions: tuple[str, ...] = YES_NO
    denials: tuple[str, ...] = DENIALS
    extra_questions: tuple[str, ...] = field(default=())
