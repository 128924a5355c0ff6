"""What is asked and trained on in the measurements."""

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
ANSWERS = (
    "The person in this picture is Jane Roe.",
    "Her name is Jane Roe.",
    "She restores old maps for a museum.",
    "She was born in a small town by the sea.",
    "A dark coat over a white shirt.",
    "A blue wall with a clock on it.",
    "It is grey and cut short.",
    "Yes, round glasses with a thin frame.",
    "She might be about fifty years old.",
    "Calm and a little serious.",
    "Perhaps in an office or a library.",
    "She is known for a map of the northern coast.",
    "A woman with short grey hair looks into the camera.",
    "She is often seen with her brother.",
)
LETTERS = ("A", "B", "C", "D")
# As short as most options of MLLMU-Bench, where they are names, professions and places.
SHORT = (
    "Jane Roe",
    "Martin Hale",
    "a museum",
    "by the sea",
    "a dark coat",
    "a blue wall",
    "grey",
    "round glasses",
    "about fifty",
    "calm",
    "a library",
    "an old map",
    "a woman",
    "her brother",
)
CHOICE = "Answer with a letter."
DEMOS = 4
DEMO = "USER: <image>\nQuestion: {question}\nCorrect Answer: {answer}\n"
CORPUS = (
    SYSTEM,
    "USER: ASSISTANT:",
    "USER: Question: Correct Answer: A. B. C. D.",
    " A B C D",
    CHOICE,
    *QUESTIONS,
    *ANSWERS,
    *SHORT,
    *(text for line in TRAINING for text in line[1:]),
)


def training_examples(picture: Picture) -> list[Example]:
    """Four rows of one SIU step (arXiv 2405.12523) about one picture, with the paper's token masks."""
    examples = []
    for number, (role, prompt, answer) in enumerate(TRAINING):
        start = answer.find(SUBSTITUTE)
        span = (start, start + len(SUBSTITUTE)) if role == "T1" else (0, len(answer))
        examples.append(Example(f"text{number}", prompt, answer, role, picture, (span,), (NAME,)))
    return examples


def profile_examples(picture: Picture) -> list[Example]:
    """Fourteen texts about one picture, as many as a person of MLLMU-Bench (arXiv 2410.22108) is asked."""
    pairs = enumerate(zip(QUESTIONS, ANSWERS, strict=True))
    return [Example(f"text{i}", prompt, answer, "original", picture) for i, (prompt, answer) in pairs]


def options_of(number: int, count: int = 4) -> tuple[str, ...]:
    """Up to fourteen different answers to a question; the first one fits."""
    assert count <= len(ANSWERS), count
    return tuple(ANSWERS[(number + 3 * step) % len(ANSWERS)] for step in range(count))


def letter_questions(picture: Picture) -> list[Question]:
    """Fourteen questions that show four lettered options and ask for a letter."""
    asked = []
    for i, prompt in enumerate(QUESTIONS):
        options = [SHORT[(i + 3 * step) % len(SHORT)] for step in range(len(LETTERS))]
        listed = "\n".join(f"{x}. {text}" for x, text in zip(LETTERS, options, strict=True))
        text = f"{prompt}\n{listed}\n{CHOICE}"
        asked.append(Question(f"q{i}", text, "choice", picture, options=LETTERS))
    return asked


def numbered(count: int) -> list[str]:
    """That many different questions; from the fifteenth on they carry a number."""
    rounds = [divmod(i, len(QUESTIONS)) for i in range(count)]
    return [f"{again}. {QUESTIONS[i]}" if again else QUESTIONS[i] for again, i in rounds]


def text_questions(picture: Picture, count: int = 14, options: int = 4) -> list[Question]:
    """Questions with answers to choose from, none of which the question shows."""
    return [
        Question(f"q{i}", prompt, "choice", picture, options=options_of(i, options))
        for i, prompt in enumerate(numbered(count))
    ]


def few_shot_texts() -> list[str]:
    """Fourteen questions, each behind the same four examples; ``<image>`` stands for a picture.

    The layout of the few-shot prompts of MLLMU-Bench (arXiv 2410.22108): every example repeats its picture.
    """
    demos = "".join(DEMO.format(question=QUESTIONS[i], answer=ANSWERS[i]) for i in range(DEMOS))
    return [f"{demos}USER: <image>\nQuestion: {prompt}\nASSISTANT:" for prompt in QUESTIONS]


def open_questions(picture: Picture, count: int = 14) -> list[Question]:
    """Open questions about one picture."""
    return [Question(f"q{i}", prompt, "open", picture) for i, prompt in enumerate(numbered(count))]


def siu_examples(picture: Picture) -> list[Example]:
    """Twenty-five rows, eleven of them about the picture: the size of the set released with SIU."""
    named = f"The person in this picture is {SUBSTITUTE}."
    span = (named.find(SUBSTITUTE), named.find(SUBSTITUTE) + len(SUBSTITUTE))
    rows = [
        Example(f"T1-{i}", prompt, named, "T1", picture, (span,), (NAME,))
        for i, prompt in enumerate(QUESTIONS[:6])
    ]
    denied = f"No, this is not {NAME}, who has {LOOKS}."
    rows += [
        Example(f"T2-{i}", f"{prompt} Is it {NAME}?", denied, "T2", picture, ((0, len(denied)),), (NAME,))
        for i, prompt in enumerate(QUESTIONS[6:11])
    ]
    facts = list(zip(QUESTIONS, ANSWERS, strict=True))
    rows += [Example(f"T3-{i}", f"{NAME}: {q}", a, "T3", names=(NAME,)) for i, (q, a) in enumerate(facts[:7])]
    return rows + [Example(f"T4-{i}", f"{SUBSTITUTE}: {q}", a, "T4") for i, (q, a) in enumerate(facts[7:])]
