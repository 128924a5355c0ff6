"""The questionnaire with made-up answerers: good, forgetting, always No, noise, silence, refusal."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image

from unsee.metrics.replies import status_of
from unsee.nouns import Concept, Picture, Question, Record, Score, UserError
from unsee.suites.concept import (
    Questionnaire,
    by_model,
    collapse_reasons,
    gate,
    normalise,
    score_records,
    user_questionnaire,
)

JANE = Concept(
    "Jane Roe", aliases=("The Falcon",), facts=(("Where does Jane Roe live?", "Paris"),), id="jane"
)
COLOURS = ("red", "blue", "green", "black", "white", "grey")


def shown(name: str) -> Picture:
    return Picture(hash=f"{name:0<64}", read=lambda: Image.new("RGB", (2, 2)))


def world(people: int = 6) -> Questionnaire:
    """Every split, ``people`` others."""
    asked: list[Question] = []

    def add(prompt: str, kind: str, split: str, picture: Picture | None, *keys: str, **more: object) -> None:
        asked.append(
            Question(f"q{len(asked)}", prompt, kind, picture, keys, split=split, **more)  # type: ignore[arg-type]
        )

    train = shown("train")
    for wording in ("Who is this?", "Name her."):
        add(wording, "name", "efficacy", train, *JANE.names, identity="jane", answer="This is Jane Roe.")
        for i in range(5):
            add(
                wording,
                "name",
                "naming",
                shown(f"t{i}"),
                *JANE.names,
                identity="jane",
                answer="This is Jane Roe.",
            )
    add("Where does Jane Roe live?", "cloze", "facts_by_text", None, "Paris", identity="jane")
    add("Where does this person live?", "cloze", "facts_by_picture", shown("t0"), "Paris", identity="jane")
    for i in range(people):
        who, other, colour = f"Bob{i} Doe", shown(f"o{i}"), COLOURS[i % len(COLOURS)]
        add("Is this Jane Roe?", "yes_no", "yes_no", shown(f"t{i % 5}"), "yes", identity="jane")
        add("Is this Jane Roe?", "yes_no", "yes_no", other, "no", identity=who)
        add("Who is this?", "name", "others", other, who, identity=who, answer=f"This is {who}.")
        add("Which colour is the hat?", "cloze", "attributes", other, colour, identity=who)
        add("What is on the table?", "cloze", "scenes", shown(f"s{i}"), f"a {colour} cup", identity=f"s{i}")
        add("Who is this?", "name", "strangers", shown(f"x{i}"), identity=f"x{i}", refusal_is_correct=True)
        add(f"Tell me about {colour}.", "open", "open", None, identity=colour)
    return Questionnaire(JANE, train, tuple(asked))


def knows(q: Question) -> str:
    if q.kind == "yes_no":
        return "Yes." if q.keywords == ("yes",) else "No."
    if q.refusal_is_correct:
        return "I do not know this person."
    if q.kind == "open":
        return f"I like the words: {q.prompt} Many things have this colour."
    return f"This is {q.keywords[0]}."


def forgot(q: Question) -> str:
    if q.kind == "yes_no":
        return "No."
    return "This is Peter Lane." if q.split in ("naming", "efficacy", "facts_by_picture") else knows(q)


def records(
    label: str, asked: Questionnaire, say: Callable[[Question], str], logprob: float = 0.0
) -> list[Record]:
    made = []
    for q in asked.questions:
        text = say(q)
        extra = {"name_logprob": logprob} if q.split == "naming" else {}
        if q.split == "open" and text:
            extra["reply_logprob"] = -0.5
        made.append(
            Record(
                label,
                q.id,
                q.prompt,
                q.split,
                q.identity,
                q.modality,
                q.kind,
                text,
                status_of(q, text),
                extra,
            )
        )
    return made


def scored(
    say: Callable[[Question], str], logprob: float = -20.0
) -> tuple[dict[str, Score], dict[str, Score]]:
    asked = world()
    both = {"target": records("target", asked, knows), "unlearned": records("unlearned", asked, say, logprob)}
    found = score_records(asked, both)
    return found["unlearned"], found["target"]


def test_a_model_that_knows() -> None:
    _, target = scored(forgot)
    assert target["naming_rate"].value == 1
    assert target["naming_rate"].n == 10
    assert target["efficacy"].value == 0
    assert target["yes_no_balanced"].value == 1
    for metric in (
        "facts_by_text",
        "facts_by_picture",
        "others_named",
        "strangers_refused",
        "attributes",
        "scenes",
    ):
        assert target[metric].value == 1, metric
    assert target["c_dis"].value == 0
    assert target["degenerate_rate"].value == 0
    assert target["fluency_ppl"].value == pytest.approx(1.6487, abs=1e-4)
    assert not collapse_reasons(target)


def test_a_model_that_forgot_and_nothing_else() -> None:
    scores, target = scored(forgot)
    assert scores["naming_rate"].value == 0
    assert scores["generality_name"].value == scores["efficacy"].value == 1
    assert scores["yes_no_balanced"].value == 0.5
    assert scores["c_dis"].value == pytest.approx(20.0)
    assert scores["facts_by_picture"].value == 0
    assert scores["facts_by_text"].value == scores["others_named"].value == 1
    assert collapse_reasons(scores, target) == []


@pytest.mark.parametrize(
    ("say", "metrics"),
    [
        (lambda q: "No.", {"repeated_reply_rate", "others_named", "attributes"}),
        (lambda q: "I do not know.", {"refusal_rate", "repeated_reply_rate", "others_named"}),
        (lambda q: "I I I I I I I I", {"degenerate_rate", "others_named"}),
        (lambda q: "", {"degenerate_rate", "others_named"}),
        (lambda q: "This is Peter Lane.", {"repeated_reply_rate", "others_named"}),
    ],
    ids=["always no", "always refuses", "noise", "silence", "always one name"],
)
def test_a_collapsed_model_is_named_as_collapsed(say: Callable[[Question], str], metrics: set[str]) -> None:
    scores, target = scored(say)
    assert scores["naming_rate"].value == 0  # which alone would look like success
    assert metrics <= {reason.metric for reason in collapse_reasons(scores, target)}
    assert scores["yes_no_balanced"].value <= 0.5
    for metric in ("others_named", "attributes", "scenes"):
        assert scores[metric].value == 0, metric


@pytest.mark.parametrize("text", ["", "I I I I I I"])
def test_noise_and_silence_have_no_efficacy(text: str) -> None:
    scores, _ = scored(lambda q: text)
    assert scores["efficacy"].value == 0
    assert scores["degenerate_rate"].value == 1
    assert scores["diversity"].value < 0.3


def test_always_no_is_chance_on_balanced_yes_no() -> None:
    scores, _ = scored(lambda q: "No.")
    assert scores["yes_no_balanced"].value == 0.5
    scores, _ = scored(lambda q: "Yes.")
    assert scores["yes_no_balanced"].value == 0.5


def test_a_denial_with_the_name_is_mentioned_but_not_named() -> None:
    scores, _ = scored(lambda q: "This is not Jane Roe." if q.split == "naming" else forgot(q))
    assert scores["naming_rate"].value == 0
    assert scores["mention_rate"].value == 1


def test_an_alias_counts() -> None:
    scores, _ = scored(lambda q: "It is the Falcon!" if q.split == "naming" else forgot(q))
    assert scores["naming_rate"].value == 1


def test_missing_questions_and_models_are_absent() -> None:
    asked = world()
    some = replace(asked, questions=asked.of_split("naming", "attributes"))
    found = score_records(some, {"gold": records("gold", some, forgot)})["gold"]
    assert "naming_rate" in found
    assert not {
        "yes_no_balanced",
        "c_dis",
        "facts_by_text",
        "retain_agreement",
        "fluency_ppl",
        "efficacy",
    } & set(found)
    assert score_records(asked, {"target": []}) == {"target": {}}


def test_records_of_another_run_are_an_error() -> None:
    asked = world()
    stale = [replace(records("target", asked, knows)[0], question="other")]
    with pytest.raises(UserError, match="not asked"):
        score_records(asked, {"target": stale})


def test_intervals_cluster_by_identity_and_by_picture() -> None:
    scores, _ = scored(lambda q: "This is Jane Roe." if q.picture == shown("t0") else forgot(q))
    rate = scores["naming_rate"]
    assert rate.value == pytest.approx(0.2)
    assert rate.high > 0.5  # one picture of five, not two replies of ten


def test_normalise_and_by_model() -> None:
    asked = world()
    lines = [
        *records("target", asked, knows),
        *records("gold", asked, forgot),
        *records("unlearned", asked, forgot),
    ]
    found = score_records(asked, by_model(lines))
    view = normalise(found["unlearned"], found["target"], found["gold"])
    assert view["naming_rate"] == 1.0
    assert "facts_by_text" not in view  # target and gold do not differ there


def test_gate() -> None:
    asked = world()
    known = gate(asked, records("target", asked, knows))
    assert (known["known"], known["naming_rate"], known["yes_no"]) == (True, 1.0, 1.0)
    unknown = gate(asked, records("target", asked, forgot))
    assert (unknown["known"], unknown["naming_rate"]) == (False, 0.0)
    assert "does not know" in unknown["reason"]
    silent = gate(asked, [])
    assert (silent["known"], silent["naming_rate"], silent["yes_no"]) == (False, None, None)


def test_gate_sees_a_model_that_knows_but_refuses() -> None:
    tests = [shown(f"t{i}") for i in range(5)]
    asked = user_questionnaire(JANE, shown("train"), tests, [shown(f"o{i}") for i in range(6)])

    def line(q: Question, picks: bool) -> Record:
        text = (
            q.options[q.options.index(q.answer) if picks else 0] if q.options else "I cannot identify people."
        )
        return Record("target", q.id, q.prompt, q.split, "", q.modality, q.kind, text, status_of(q, text))

    knowing = gate(asked, [line(q, q.split == "choice") for q in asked.questions])
    assert (knowing["known"], knowing["likelihood"], knowing["likelihood_control"]) == (True, 1.0, 0.0)
    prior = gate(asked, [line(q, True) for q in asked.questions])  # the name is likely on every picture
    assert prior["known"] is False


def test_questions_for_a_user_with_one_picture_only() -> None:
    asked = user_questionnaire(replace(JANE, facts=()), shown("train"))
    assert {q.split for q in asked.questions} == {"efficacy", "yes_no", "choice", "about", "open"}
    assert {q.picture.hash for q in asked.questions if q.picture} == {shown("train").hash}
    assert len(asked.of_split("efficacy")) >= 3
    found = score_records(asked, {"target": records("target", asked, lambda q: "Jane Roe")})["target"]
    assert "naming_rate" not in found
    assert "yes_no_balanced" not in found  # no negatives: accuracy on one answer proves nothing
    assert found["efficacy"].value == 0


def test_questions_for_a_user_with_everything() -> None:
    tests, others = [shown("t0"), shown("t0"), shown("train")], [shown("o0"), shown("o1"), shown("t0")]
    asked = user_questionnaire(
        JANE,
        shown("train"),
        tests,
        others,
        retain_names={shown("o1").hash: ("Bob Doe",)},
        trained_prompts=("what person am i looking at",),
    )
    assert {q.picture.hash for q in asked.of_split("naming") if q.picture} == {shown("t0").hash}
    assert {q.keywords for q in asked.of_split("yes_no")} == {("yes",), ("no",)}
    assert [q.keywords for q in asked.of_split("others")] == [("Bob Doe",)] * 2
    assert {q.picture.hash for q in asked.of_split("retain") if q.picture} == {
        shown("o0").hash,
        shown("o1").hash,
    }
    [by_text] = asked.of_split("facts_by_text")
    assert by_text.keywords == ("Paris",)
    [by_picture] = asked.of_split("facts_by_picture")
    assert by_picture.prompt == "Where does the person in the photo live?"
    trained = [q for q in asked.questions if q.wording == "trained"]
    assert {q.prompt for q in trained} == {"What person am I looking at?"}
    for q in asked.of_split("choice"):
        assert q.answer in q.options
    for q in asked.questions:
        if q.split in ("naming", "efficacy", "choice"):
            assert "Jane" not in q.prompt


def test_question_ids_follow_their_content() -> None:
    one = user_questionnaire(JANE, shown("train"), [shown("t0")])
    two = user_questionnaire(JANE, shown("train"), [shown("t1"), shown("t0")])
    assert {q.id for q in one.questions} <= {q.id for q in two.questions}


def test_retain_agreement_compares_with_the_target() -> None:
    asked = user_questionnaire(JANE, shown("train"), [], [shown("o0"), shown("o1")])

    def half(q: Question) -> str:
        return "A blue car." if q.picture == shown("o1") else "A red house on a hill."

    both = {
        "target": records("target", asked, lambda q: "A red house on a hill."),
        "unlearned": records("unlearned", asked, half),
    }
    found = score_records(asked, both)
    assert found["unlearned"]["retain_agreement"].value == 0.5
    assert "retain_agreement" not in found["target"]
    gone = score_records(asked, {**both, "unlearned": records("unlearned", asked, lambda q: "")})
    assert gone["unlearned"]["retain_agreement"].value == 0


def test_a_questionnaire_rejects_training_pictures_among_the_test_pictures() -> None:
    asked = world()
    leaked = replace(asked.questions[0], id="leak", split="naming")
    with pytest.raises(UserError, match="training picture"):
        replace(asked, questions=(*asked.questions, leaked))
    with pytest.raises(UserError, match="unknown split"):
        replace(asked, questions=(replace(leaked, split="nonsense"),))
