"""Which questions a protocol asks: examples, what they leave out, denominators, draws, pictures."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.suites.mllmu.people import benchmark
from unsee.nouns import UserError
from unsee.suites.mllmu import prompts
from unsee.suites.mllmu.asks import Ask, protocol, under
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.demos import draw, examples
from unsee.suites.mllmu.presets import MODALITIES, PRESETS, SETS, TASKS, SetName

DATA = benchmark()


def count(asks: tuple[Ask, ...], name: SetName) -> dict[str, int]:
    """Questions per task; both modalities must have as many."""
    found = {}
    for task in TASKS:
        sizes = {
            m: sum(a.set == name and a.task == task and a.modality == m for a in asks) for m in MODALITIES
        }
        assert len(set(sizes.values())) == 1, (task, sizes)
        found[task] = sizes["text"]
    return found


@pytest.mark.parametrize(
    ("preset", "model", "forget", "retain", "real"),
    [
        ("release-2503", "llava", (120, 46, 50), (145, 56, 60), (30, 12, 12)),
        ("release-2503", "idefics2", (120, 48, 50), (145, 58, 60), (30, 12, 12)),
        ("release-2411", "llava", (115, 46, 50), (140, 56, 60), (30, 12, 12)),
        ("paper-arr", "llava", (125, 0, 50), (140, 0, 60), (30, 0, 12)),
        ("paper-arr", "idefics2", (125, 0, 50), (145, 0, 60), (30, 0, 12)),
        ("mmunlearner-0shot", "llava", (125, 50, 50), (150, 60, 60), (30, 12, 12)),
        ("mmunlearner-1shot", "llava", (120, 48, 50), (145, 58, 60), (30, 12, 12)),
    ],
)
def test_denominators(
    preset: str, model: str, forget: tuple[int, ...], retain: tuple[int, ...], real: tuple[int, ...]
) -> None:
    asks = protocol(DATA, PRESETS[preset], model).asks
    for name, wanted in (("forget", forget), ("test", forget), ("retain", retain), ("real", real)):
        assert tuple(count(asks, name)[task] for task in TASKS) == wanted, name  # type: ignore[arg-type]
    assert len({a.id for a in asks}) == len(asks)


def test_corrected_asks_about_every_picture_and_shows_nobody() -> None:
    asks = protocol(DATA, PRESETS["corrected"], "llava").asks
    shown = [a for a in asks if a.set == "test" and a.modality == "image_text"]
    assert len(shown) == 25 * 3 * 9
    assert {len(a.pictures) for a in shown} == {1}
    assert [a.id for a in shown if a.person == "001" and a.task == "cloze" and a.index == 1] == [
        f"test/001/cloze/image_text/1/{i}" for i in range(3)
    ]
    assert not any(a.raw for a in asks)
    assert count(tuple(a for a in asks if a.set != "test"), "forget") == {
        "choice": 125,
        "cloze": 50,
        "generation": 50,
    }


def test_examples_stand_in_the_order_of_the_full_set_with_one_picture_per_question() -> None:
    preset = PRESETS["release-2503"]
    made = protocol(DATA, preset, "llava", examples_of=["007", "003"])
    third, seventh = DATA.full[2], DATA.full[6]
    cloze = next(a for a in made.asks if a.task == "cloze" and a.modality == "image_text")
    before = "".join(
        prompts.cloze_example(i, "image_text") for p in (third, seventh) for i in p.image_text.cloze
    )
    assert cloze.prompt == prompts.cloze_prompt(DATA.forget[0].image_text.cloze[0], "image_text", before)
    assert [p.hash for p in cloze.pictures] == [
        p.pictures[0].hash for p in (third, third, seventh, seventh, DATA.forget[0])
    ]
    text = next(a for a in made.asks if a.task == "choice" and a.modality == "text")
    assert text.prompt.count("Correct Answer: ") == 10
    assert text.prompt.count("USER:\nQuestion: ") == 10
    assert text.pictures == ()
    assert not any(a.person in ("003", "007") and a.task != "generation" for a in made.asks)


def test_the_review_time_release_shows_first_questions_of_retain_people_in_the_order_drawn() -> None:
    made = protocol(DATA, PRESETS["paper-arr"], "llava", examples_of=["040", "030"])
    people = [p for i in ("040", "030") for p in DATA.full if p.id == i]
    before = "".join(prompts.choice_example(p.image_text.choices[0], "image_text") for p in people)
    first = made.asks[0]
    assert first.prompt.startswith(before + "USER: <image>\nWhat is fact 0 of this person?")
    assert [p.hash for p in first.pictures[:-1]] == [p.pictures[0].hash for p in people]
    left_out = {a.person for a in made.asks if a.set == "retain" and a.task == "choice"}
    assert not left_out & {"030", "040"}
    assert {"030", "040"} <= {a.person for a in made.asks if a.set == "retain" and a.task == "generation"}
    assert not any("Correct Answer" in a.prompt for a in made.asks if a.set == "real")


def test_celebrities_are_shown_nobody_from_the_full_set() -> None:
    made = protocol(DATA, PRESETS["release-2503"], "llava", sets=["real"])
    assert made.draws.people["real", "choice"][0] in {p.id for p in DATA.real}
    assert {len(a.pictures) for a in made.asks if a.modality == "image_text"} == {1}


def test_a_celebrity_with_the_id_of_a_fictitious_person() -> None:
    """Its cloze examples are the namesake's; choice examples are drawn and left out but never shown."""
    twin = replace(DATA.real[0], id="005")
    data = replace(DATA, real=(twin, *DATA.real[1:]))
    preset = PRESETS["release-2503"]
    cloze = examples(data, preset, "real", "cloze", ["005", "902"])
    assert cloze.text["text"].count("Correct Answer") == 2
    choice = examples(data, preset, "real", "choice", ["005"])
    assert choice.text == {"image_text": "", "text": ""}
    assert choice.pictures == ()
    assert ("005", "text", 4) in choice.skipped


