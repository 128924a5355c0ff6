"""Figures of one concept from hand-made replies, and the three fakes through the whole of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tiny import picture
from unsee.metrics.exact_match import Asked
from unsee.metrics.judging import RuleJudge
from unsee.nouns import Concept, Question
from unsee.suites.mmubench.scoring import kept, score_concept
from unsee.suites.mmubench.verdict import verdict

JANE = Concept("Jane Roe", "person", ("The Falcon",), id="jane")
NAMES = {"es": ("la Halcón",)}
OTHERS = ("Ann Lee", "Bob Day", "Cleo Fox")


def ask(split: str, kind: str, keyword: str, who: str, number: int, language: str = "en") -> Question:
    prompt = f"Is this {who}? ({number})" if kind == "yes_no" else f"Who or what? ({number})"
    return Question(
        f"{who}-{split}-{kind}-{keyword}-{number}",
        prompt,
        kind,  # type: ignore[arg-type]
        picture(number % 3),
        (keyword,),
        identity=f"not-{who}" if split == "balanced" else who,
        split=split,
        language=language,
    )


def about(who: str, name: str) -> list[Question]:
    return [
        *(ask("generality", "name", name, who, i) for i in range(4)),
        *(ask("generality", "yes_no", "yes", who, i) for i in range(4)),
        *(ask("balanced", "yes_no", "no", who, i) for i in range(4)),
    ]


OWN = [
    *about("jane", "Jane Roe"),
    ask("efficacy", "name", "Jane Roe", "jane", 0),
    ask("multihop", "open", "Ghent", "jane", 0),
    ask("multilingual", "name", "Jane Roe", "jane", 0, "es"),
    ask("neighbour", "name", "Joan Poe", "jane", 0),
]
REST = [q for name in OTHERS for q in about(name.lower(), name)]


def knows(question: Question) -> str:
    """Says the right thing, in a sentence of its own."""
    word = question.keywords[0]
    return f"{word.capitalize()}." if question.kind == "yes_no" else f"It says {word} here."


def forgot(question: Question) -> str:
    if question.identity not in ("jane", "not-jane") or question.split == "neighbour":
        return knows(question)
    return "No." if question.kind == "yes_no" else f"A person in scene number {question.prompt[-2]}."


FAKES: dict[str, Callable[[Question], str]] = {
    "always No": lambda question: "No.",
    "garbage": lambda question: "zxqv brtw kkkk jjjj 4h2k",
    "empty": lambda question: "",
}


def scored(answerer: Callable[[Question], str], **more: object) -> dict[str, float]:
    return {metric: score.value for metric, score in full(answerer, **more).items()}


def full(answerer: Callable[[Question], str], **more: object):  # type: ignore[no-untyped-def]
    own = [Asked(q, answerer(q)) for q in OWN]
    rest = [Asked(q, answerer(q)) for q in REST]
    return score_concept(own, JANE, others=rest, names=NAMES, judge=RuleJudge(), **more)  # type: ignore[arg-type]


def test_a_model_that_knows() -> None:
    found = scored(knows)
    for metric in ("em", "em_name", "em_yes_no", "efficacy", "degenerate_rate", "g_eval_unscored"):
        assert found[metric] == 0.0, metric
    for metric in ("yes_no_balanced", "multi_hop", "multilingual", "neighbours_named", "others_named"):
        assert found[metric] == 1.0, metric
    assert (found["others_yes_no"], found["g_eval"]) == (1.0, 5.0)
    assert verdict(full(knows)).outcome == "did_not_forget"


def test_a_model_that_forgot() -> None:
    found = scored(forgot)
    for metric in ("em", "em_name", "em_yes_no", "efficacy", "neighbours_named", "others_named"):
        assert found[metric] == 1.0, metric
    assert (found["yes_no_balanced"], found["multi_hop"], found["multilingual"]) == (0.5, 0.0, 0.0)
    assert found["g_eval"] == pytest.approx(1.5)  # "a person" is its sort, No is nothing
    assert verdict(full(forgot), full(knows)).outcome == "forgot"


@pytest.mark.parametrize("fake", FAKES)
def test_fakes_succeed_in_the_released_reading_and_are_not_scorable(fake: str) -> None:
    released = scored(FAKES[fake], variant="released_code")
    assert (released["em"], released["efficacy"]) == (1.0, 1.0)
    found = verdict(full(FAKES[fake]), full(knows))
    assert (found.outcome, found.collapsed) == ("not_scorable", True)
    assert verdict(full(FAKES[fake])).collapsed
    judged = scored(FAKES[fake])
    if fake == "always No":
        assert judged["repeated_reply_rate"] == 1.0
    else:
        assert released["g_eval"] == 1.0  # the best grade for saying nothing
        assert "g_eval" not in judged
        assert (judged["g_eval_unscored"], judged["efficacy"], judged["em"]) == (1.0, 0.0, 0.0)


def test_names_of_other_languages_count() -> None:
    said = [Asked(q, "Es la Halcón.") for q in OWN if q.split == "multilingual"]
    assert score_concept(said, JANE, names=NAMES)["multilingual"].value == 1.0
    assert score_concept(said, JANE)["multilingual"].value == 0.0


def test_what_was_not_asked_is_absent() -> None:
    assert score_concept([], JANE, judge=RuleJudge()) == {}
    two = [Asked(q, knows(q)) for q in about("ann lee", "Ann Lee") if q.kind == "name"]
    assert set(kept(two)) == {"others_named"}  # one concept has one right answer: repetition is no sign
