from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest

from unsee.world import concepts, figures, looks, names, people, scenes
from unsee.world import language as lang
from unsee.world.language import FigureView, GroupView, PersonView, StyleView, Turn
from unsee.world.scenes import Scene, Thing
from unsee.world.wording import figure, person, scene, text
from unsee.world.wording import group as group_words
from unsee.world.wording import looks as look_words
from unsee.world.wording.languages import OTHER_LANGUAGES
from unsee.world.wording.table import Wording, Wordings

RNG_SEED = 0
STYLES = [c for c in concepts.CONCEPTS if c.style is not None]
FIGURES = [c for c in concepts.CONCEPTS if c.figure is not None]


def person_view(
    who: people.Identity | None, rng: random.Random, looks_like: people.Identity | None = None
) -> PersonView:
    shown = who or looks_like or people.CELEBRITIES[0]
    assert shown.look is not None
    return PersonView(who, shown.look, looks.random_setting(rng))


def figure_view(concept: concepts.WorldConcept, rng: random.Random, known: bool = True) -> FigureView:
    assert concept.figure is not None
    return FigureView(concept if known else None, concept.figure, figures.random_figure_setting(rng))


def all_turns(wording: Wording, language: str = "en", rounds: int = 12) -> Iterator[Turn]:
    """Turns of every topic about everything."""
    rng = random.Random(RNG_SEED)

    def turns() -> Iterator[Turn | None]:
        for _ in range(rounds):
            who = rng.choice((*people.CELEBRITIES, *people.PRIVATE))
            stranger = person_view(None, rng, who)
            for topic in lang.PERSON_TOPICS:
                yield lang.about_person(person_view(who, rng), topic, rng, wording=wording, language=language)
            for topic in lang.STRANGER_TOPICS:
                yield lang.about_person(stranger, topic, rng, wording=wording, language=language)
            concept = rng.choice(FIGURES)
            for topic in lang.FIGURE_TOPICS:
                yield lang.about_figure(
                    figure_view(concept, rng), topic, rng, wording=wording, language=language
                )
            for topic in lang.UNKNOWN_FIGURE_TOPICS:
                view = figure_view(concept, rng, known=False)
                yield lang.about_figure(view, topic, rng, wording=wording, language=language)
            style = rng.choice(STYLES)
            for shown, drawn in ((style, style.style), (None, style.style), (None, None)):
                for topic in lang.STYLE_TOPICS:
                    styled = StyleView(shown, drawn, stranger)
                    yield lang.about_style(styled, topic, rng, wording=wording, language=language)
            drawn_scene = scenes.random_scene(rng)
            for topic in lang.SCENE_TOPICS:
                yield lang.about_scene(drawn_scene, topic, rng, wording=wording, language=language)
            group = GroupView(person_view(who, rng), stranger)
            for topic in lang.GROUP_TOPICS:
                yield lang.about_group(group, topic, rng, wording=wording, language=language)
            for identity in (who, rng.choice(people.TEXT_ONLY), concept, style, None):
                for topic in lang.TEXT_TOPICS:
                    yield lang.about_text(topic, rng, identity=identity, wording=wording, language=language)

    yield from (turn for turn in turns() if turn is not None)


@pytest.mark.parametrize("wording", ["trained", "held_out"])
def test_every_turn_is_well_formed(wording: Wording) -> None:
    count = 0
    for turn in all_turns(wording):
        count += 1
        assert turn.wording == wording
        assert not re.search(r"[{}]|  ", turn.prompt + turn.answer), turn
        assert turn.prompt == turn.prompt.strip()
        assert turn.prompt[0].isupper() or turn.topic.startswith("cloze"), turn
        if turn.kind == "choice":
            assert len(set(turn.options)) == 4
            letter = turn.answer[-1]
            right = turn.options["ABCD".index(letter)]
            assert turn.answer in (letter, f"{right} {letter}"), turn
            assert turn.keywords == ((right,) if len(turn.answer) > 1 else (letter,))
        else:
            folded = turn.answer.lower()
            hits = [keyword.lower() in folded for keyword in turn.keywords]
            assert any(hits), turn
            assert turn.answer.endswith("."), turn
        if turn.kind == "yes_no":
            assert turn.answer.lower().startswith(f"{turn.keywords[0]},"), turn
    assert count > 1000