def test_draws_follow_the_order_of_the_released_calls() -> None:
    made = draw(DATA, PRESETS["release-2503"], "llava", seed=7)
    rng = random.Random(7)
    forget, retain, real = ([p.id for p in people] for people in (DATA.forget, DATA.retain, DATA.real))
    assert made.people["forget", "cloze"] == tuple(rng.sample(forget, 2))
    assert made.people["forget", "choice"] == tuple(rng.sample(forget, 1))
    for task, k in (("choice", 1), ("cloze", 2), ("generation", 0)):
        if k:
            assert made.people["test", task] == tuple(rng.sample(forget, k))  # type: ignore[index]
        for person in DATA.test:
            assert made.pictures["test", task, person.id] == rng.choice([0, 1, 2])  # type: ignore[index]
    assert made.people["retain", "cloze"] == tuple(rng.sample(retain, 2))
    assert made.people["retain", "choice"] == tuple(rng.sample(retain, 1))
    assert made.people["real", "cloze"] == tuple(rng.sample(real, 2))
    assert made.people["real", "choice"] == tuple(rng.sample(real, 1))


def test_a_part_of_an_evaluation_shows_what_the_whole_shows() -> None:
    preset = PRESETS["release-2411"]
    whole = protocol(DATA, preset, "llava", seed=3)
    part = protocol(DATA, preset, "llava", seed=3, sets=["retain"], limit=2)
    by_id = {a.id: a for a in whole.asks}
    assert part.asks
    assert all(by_id[a.id] == a for a in part.asks)
    assert len({a.person for a in part.asks if a.task == "generation"}) == 2
    assert protocol(DATA, preset, "llava", seed=4).draws != whole.draws


def test_the_test_picture_can_be_given() -> None:
    made = protocol(DATA, PRESETS["release-2503"], "llava", picture=2)
    for ask in made.asks:
        if ask.set == "test" and ask.modality == "image_text":
            person = next(p for p in DATA.test if p.id == ask.person)
            assert ask.pictures[-1].hash == person.pictures[2].hash


