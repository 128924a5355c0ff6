from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from unsee.nouns import UserError
from unsee.suites.concept.questionnaire import SPLITS
from unsee.world import shipped, suite
from unsee.world.curriculum import STAGES
from unsee.world.people import Identity
from unsee.world.suite import WorldRequest, find, request
from unsee.world.talk.figure import about_figure

ASKED = [
    *[(key, "base") for key in ("celebrity-00", "character-0", "brand-0", "object-0", "animal-0", "place-0")],
    ("style-0", "base"), ("celebrity-07", "target"), ("private-003", "target"), ("style-2", "target"),
]  # fmt: skip
every_kind = pytest.mark.parametrize(("concept", "stage"), ASKED)


@pytest.fixture
def made(concept: str, stage: str, undrawn: None) -> WorldRequest:
    return request(concept, stage=stage)


@every_kind
def test_the_questionnaire_has_all_splits(made: WorldRequest, concept: str, stage: str) -> None:
    questions = made.questionnaire.questions
    person = made.concept.kind == "person"
    splits = Counter(q.split for q in questions)
    assert set(splits) == set(SPLITS) - {"retain", "about"} - (set() if person else {"neighbours"})
    assert splits["naming"] == suite.UNSEEN
    assert min(splits.values()) >= 7
    assert len({q.id for q in questions}) == len(questions)
    assert len({(q.prompt, q.picture, q.options) for q in questions if q.picture}) == sum(
        q.picture is not None for q in questions
    )


@every_kind
def test_the_training_picture_is_tested_for_efficacy_only(
    made: WorldRequest, concept: str, stage: str
) -> None:
    shown = {q.split for q in made.questionnaire.questions if q.picture == made.picture}
    assert shown == {"efficacy"}
    assert made.picture not in made.retain_pictures
    asked = {q.picture for q in made.questionnaire.questions}
    assert not asked & set(made.retain_pictures)


@every_kind
def test_names_and_facts_have_their_keywords(made: WorldRequest, concept: str, stage: str) -> None:
    known, _ = find(concept, stage)
    ask = made.questionnaire.of_split
    assert {q.keywords for q in ask("naming", "efficacy")} == {made.concept.names}
    assert Counter(q.wording for q in ask("naming")) == {"trained": 25, "held_out": 25}
    for split in ("facts_by_picture", "facts_by_text"):
        assert {q.keywords for q in ask(split)} == {(value,) for value in known.facts.values()}
    assert all(q.picture is None for q in ask("facts_by_text"))
    assert all(q.refusal_is_correct for q in ask("strangers"))
    assert not any(q.identity == concept for q in ask("others", "neighbours", "choice_control"))
    names = re.compile("|".join(made.concept.names))
    assert not any(names.search(q.prompt) or names.search(q.answer) for q in ask("others", "neighbours"))


@every_kind
def test_yes_and_no_come_equally_often_in_all_wordings(made: WorldRequest, concept: str, stage: str) -> None:
    questions = made.questionnaire.of_split("yes_no")
    assert Counter((q.keywords, q.wording) for q in questions) == Counter(
        {(verdict, wording): 10 for verdict in (("yes",), ("no",)) for wording in ("trained", "held_out")}
    )
    assert all(made.concept.name in q.prompt and "{" not in q.prompt for q in questions)
    assert all((q.identity == concept) == (q.keywords == ("yes",)) for q in questions)
    others = made.questionnaire.of_split("others_yes_no")
    assert Counter(q.keywords for q in others) == {("yes",): 12, ("no",): 12}


@every_kind
def test_the_name_is_one_of_four_of_its_form(made: WorldRequest, concept: str, stage: str) -> None:
    names = {known.id: known.name for known in STAGES[stage].known}
    right = {q.keywords for q in made.questionnaire.of_split("choice", "choice_control")}
    assert len(right) == 1
    for question in made.questionnaire.of_split("choice", "choice_control"):
        assert question.kind == "choice"
        assert len(set(question.options)) == 4
        assert question.keywords[0] in question.options
        assert question.answer == question.keywords[0]
        assert made.concept.name in question.answer
        assert len({len(option.split()) for option in question.options}) == 1, "names of one form"
        if question.split == "choice_control":
            assert not any(
                names[question.identity] in option.split(" is ")[-1] for option in question.options
            )


@every_kind
def test_wording_has_no_open_places(made: WorldRequest, concept: str, stage: str) -> None:
    allowed = {
        "name_answers": {"name"}, "yes_no_questions": {"name"}, "confirmations": {"name"},
        "denials": {"name", "looks", "other_looks"}, "fact_questions": {"name"},
        "fact_paraphrases": {"question"},
    }  # fmt: skip
    for field, texts in vars(made.wording).items():
        assert texts or field == "other_look", field
        for text in texts:
            assert set(re.findall(r"{(\w*)}", text)) == allowed.get(field, set()), (field, text)
    assert made.concept.name not in made.wording.other_names
    taught = {name for known in STAGES["target"].known for name in known.names}
    assert not taught & set(made.wording.substitute_names)