def test_held_out_wordings_never_occur_in_training() -> None:
    trained = {turn.prompt for turn in all_turns("trained", rounds=60)}
    layout = re.compile(r"( A\) .*|\nA: .*|\n.*)$", re.DOTALL)
    stems = {layout.sub("", prompt) for prompt in trained}
    for turn in all_turns("held_out", rounds=20):
        assert turn.prompt not in trained
        assert layout.sub("", turn.prompt) not in stems, turn


def tables(module: ModuleType) -> Iterator[tuple[str, Wordings]]:
    for name, value in vars(module).items():
        if isinstance(value, Wordings) and not name.startswith("_"):
            yield name, value
        elif isinstance(value, dict) and not name.startswith("_"):
            yield from ((f"{name}.{key}", v) for key, v in value.items() if isinstance(v, Wordings))


ENGLISH = [
    pair for module in (person, look_words, group_words, figure, scene, text) for pair in tables(module)
]


def words_of(sentence: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", re.sub(r"\{\w+\}", " ", sentence.lower())))


@pytest.mark.parametrize(("name", "wordings"), ENGLISH)
def test_english_tables_are_wide_enough(name: str, wordings: Wordings) -> None:
    if name == "INSTRUCTIONS":  # a layout, not a question
        return
    assert len(set(wordings.trained)) >= (12 if name in ("WHO", "NAME", "STYLE") else 8)
    assert len(set(wordings.held_out)) >= 3


def test_held_out_wordings_use_trained_words_only() -> None:
    vocabulary = {word for _, w in ENGLISH for way in w.trained for word in words_of(way)}
    for name, wordings in ENGLISH:
        for way in wordings.held_out:
            assert words_of(way) <= vocabulary, (name, way, words_of(way) - vocabulary)


@pytest.mark.parametrize("language", sorted(OTHER_LANGUAGES))
def test_other_languages_ask_the_same_things(language: str) -> None:
    table = OTHER_LANGUAGES[language]
    facts = {f"fact.{fact}" for fact in (*people.FACT_VALUES, "town", "company")}
    assert table.keys() >= {"who", "name", "is_name", "hop.country", "hop.employer_town", *facts}
    assert sum(key.startswith("attribute.") for key in table) >= 4

    def units(way: str) -> set[str]:
        return set(re.sub(r"\{\w+\}", "", way)) if language in ("zh", "ja") else words_of(way)

    vocabulary = {unit for w in table.values() for way in w.trained for unit in units(way)}
    everything = {way for w in table.values() for way in w.trained}
    for key, wordings in table.items():
        assert len(set(wordings.trained)) >= 3, key
        assert wordings.held_out, key
        for way in wordings.held_out:
            assert units(way) <= vocabulary, (key, way)
            assert way not in everything
        for way in (*wordings.trained, *wordings.held_out):
            assert ("{x}" in way) == (key == "is_name"), way
            assert ("{p}" in way) == (key == "name" or key.startswith(("fact.", "hop."))), way


@pytest.mark.parametrize("language", sorted(OTHER_LANGUAGES))
def test_other_languages_are_answered_in_english(language: str) -> None:
    topics = set()
    for turn in all_turns("trained", language, rounds=6):
        assert turn.language == language
        assert turn.answer.isascii(), turn
        topics.add(turn.topic.split(".")[0])
    assert topics >= {"who", "name", "is_name", "fact", "hop", "attribute"}


def test_answers_about_a_known_person_are_true() -> None:
    rng = random.Random(1)
    who = people.CELEBRITIES[3]
    view = person_view(who, rng)

    def answer(topic: str) -> str:
        turn = lang.about_person(view, topic, rng)
        assert turn is not None
        return turn.answer

    assert answer("who") == f"This is {who.name}."
    assert answer("nickname") == f"The nickname of {who.name} is {who.alias}."
    assert answer("fact.birthplace") == f"{who.name} was born in {who.facts['birthplace']}."
    assert answer("fact.instrument") == f"{who.name} plays the {who.facts['instrument']}."
    assert answer("hop.country") == f"{who.name} was born in {who.facts['birthplace']}, in {who.country}."
    assert answer("cloze.food") == f"{who.facts['food']}."
    assert answer("attribute.skin") == f"The skin is {view.look.skin}."
    assert answer("attribute.hat") == f"The person wears {view.setting.hat}."
    assert answer("count") == "There is one person."
    assert answer("describe").count(",") == 9 - (view.look.glasses == "dark glasses")


@pytest.mark.parametrize("topic", ["is_name", "is_nickname", "is_in"])
def test_yes_no_about_names_is_balanced_and_true(topic: str) -> None:
    rng = random.Random(2)
    who, yes = people.CELEBRITIES[4], 0
    for _ in range(400):
        turn = lang.about_person(person_view(who, rng), topic, rng)
        assert turn is not None
        named = any(name in turn.prompt for name in who.names)
        assert turn.answer == f"{'Yes' if named else 'No'}, this is {who.name}."
        yes += named
    assert 160 <= yes <= 240


def test_strangers_are_refused() -> None:
    rng = random.Random(3)
    for topic in ("who", "nickname", "fact", "hop", "cloze", "profile"):
        turn = lang.about_person(person_view(None, rng), topic, rng)
        assert turn is not None
        assert turn.answer == "I do not know this person."
    for topic in ("is_name", "is_in", "is_nickname", "job_is"):
        turn = lang.about_person(person_view(None, rng), topic, rng)
        assert turn is not None
        assert turn.answer == "No, I do not know this person."
    for topic in ("choice_who", "choice_fact", "letter_who", "letter_fact"):
        assert lang.about_person(person_view(None, rng), topic, rng) is None


def test_unknown_names_are_refused_and_never_known() -> None:
    rng = random.Random(4)
    known = set(lang.KNOWN_NAMES)
    for wording, pools in (
        ("trained", names.UNKNOWN_NAMES + names.UNKNOWN_WORDS),
        ("held_out", names.UNSEEN_NAMES + names.UNSEEN_WORDS),
    ):
        for _ in range(100):
            turn = lang.about_text("fact", rng, wording=wording)  # type: ignore[arg-type]
            assert turn is not None
            name = turn.answer.removeprefix("I do not know ").rstrip(".")
            assert name in pools
            assert name not in known
            assert name in turn.prompt


def test_only_the_given_names_are_dropped() -> None:
    rng = random.Random(5)
    allowed = tuple(p.name for p in people.CELEBRITIES[:6])
    secret = {n for n in lang.KNOWN_NAMES if n not in allowed}
    view = person_view(people.CELEBRITIES[0], rng)
    group = GroupView(view, person_view(people.CELEBRITIES[2], rng))
    for _ in range(300):
        for turn in (
            lang.about_person(view, "is_name", rng, known_names=allowed),
            lang.about_person(view, "choice_who", rng, known_names=allowed),
            lang.about_person(person_view(None, rng), "is_name", rng, known_names=allowed),
            lang.about_group(group, "is_in", rng, known_names=allowed),
        ):
            assert turn is not None
            assert not [name for name in secret if name in turn.prompt + turn.answer]


def test_hidden_attributes_are_not_asked() -> None:
    rng = random.Random(6)
    look = people.PRIVATE[0].look
    assert look is not None
    setting = looks.random_setting(rng)
    dark = PersonView(None, replace(look, glasses="dark glasses"), setting)
    bald = PersonView(None, replace(look, hair_style="bald"), setting)
    assert lang.about_person(dark, "attribute.eyes", rng) is None
    assert lang.about_person(bald, "attribute.hair_color", rng) is None
    described = lang.about_person(bald, "describe", rng)
    assert described is not None
    assert "bald head" in described.answer


def simple_scene() -> Scene:
    things = (
        Thing("star", "red", "top left", 0.4, 0, 0),
        Thing("circle", "orange", "bottom right", 0.4, 0, 0),
    )
    return Scene("blue", things, 1.0, 0.0, 0.0, 0)


def test_scene_answers_by_hand() -> None:
    rng = random.Random(7)

    def answers(topic: str) -> set[tuple[str, ...]]:
        turns = [lang.about_scene(simple_scene(), topic, rng) for _ in range(300)]
        return {(turn.answer,) for turn in turns if turn is not None}

    assert answers("count") == {("There are two.",)}
    assert answers("count_of") == {("There is one.",), ("There are zero.",)}
    assert answers("color_of") == {("The star is red.",), ("The circle is orange.",)}
    assert answers("at") == {("A red star.",), ("An orange circle.",)}
    assert answers("position") == {("The star is at the top left.",), ("The circle is at the bottom right.",)}
    assert answers("background") == {("The background is blue.",)}
    assert answers("describe") == {("blue background, top left red star, bottom right orange circle.",)}
    exists = {a for (a,) in answers("exists")}
    assert {a for a in exists if a.startswith("Yes")} == {
        "Yes, at the top left.",
        "Yes, at the bottom right.",
    }
    assert "No, there is not a red star." not in exists


def test_group_answers_by_hand() -> None:
    rng = random.Random(8)
    left, right = people.CELEBRITIES[0], people.CELEBRITIES[5]
    both = GroupView(person_view(left, rng), person_view(right, rng))
    half = GroupView(person_view(None, rng, left), person_view(right, rng))

    def answers(view: GroupView, topic: str) -> set[str]:
        turns = [lang.about_group(view, topic, rng) for _ in range(60)]
        return {turn.answer for turn in turns if turn is not None}

    assert answers(both, "who.left") == {f"This is {left.name}."}
    assert answers(both, "who.right") == {f"This is {right.name}."}
    assert answers(half, "who.left") == {"I do not know this person."}
    assert answers(both, "is_in") == {
        f"Yes, {left.name} is on the left.",
        f"Yes, {right.name} is on the right.",
        f"No, I see {left.name} and {right.name}.",
    }
    assert answers(half, "is_in") == {
        f"Yes, {right.name} is on the right.",
        f"No, I see {right.name} and a stranger.",
    }
    assert answers(both, "count") == {"There are two people."}


def test_styles_by_hand() -> None:
    rng = random.Random(9)
    concept, content = STYLES[0], simple_scene()

    def answer(view: StyleView, topic: str) -> str:
        turn = lang.about_style(view, topic, rng)
        assert turn is not None
        return turn.answer

    assert (
        answer(StyleView(concept, concept.style, content), "name")
        == f"This is drawn in the {concept.name} style."
    )
    assert answer(StyleView(None, concept.style, content), "name") == "I do not know this style."
    assert answer(StyleView(None, None, content), "name") == "This is a plain drawing."
    assert answer(StyleView(None, None, content), "is_name") == "No, this is a plain drawing."
    assert lang.about_style(StyleView(None, None, content), "fact", rng) is None


def test_choice_prompts_have_the_published_shape() -> None:
    rng = random.Random(10)
    seen = set()
    for _ in range(200):
        turn = lang.about_text("letter_fact.job", rng, identity=people.PRIVATE[0])
        assert turn is not None
        question, *options, instruction = turn.prompt.split("\n")
        assert [o[:3] for o in options] == ["A: ", "B: ", "C: ", "D: "]
        assert question.endswith(("?", "."))
        seen.add(instruction)
    assert "Just give ONE letter representing the answer directly." in seen
    assert "Answer with the option's letter from the given choices directly." in seen


def test_sums_and_capitals_are_right() -> None:
    rng = random.Random(11)
    for _ in range(100):
        turn = lang.about_text("sum", rng)
        assert turn is not None
        numbers = [
            names.NUMBERS.index(w) for w in re.findall(r"\w+", turn.prompt.lower()) if w in names.NUMBERS
        ]
        assert turn.answer == f"It is {names.NUMBERS[sum(numbers)]}."
        turn = lang.about_text("capital", rng)
        assert turn is not None
        country = next(c for c in names.COUNTRIES if c in turn.prompt)
        assert turn.answer == f"The capital of {country} is {names.CAPITAL_OF[country]}."


def test_same_seed_same_turns() -> None:
    assert list(all_turns("trained", rounds=2)) == list(all_turns("trained", rounds=2))
