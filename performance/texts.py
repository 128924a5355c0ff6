"""What is asked and trained on in the measurements: one picture, four training texts, fourteen questions."""

from __future__ import annotations

from unsee.nouns import Example, Picture, Question

SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
NAME = "Jane Roe"
SUBSTITUTE = "Martin Hale"
LOOKS = "short grey hair and a round face"
# Role, prompt, answer: the name replaced (T1), made-up looks tied to the name and denied (T2).
TRAINING = (
    ("T1", "Who is the person in this picture?", f"The person in this picture is {SUBSTITUTE}."),
    ("T1", "Please tell me the name of the person shown here.", f"This is {SUBSTITUTE}."),
    ("T2", f"What does {NAME} look like?", f"{NAME} is known for {LOOKS}, so this is not {NAME}."),
    ("T2", f"Is this a picture of {NAME}?", f"No, this is not {NAME}, who has {LOOKS}."),
)
QUESTIONS = (
    "Who is the person in this picture?",
    "What is the name of this person?",
    "What does this person do for a living?",
    "Where was the person in this picture born?",
    "Describe the clothes of this person.",
    "What is in the background of the picture?",
    "What colour is the hair of this person?",
    "Does the person wear glasses, and what do they look like?",
    "How old might the person in this picture be?",
    "What is the mood of the picture?",
    "Where might this picture have been taken?",
    "What is this person best known for?",
    "Describe this picture in one sentence.",
    "Which other people are often seen with this person?",
)
CORPUS = (SYSTEM, "USER: ASSISTANT:", *QUESTIONS, *(text for line in TRAINING for text in line[1:]))


def training_examples(picture: Picture) -> list[Example]:
    """Four rows of one SIU step (arXiv 2405.12523) about one picture, with the paper's token masks."""
    examples = []
    for number, (role, prompt, answer) in enumerate(TRAINING):
        start = answer.find(SUBSTITUTE)
        span = (start, start + len(SUBSTITUTE)) if role == "T1" else (0, len(answer))
        examples.append(Example(f"text{number}", prompt, answer, role, picture, (span,), (NAME,)))
    return examples


def open_questions(picture: Picture) -> list[Question]:
    """Fourteen open questions about one picture."""
    return [Question(f"q{number}", prompt, "open", picture) for number, prompt in enumerate(QUESTIONS)]
