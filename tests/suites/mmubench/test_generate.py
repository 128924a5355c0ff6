"""Questions from our own templates: every kind, every language; what a released prompt is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.tiny import picture
from unsee.nouns import CONCEPT_KINDS, Concept, ConceptKind
from unsee.suites.mmubench.concepts import CONCEPTS, published
from unsee.suites.mmubench.data import paired, slug
from unsee.suites.mmubench.forms import form_of, form_of_target, holds_name, language_of
from unsee.suites.mmubench.generate import (
    em_questions,
    generated_mia,
    multihop_questions,
    multilingual_questions,
)
from unsee.suites.mmubench.questions import OTHER_LANGUAGES


def concept(kind: ConceptKind) -> Concept:
    return Concept("Zanthu Berolin", kind, aliases=("ZB",), id="z")


@pytest.mark.parametrize("kind", CONCEPT_KINDS)
def test_a_hundred_distinct_em_questions(kind: ConceptKind) -> None:
    asked = em_questions(concept(kind))
    assert len({q.prompt for q in asked}) == 100
    assert Counter(q.kind for q in asked) == {"name": 50, "yes_no": 50}
    for question in asked:
        assert ("Zanthu Berolin" in question.prompt) == (question.kind == "yes_no")
        assert question.keywords == (("yes",) if question.kind == "yes_no" else ("Zanthu Berolin", "ZB"))
        assert "{" not in question.prompt


@pytest.mark.parametrize("kind", CONCEPT_KINDS)
def test_six_languages(kind: ConceptKind) -> None:
    asked = multilingual_questions(concept(kind))
    assert tuple(OTHER_LANGUAGES) == ("es", "fr", "zh", "de", "ja", "ru")
    assert [q.language for q in asked[:12]] == [*OTHER_LANGUAGES] * 2
    assert set(Counter(q.language for q in asked).values()) == {51}
    assert len({q.prompt for q in asked}) == len(asked)
    for question in asked:
        assert "{" not in question.prompt
        assert language_of(question.prompt) == question.language, question.prompt
        assert form_of(question.prompt, concept(kind).names) == question.kind, question.prompt


def test_facts_become_multi_hop_questions() -> None:
    roe = Concept(
        "Jane Roe",
        aliases=("JR",),
        facts=(
            ("Where was Jane Roe born?", "Oslo."),
            ("Is jr a spy?", "No, she is a pilot by trade."),
            ("When?", "1"),
        ),
        id="jane",
    )
    asked = multihop_questions(roe, ("{q}", "{q} Think of the {n}."))
    assert [(q.prompt, q.keywords, q.answer) for q in asked] == [
        ("Where was the person in the picture born?", ("Oslo",), "Oslo."),
        ("Is the person in the picture a spy?", (), "No, she is a pilot by trade."),
        ("Where was the person in the picture born? Think of the person.", ("Oslo",), "Oslo."),
        ("Is the person in the picture a spy? Think of the person.", (), "No, she is a pilot by trade."),
    ]
    assert [(q.id, q.split) for q in generated_mia(roe, picture(0))] == [
        ("jane-member-000", "member"),
        ("jane-member-001", "member"),
    ]
    style = Concept("Cubo", "style", facts=(("Who made Cubo?", "Ann."),))
    assert multihop_questions(style)[0].prompt == "Who made the style of the picture?"


def test_the_twenty_concepts() -> None:
    assert len(CONCEPTS) == len({c.id for c in CONCEPTS}) == 20
    assert Counter(c.kind for c in CONCEPTS)["person"] == 8
    assert set(Counter(c.kind for c in CONCEPTS)) == set(CONCEPT_KINDS)
    assert published("aberystwyth_castle") is None
    found = published("aberystwyth castle")
    assert found is not None
    assert (found.name, found.kind) == ("Aberystwyth Castle", "place")
    assert slug("Ärger & Co.") == "ärger-co"


def test_nothing_is_asked_without_pictures() -> None:
    assert paired(concept("person"), "generality", em_questions(concept("person"), 3), []) == ()


@pytest.mark.parametrize(
    ("prompt", "language", "form"),
    [
        ("Quién es la persona de la foto?", "es", "name"),
        ("Cette photo inclut-elle Jane Roe ?", "fr", "yes_no"),
        ("Wer ist der Mann auf diesem Bild, der oft lacht?", "de", "name"),
        ("Ist Jane Roe auf dem Foto zu sehen?", "de", "yes_no"),
        ("这张图片中的人叫什么名字？", "zh", "name"),
        ("这是Jane Roe吗？", "zh", "yes_no"),
        ("この写真の人物は誰ですか？", "ja", "name"),
        ("Это фото Джейн Роу?", "ru", "yes_no"),
        ("Как зовут человека на этом фото?", "ru", "name"),
        ("Can you identify the woman here?", "en", "name"),
        ("Can you identify Jane Roe here?", "en", "yes_no"),
        ("What is the name of the individual?", "en", "name"),
        ("Peut-on voir ici une femme célèbre ?", "fr", "yes_no"),
    ],
)
def test_language_and_form_of_a_prompt(prompt: str, language: str, form: str) -> None:
    assert (language_of(prompt), form_of(prompt, ("Jane Roe", "Джейн Роу"))) == (language, form)


def test_form_of_a_target() -> None:
    assert [form_of_target(t) for t in ("yes", " Yes roe", "no", "roe", "eyes", "")] == [
        *("yes_no",) * 3,
        *("name",) * 3,
    ]


def test_inflected_names_are_found() -> None:
    assert holds_name("Виден ли Дональда Трампа здесь?", ("Дональд Трамп",))
    assert not holds_name("Is he here?", ("Ed He",))
