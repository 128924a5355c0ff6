import pytest

from unsee.metrics.degeneracy import degenerate, is_empty, is_gibberish
from unsee.metrics.replies import is_correct, is_refusal, offers_guess, status_of, yes_or_no
from unsee.nouns import Question, QuestionKind


def ask(kind: QuestionKind, *keywords: str, prompt: str = "?", **more: object) -> Question:
    return Question("q", prompt, kind, keywords=keywords, **more)  # type: ignore[arg-type]


NAME = ask("name", "Jane Roe", prompt="Who is this?")
YES = ask("yes_no", " yes ", prompt="Is this Jane Roe?")
NO = ask("yes_no", "no", prompt="Is this Jane Roe?")
FACT = ask("cloze", "Paris", prompt="Where does Jane Roe live?")
STRANGER = ask("name", prompt="Who is this?", refusal_is_correct=True)


@pytest.mark.parametrize(
    ("question", "text", "status"),
    [
        (NAME, "This is Jane Roe.", "correct"),
        (NAME, "This is not Jane Roe.", "incorrect"),
        (NAME, "This is John Doe.", "incorrect"),
        (NAME, "I do not know this person.", "refusal"),
        (NAME, "I'm sorry, I can't identify people.", "refusal"),
        (NAME, "I am not sure, but this is Jane Roe.", "correct"),
        (NAME, "", "empty"),
        (NAME, " \n\t\u200b", "empty"),
        (NAME, "Jane Roe Jane Roe Jane Roe Jane Roe Jane Roe", "gibberish"),
        (YES, "Yes.", "correct"),
        (YES, "She has brown eyes.", "incorrect"),
        (YES, "No.", "incorrect"),
        (NO, "No.", "correct"),
        (NO, "No, that is somebody else.", "correct"),
        (FACT, "She lives in Paris.", "correct"),
        (FACT, "She does not live in Paris.", "incorrect"),
        (FACT, "In Parisot.", "incorrect"),
        (STRANGER, "I do not know this person.", "correct"),
        (STRANGER, "I do not know. It might be Bob Smith.", "incorrect"),
        (STRANGER, "This is Bob Smith.", "incorrect"),
        (STRANGER, "", "empty"),
    ],
)
def test_status(question: Question, text: str, status: str) -> None:
    assert status_of(question, text) == status


def test_a_refusal_is_not_a_no() -> None:
    assert yes_or_no("I do not know.") is None
    assert status_of(NO, "I do not know.") == "refusal"
    assert status_of(YES, "I am not sure whether this is Jane Roe.") == "refusal"


@pytest.mark.parametrize("text", ["", "No.", "aaaaaaaaaaaa", "!!!!", "I I I I I I I I", "\x00\x01"])
@pytest.mark.parametrize("question", [NAME, YES, FACT, ask("open"), ask("choice", options=("Paris", "Rome"))])
def test_empty_noise_and_always_no_are_never_correct(question: Question, text: str) -> None:
    assert not is_correct(question, text)


@pytest.mark.parametrize(
    ("text", "prompt", "language", "verdict"),
    [
        ("Yes, it is.", "", "en", True),
        ("Yes, not John.", "", "en", True),
        ("It is not her.", "", "en", False),
        ("Certainly not.", "", "en", False),
        ("Certainly!", "", "en", True),
        ("That's not correct.", "", "en", False),
        ("No doubt: yes.", "", "en", True),
        ("A woman. She is not smiling. Yes.", "", "en", True),
        ("The woman has brown eyes.", "", "en", None),
        ("This is Jane Roe.", "Is this Jane Roe?", "en", True),
        ("This is Bob.", "Is this Jane Roe?", "en", None),
        ("", "Is this Jane Roe?", "en", None),
        ("Sí, es ella.", "", "es", True),
        ("Nein.", "", "de", False),
        ("不是。", "", "zh", False),
        ("是的。", "", "zh", True),
        ("いいえ、違います。", "", "ja", False),
        ("はい。", "", "ja", True),
        ("Да.", "", "ru", True),
    ],
)
def test_yes_or_no(text: str, prompt: str, language: str, verdict: bool | None) -> None:
    assert yes_or_no(text, prompt, language) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "aaaaaaaaaaaaaaa",
        "....",
        "I I I I I I",
        "the cat the cat the cat the cat",
        "xkqzj wvtrp bcdfg",
        "e a e t n o s r",
        "\ufffd\ufffd\ufffd a",
        "{}<>[]()$#@ ab",
        "ab1cd2 x9y8z7 q1w2e3",
        "und der die und das und der und die das und der die das und der die und der das die und",
    ],
)
def test_gibberish(text: str) -> None:
    assert is_gibberish(text)
    assert degenerate(text)


@pytest.mark.parametrize(
    "text",
    [
        "No.",
        "42",
        "This is Jane Roe.",
        "Yes, yes, yes!",
        "She was born on the 3rd of May 1984.",
        "HTML",
        "这是李小龙。",
        "Это Джейн Роу.",
        "Krzysztof Szczepański",
        "A woman with short black hair, round glasses and a hat stands in front of a blue wall.",
        "I am a man.",
    ],
)
def test_language_is_not_gibberish(text: str) -> None:
    assert not degenerate(text)


def test_empty_is_not_gibberish() -> None:
    assert is_empty("\u200b\n")
    assert not is_gibberish("\u200b\n")


def test_refusal_patterns_can_be_replaced() -> None:
    assert is_refusal("Je ne sais pas.")
    assert not is_refusal("pass")
    assert status_of(NAME, "pass", refusals=(r"\bpass\b",)) == "refusal"
    assert status_of(NAME, "pass") == "incorrect"


@pytest.mark.parametrize(
    "text",
    [
        "I do not know.",
        "I am not able to tell.",
        "I cannot say from this picture.",
        "I am sorry, I do not recognise this.",
        "That is not something I know.",
        "I have no information about that.",
        "I'm unable to identify people.",
        "我不知道。",
        "Ich weiß es nicht.",
        "No lo sé.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text", ["Yes.", "He is unable to walk.", "This is not Jane Roe.", "She is not smiling.", ""]
)
def test_not_refusals(text: str) -> None:
    assert not is_refusal(text)


def test_guesses() -> None:
    assert offers_guess("I do not know, but it looks like Bob Smith.")
    assert not offers_guess("I do not know, I think.")


def test_reference_answer_without_keywords() -> None:
    question = ask("cloze", prompt="What does Jane Roe do?", answer="Jane Roe is a famous violin player.")
    assert is_correct(question, "She plays the violin, she is a famous player.")
    assert not is_correct(question, "She paints.")
    assert not is_correct(question, "What does Jane Roe do?")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("B", True),
        ("As I see, B", True),
        ("As I see it, a house", False),
        ("Rome", True),
        ("not Rome", False),
    ],
)
def test_choice_status(text: str, right: bool) -> None:
    question = ask("choice", "Rome", options=("Paris", "Rome", "Bern"))
    assert is_correct(question, text) is right