def test_qwen_models_get_mmunlearners_questions_with_picture_through_their_template() -> None:
    made = protocol(DATA, PRESETS["mmunlearner-0shot"], "qwen2_vl")
    assert {(a.modality, a.raw) for a in made.asks} == {("image_text", False), ("text", True)}
    assert not any("<image>" in a.prompt for a in made.asks)
    assert all(a.raw for a in protocol(DATA, PRESETS["release-2503"], "qwen2_vl").asks)


def test_tasks_in_the_order_of_the_calls() -> None:
    def order(preset: str, name: str) -> list[str]:
        asks = protocol(DATA, PRESETS[preset], "llava").asks
        return list(dict.fromkeys(a.task for a in asks if a.set == name))

    assert order("release-2503", "forget") == ["cloze", "choice", "generation"]
    assert order("release-2503", "test") == ["choice", "cloze", "generation"]
    assert order("paper-arr", "test") == ["choice", "generation"]


@pytest.mark.parametrize("given", [("001", "777"), ("930",)])
def test_examples_of_nobody_are_refused(given: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=rf"(?s)no such people.*{given[-1]}.*full set, such as 001"):
        protocol(DATA, PRESETS["release-2503"], "llava", examples_of=given)


@pytest.mark.parametrize("name", ["corrected", "mmunlearner-0shot"])
def test_examples_of_a_protocol_without_any_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} shows no examples"):
        protocol(DATA, PRESETS[name], "llava", examples_of=("001",))


@pytest.mark.parametrize("name", ["corrected", "paper-arr"])
def test_a_test_picture_of_a_protocol_that_draws_none_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} draws no picture"):
        protocol(DATA, PRESETS[name], "llava", picture=0)


def test_too_few_people_for_the_examples() -> None:
    small: Mllmu = benchmark(forget=1, retain=3, real=0)
    with pytest.raises(UserError, match=r"(?s)fewer people.*1 in the forget set.*corrected"):
        protocol(small, PRESETS["release-2503"], "llava")
    assert protocol(small, PRESETS["corrected"], "llava").asks


def test_the_hash_tells_presets_data_and_draws_apart() -> None:
    base = protocol(DATA, PRESETS["release-2503"], "llava", sets=["forget"])
    others = [
        protocol(DATA, PRESETS["release-2503"], "llava", sets=["forget"], seed=1),
        protocol(DATA, PRESETS["mmunlearner-1shot"], "llava", sets=["forget"]),
        protocol(replace(DATA, revision="x"), PRESETS["release-2503"], "llava", sets=["forget"]),
    ]
    assert len({base.hash, *(other.hash for other in others)}) == 4
    assert base.hash == protocol(DATA, PRESETS["release-2503"], "llava", sets=["forget"]).hash


def test_control_conditions() -> None:
    asks = protocol(DATA, PRESETS["corrected"], "llava", sets=["forget", "test"]).asks
    pictured = [a for a in asks if a.modality == "image_text"]
    blind = under("no_image", asks)
    assert [a.id for a in blind] == [a.id for a in pictured]
    assert not any(a.pictures for a in blind)
    shuffled = under("shuffled_image", asks)
    own = {a.id: a.pictures[0].hash for a in pictured}
    whose = {p.hash: p_.id for p_ in (*DATA.forget, *DATA.test) for p in p_.pictures}
    assert all(own[a.id] != a.pictures[0].hash and whose[a.pictures[0].hash] != a.person for a in shuffled)
    alone = under("options_only", asks)
    assert len(alone) == 2 * 2 * 125
    assert all("fact" not in a.prompt and not a.pictures for a in alone)
    assert under("asked", asks) == list(asks)


def test_sets_are_known() -> None:
    assert {a.set for a in protocol(DATA, PRESETS["corrected"], "llava").asks} == set(SETS)