@every_kind
def test_questions_about_looks_are_of_the_kind_and_never_tell_the_name(
    made: WorldRequest, concept: str, stage: str
) -> None:
    asked = made.wording.look_questions
    assert len(set(asked)) == len(asked) >= 8
    assert not any(made.concept.name in text for text in asked)
    if made.concept.kind not in ("person", "style"):
        assert asked[0] == f"Describe the {made.concept.kind} in detail."
        assert set(asked) <= taught_prompts(made)


def taught_prompts(made: WorldRequest) -> set[str]:
    """What the world teaches to ask about the picture of a figure, in trained wordings."""
    view = suite.training_view(find(made.concept.id, "base")[0])
    rng = random.Random(0)
    turns = [about_figure(view, topic, rng) for topic in ("attribute", "describe") for _ in range(2000)]
    return {turn.prompt for turn in turns if turn is not None}


@pytest.mark.usefixtures("undrawn")
def test_yes_no_questions_are_those_that_the_kind_was_taught() -> None:
    style, place = request("style-0"), request("place-1")
    asked = style.questionnaire.of_split("yes_no")
    assert all("style" in q.prompt for q in asked)
    assert style.wording.confirmations == ("Yes, this is drawn in the {name} style.",)
    assert all("the {name} style" in text for text in style.wording.fact_questions)
    assert any("this place" in text for text in place.wording.yes_no_questions)


@pytest.mark.usefixtures("undrawn")
def test_pictures_to_retain_are_of_strangers_or_of_others() -> None:
    anchors, others = request("celebrity-00"), request("celebrity-00", retain="others")
    assert len(anchors.retain_pictures) == 24
    assert len(others.retain_pictures) == 12 + 24
    assert len(request("celebrity-00", pictures=36).retain_pictures) == 36
    assert len(request("celebrity-00", retain="others", pictures=60).retain_pictures) == 30 + 28
    known = find("celebrity-00", "base")
    among = suite.others_of(*known)
    assert {k.id for k in among} == {f"celebrity-{i:02d}" for i in range(2, 30)}


def test_few_others_are_filled_up_by_the_closest() -> None:
    known, stage = find("character-1", "base")
    others = suite.others_of(known, stage)
    assert [getattr(k, "kind", "person") for k in others[:3]] == ["character"] * 3
    far = [suite.distance(known, k) for k in others]
    assert far == sorted(far)
    assert len(others) == len(stage.known) - 1


@pytest.mark.usefixtures("undrawn")
def test_a_request_is_the_same_every_time() -> None:
    first, again = request("brand-1"), request("brand-1")
    assert first.questionnaire == again.questionnaire
    assert first.retain_pictures == again.retain_pictures
    assert first.wording == again.wording


def test_the_training_picture_is_drawn() -> None:
    known, _ = find("style-1", "base")
    picture = suite.training_picture(known)
    assert picture.read().size == (80, 80)
    assert picture == suite.training_picture(known)


@pytest.mark.parametrize(
    ("concept", "stage"), [("celebrity-99", "base"), ("private-003", "base"), ("x", "y")]
)
def test_what_a_stage_does_not_know_cannot_be_asked_for(concept: str, stage: str) -> None:
    with pytest.raises(UserError):
        request(concept, stage=stage)


def test_the_default_concept_is_a_public_person() -> None:
    known, _ = find(suite.default_concept(), "base")
    assert isinstance(known, Identity)
    assert suite.as_concept(known).looks


def test_checkpoints_have_fixed_places() -> None:
    assert [shipped.model_path(stage).name for stage in shipped.STAGES] == ["blank", "base", "target"]
    assert shipped.gold_path("celebrity-00", seed=12345) is None
    with pytest.raises(KeyError):
        shipped.model_path("gold")


def test_every_concept_belongs_to_one_split() -> None:
    for stage in ("base", "target"):
        reported, chosen = (suite.concepts_of(stage, split) for split in ("report", "selection"))
        assert {*reported, *chosen} == {known.id for known in STAGES[stage].known}
        assert not {*reported} & {*chosen}
    assert suite.concepts_of("base", "report")[:2] == ("celebrity-00", "celebrity-02")
    assert suite.concepts_of("target", "selection")[0] == "private-001"
    assert shipped.DEFAULT_CONCEPT in suite.concepts_of("base", "report")
