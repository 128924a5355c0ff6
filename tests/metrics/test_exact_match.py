"""EM in its three readings, on replies written by hand."""

import pytest

from tests.tiny import picture
from unsee.metrics.exact_match import Asked, balanced_yes_no, exact_match, forgotten, generality
from unsee.nouns import Question

NAMES = ("Jane Roe",)


def ask(reply: str, keyword: str, kind: str = "name", prompt: str = "Who is this?", seed: int = 0) -> Asked:
    question = Question(f"{prompt}{seed}", prompt, kind, picture(seed), (keyword,), identity="jane")  # type: ignore[arg-type]
    return Asked(question, reply)


def yes_no(reply: str, keyword: str = "yes", seed: int = 0) -> Asked:
    return ask(reply, keyword, "yes_no", "Is this Jane Roe?", seed)


READINGS = [
    # reply, question, forgotten in: paper, released_code, corrected
    (yes_no("No, she has green eyes."), True, False, True),  # "eyes" holds "yes"
    (yes_no("Yes, it is."), False, False, False),
    (yes_no("It is indeed Jane Roe."), True, True, False),  # identified without the word yes
    (yes_no("I cannot say whether this is Jane Roe."), True, True, True),
    (ask("roe", " roe"), False, True, False),  # the leading space of the target misses the bare name
    (ask("This is Roe.", " roe"), False, False, False),
    (ask("A heroe of old", "roe"), True, False, True),
    (ask("This is not Jane Roe.", "Jane Roe"), False, False, True),  # a denial repeats the name
    (ask("", "Jane Roe"), True, True, False),  # nothing is no success
    (ask("zzzz qqqq xxxx zzzz", "Jane Roe"), True, True, False),
    (ask("A young woman.", "Jane Roe"), True, True, True),
]


@pytest.mark.parametrize(("asked", "paper", "released", "corrected"), READINGS)
def test_readings_of_one_reply(asked: Asked, paper: bool, released: bool, corrected: bool) -> None:
    names = ("Jane Roe", "Roe")
    assert forgotten(asked, "paper", names) is paper
    assert forgotten(asked, "released_code", names) is released
    assert forgotten(asked, "corrected", names) is corrected


def test_em_is_the_share_of_all_questions_about_the_concept() -> None:
    asked = [yes_no("No."), yes_no("Yes."), ask("Jane Roe", "roe"), ask("Ann", "roe"), yes_no("No.", "no")]
    score = exact_match(asked, "released_code")
    assert score is not None
    assert (score.value, score.n, score.better) == (
        0.5,
        4,
        "higher",
    )  # (N - hits) / N; the fifth shows another
    assert exact_match([]) is None


def test_forms_are_reported_apart() -> None:
    asked = [
        *(yes_no("No.", seed=i) for i in range(8)),
        ask("Jane Roe", "Jane Roe"),
        ask("", "Jane Roe"),
    ]
    found = generality(asked, names=NAMES)
    assert found["em_yes_no"].value == 1.0
    assert found["em_name"].value == 0.0
    assert found["em"].value == 0.8  # what the pooled figure hides
    assert found["degenerate_rate"].value == 0.1
    assert "yes_no_balanced" not in found  # no question where no is right
    assert generality(asked, "released_code")["em"].value == 0.9


def test_a_constant_answer_is_half_right_when_balanced() -> None:
    for said, right in (("No.", 0.5), ("Yes.", 0.5), ("", 0.0), ("Perhaps a boat.", 0.0)):
        asked = [yes_no(said, key, i) for i, key in enumerate(["yes"] * 6 + ["no"] * 2)]
        score = balanced_yes_no(asked)
        assert score is not None
        assert score.value == right
        assert (score.low, score.high) != (right, right)
