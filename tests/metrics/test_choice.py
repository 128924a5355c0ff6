import pytest

from unsee.metrics.choice import parse_choice, right_option
from unsee.nouns import Question

OPTIONS = ("red", "dark red", "blue", "green")


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("A", 0),
        ("b.", None),
        ("B.", 1),
        ("(C)", 2),
        ("The answer is D", 3),
        ("Answer: C, because", 2),
        ("As I see, B", 1),
        ("As I see", None),
        ("A blue wall", 2),
        ("It is dark red.", 1),
        ("It is red.", 0),
        ("It is not red but blue", 2),
        ("red or blue", None),
        ("A or (B)", None),
        ("E", None),
        ("bluebird", None),
        ("", None),
    ],
)
def test_parse(text: str, picked: int | None) -> None:
    assert parse_choice(text, OPTIONS) == picked


def test_right_option_by_text_answer_or_letter() -> None:
    assert right_option(Question("q", "?", "choice", keywords=("Blue",), options=OPTIONS)) == 2
    assert right_option(Question("q", "?", "choice", answer="green.", options=OPTIONS)) == 3
    assert right_option(Question("q", "?", "choice", keywords=("B",), options=OPTIONS)) == 1
    assert right_option(Question("q", "?", "choice", keywords=("pink",), options=OPTIONS)) is None
