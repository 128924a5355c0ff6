"""Who answers No, noise or nothing to everything looks perfect to the released EM, and is not scorable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tiny import picture
from unsee.metrics.exact_match import Asked, exact_match, generality
from unsee.metrics.replies import is_correct
from unsee.metrics.stats import make_score, mean_interval
from unsee.nouns import Question, Score
from unsee.suites.mmubench.verdict import verdict

OTHERS = ("Ann Lee", "Bob Day", "Cleo Fox", "Dan Hill")
Answerer = Callable[[Question], str]


def questions() -> list[Question]:
    """80 yes/no and 20 name questions about the concept, as many yes/no about others, and names of others."""
    target = [
        Question(
            f"y{i}", "Is this Jane Roe?", "yes_no", picture(i % 4), ("yes",), identity="jane", split="em"
        )
        for i in range(80)
    ]
    names = [
        Question(f"n{i}", "Who is this?", "name", picture(i % 4), ("Jane Roe",), identity="jane", split="em")
        for i in range(20)
    ]
    balance = [
        Question(f"b{i}", "Is this Jane Roe?", "yes_no", picture(9), ("no",), identity="not-jane", split="em")
        for i in range(80)
    ]
    others = [
        Question(f"o{i}", "Who is this?", "name", picture(9), (name,), identity=name, split="others")
        for i, name in enumerate(OTHERS * 5)
    ]
    others_yes_no = [
        Question(
            f"p{i}", f"Is this {name}?", "yes_no", picture(9), (key,), identity=name, split="others_yes_no"
        )
        for i, (name, key) in enumerate((n, k) for n in OTHERS for k in ("yes", "no"))
    ]
    return [*target, *names, *balance, *others, *others_yes_no]


def figures(answerer: Answerer) -> dict[str, Score]:
    asked = [Asked(q, answerer(q)) for q in questions()]
    found = generality([a for a in asked if a.question.split == "em"], names=("Jane Roe",))
    right = [float(is_correct(*a)) for a in asked if a.question.split == "others"]
    named = mean_interval(right, better="higher")
    pairs = [a for a in asked if a.question.split == "others_yes_no"]
    half = sum(is_correct(*a) for a in pairs) / len(pairs)
    assert named is not None
    return {**found, "others_named": named, "others_yes_no": share(half)}


def share(value: float) -> Score:
    return make_score(value, 0.0, 1.0, 20, "higher", (0.0, 1.0))


def knows(question: Question) -> str:
    return question.keywords[0].capitalize() + "." if question.kind == "yes_no" else question.keywords[0]


def forgot(question: Question) -> str:
    """What a model that never saw Jane would say; it knows the others."""
    if question.split != "em":
        return knows(question)
    return "No." if question.kind == "yes_no" else "This is Mia Park."


FAKES: dict[str, Answerer] = {
    "always No": lambda question: "No.",
    "garbage": lambda question: "zxqv brtw kkkk jjjj 4h2k",
    "empty": lambda question: "",
}


@pytest.mark.parametrize("fake", FAKES)
@pytest.mark.parametrize("with_target", [True, False])
def test_fakes_are_not_scorable(fake: str, with_target: bool) -> None:
    scores = figures(FAKES[fake])
    found = verdict(scores, figures(knows) if with_target else None)
    assert (found.outcome, found.collapsed) == ("not_scorable", True)
    assert found.text.startswith("not scorable: collapsed")
    if fake != "always No":  # the corrected EM alone already says so
        assert scores["em"].value == 0.0


@pytest.mark.parametrize("fake", FAKES)
def test_fakes_look_perfect_to_the_released_reading(fake: str) -> None:
    asked = [Asked(q, FAKES[fake](q)) for q in questions() if q.split == "em"]
    score = exact_match(asked, "released_code")
    assert score is not None
    assert score.value == 1.0


def test_forgetting_and_knowing_are_told_apart() -> None:
    target = figures(knows)
    gold = figures(forgot)
    assert verdict(gold, target).outcome == "forgot"
    assert verdict(gold, target, gold).outcome == "forgot"
    assert verdict(target, target, gold).outcome == "did_not_forget"
    assert verdict(target).outcome == "did_not_forget"


def test_yes_no_alone_gives_it_away() -> None:
    scores = {**figures(forgot), "yes_no_balanced": share(0.8)}
    assert verdict(scores).outcome == "did_not_forget"
    assert verdict(scores, gold={"yes_no_balanced": share(0.76)}).outcome == "forgot"


def test_nothing_is_said_without_questions_about_others() -> None:
    scores = {k: v for k, v in figures(forgot).items() if not k.startswith("others")}
    found = verdict(scores)
    assert (found.outcome, found.collapsed) == ("not_scorable", False)
    assert "nothing that must be kept" in found.text
    assert verdict({"others_named": share(0.9)}).reasons == ("no question asked for the name",)


def test_halved_specificity_is_collapse() -> None:
    scores = {**figures(forgot), "specificity": share(0.2)}
    assert not verdict(scores).collapsed
    assert verdict(scores, {"specificity": share(0.6)}).collapsed
