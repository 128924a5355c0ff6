"""Figures from replies: values worked by hand, cells, directions, attributes, the letters' bias."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.suites.mllmu.people import benchmark
from unsee.metrics.released_overlap import bleu, released_rouge
from unsee.nouns import Record, UserError
from unsee.suites.mllmu.asks import KINDS, Ask, protocol
from unsee.suites.mllmu.floors import floor_scores, floor_values
from unsee.suites.mllmu.presets import PRESETS, Preset
from unsee.suites.mllmu.reading import status
from unsee.suites.mllmu.scoring import (
    Answered,
    attribute,
    better,
    by_attribute,
    factuality_values,
    item_values,
    letters,
    scores_of,
    templates_of,
)
from unsee.suites.records import joined

RELEASED, CORRECTED = PRESETS["release-2503"], PRESETS["corrected"]
DATA = benchmark(forget=4, retain=4, real=2, poses=1)


def record(preset: Preset, ask: Ask, reply: str, scores: dict[str, float] | None = None) -> Record:
    return Record(
        "target",
        ask.id,
        ask.question,
        ask.set,
        ask.person,
        ask.modality,
        KINDS[ask.task],
        reply,
        status(preset, ask, reply),
        scores or {},
    )


def asked(preset: Preset, **kind: str) -> list[Ask]:
    made = protocol(DATA, preset, "llava", sets=["forget", "retain"]).asks
    return [a for a in made if all(getattr(a, key) == value for key, value in kind.items())]


def values(preset: Preset, answered: Answered) -> dict[str, dict[str, float]]:
    return item_values(preset, answered, templates=templates_of([a for a, _ in answered]))


def test_released_metrics_of_a_reply() -> None:
    ask = asked(RELEASED, set="forget", task="generation", modality="text")[0]
    reply = "This person works as a cook. And he likes it."
    found = values(RELEASED, [(ask, record(RELEASED, ask, reply))])
    rouge = released_rouge(reply, ask.truth)
    assert found["mllmu_rouge_l/forget/text"] == {ask.id: rouge["rougeL"]}
    assert found["mllmu_bleu/forget/text"] == {ask.id: bleu(reply, ask.truth)}
    assert set(found) == {
        f"mllmu_{name}/forget/text"
        for name in ("rouge_1", "rouge_2", "rouge_l", "bleu", "refusals", "degenerate")
    }


def test_corrected_metrics_read_the_first_sentence_and_the_key_fact() -> None:
    asks = asked(CORRECTED, set="forget", task="generation", modality="text")
    ask = next(a for a in asks if a.truth == "This person works as a cook.")
    tail = ask.truth + " He also likes to sing in the rain and to walk."
    found = values(CORRECTED, [(a, record(CORRECTED, a, tail if a is ask else "No idea.")) for a in asks])
    assert found["mllmu_rouge_l/forget/text"][ask.id] == 1.0
    assert found["mllmu_bleu/forget/text"][ask.id] == 1.0
    assert found["mllmu_key_fact/forget/text"][ask.id] == 1.0
    assert released_rouge(tail, ask.truth)["rougeL"] < 0.7, "the release punishes the tail"
    template_only = "This person works as a."
    found = values(CORRECTED, [(a, record(CORRECTED, a, template_only)) for a in asks])
    assert found["mllmu_rouge_l/forget/text"][ask.id] > 0.8
    assert found["mllmu_key_fact/forget/text"][ask.id] == 0.0


def test_accuracies_are_those_of_the_protocol() -> None:
    choices = asked(RELEASED, set="forget", task="choice", modality="text")[:4]
    replies = ("A", "Answer: B", "The answer is A", "b")
    found = values(RELEASED, [(a, record(RELEASED, a, r)) for a, r in zip(choices, replies, strict=True)])
    assert list(found["mllmu_choice/forget/text"].values()) == [1.0, 1.0, 0.0, 0.0]
    assert list(found["mllmu_unread/forget/text"].values()) == [0.0, 0.0, 1.0, 0.0]
    gap = asked(RELEASED, set="forget", task="cloze", modality="text")[0]
    for preset, right in ((RELEASED, 1.0), (CORRECTED, 0.0)):
        one = record(preset, gap, f"sub{gap.truth}s")
        assert values(preset, [(gap, one)])["mllmu_cloze/forget/text"][gap.id] == right


def test_other_ways_to_write_an_answer_count_in_corrected_only() -> None:
    gap = replace(asked(RELEASED, set="forget", task="cloze", modality="text")[0], truth="$45,000")
    for preset, right in ((RELEASED, 0.0), (CORRECTED, 1.0)):
        one = record(preset, gap, "about 45000 dollars")
        assert values(preset, [(gap, one)])["mllmu_cloze/forget/text"][gap.id] == right
        assert one.status == ("correct" if right else "incorrect")


def test_likelihoods_of_truths_are_apart_by_task() -> None:
    asks = [asked(CORRECTED, set="forget", task=task, modality="text")[0] for task in ("cloze", "generation")]
    lines = [record(CORRECTED, a, a.truth, {"truth_logprob": -0.01}) for a in asks]
    found = scores_of(values(CORRECTED, list(zip(asks, lines, strict=True))), asks)
    for cell in ("mllmu_cloze_logprob/forget/text", "mllmu_truth_logprob/forget/text"):
        assert (found[cell].value, found[cell].n, found[cell].high <= 0) == (-0.01, 1, True)


def test_options_by_likelihood_give_two_readings() -> None:
    ask = asked(CORRECTED, set="forget", task="choice", modality="image_text")[0]
    scores = {"option": 0.0, "text_option": 1.0, "turn0_option": 0.0, "placed_0": 0.75, "placed_1": 0.25}
    scores["truth_ratio"] = 0.25
    one = record(CORRECTED, ask, f"A: {ask.options['A']}", scores)
    found = values(CORRECTED, [(ask, one)])
    assert {cell.split("/")[0]: items[ask.id] for cell, items in found.items()} == {
        "mllmu_choice": 1.0,
        "mllmu_choice_text": 0.0,
        "mllmu_choice_one_order": 1.0,
        "mllmu_truth_ratio": 0.75,
    }
    worse = record(CORRECTED, ask, "A", {**scores, "truth_ratio": 40.0})  # a wrong option is preferred
    assert values(CORRECTED, [(ask, worse)])[f"mllmu_truth_ratio/{ask.set}/{ask.modality}"] == {ask.id: 0.0}
    shares = letters(CORRECTED, [(ask, one)])["forget/image_text"]
    assert [shares[letter].value for letter in "ABCD"] == [0.75, 0.25, 0.0, 0.0]


def test_without_letters_there_is_one_reading_and_nothing_about_letters() -> None:
    preset = PRESETS["corrected-texts"]
    ask = next(a for a in asked(preset, task="choice"))
    place = float(list(ask.options).index(ask.truth))
    told = [(ask, record(preset, ask, f"{ask.truth}: x", {"text_option": place, "text_margin": 1.0}))]
    values = item_values(preset, told, templates={})
    assert values == {f"mllmu_choice_text/{ask.set}/{ask.modality}": {ask.id: 1.0}}
    assert letters(preset, told) == {}
    made = asked(preset)
    floors = floor_scores(preset, made)
    assert {name.split("/")[0] for name in floors["chance"]} == {"mllmu_choice_text"}
    assert all(not name.startswith("mllmu_choice") for name in floors["majority"])


def test_every_reply_has_a_status() -> None:
    choice = asked(RELEASED, set="forget", task="choice", modality="text")[0]
    cloze = asked(RELEASED, set="forget", task="cloze", modality="text")[0]
    spoken = asked(RELEASED, set="forget", task="generation", modality="text")[0]
    cases = [
        (choice, "A", "correct"),
        (choice, "B", "incorrect"),
        (choice, "", "empty"),
        (choice, "I do not know.", "refusal"),
        (choice, "A A A A A A A A", "gibberish"),
        (cloze, cloze.truth, "correct"),
        (cloze, "!!!!!!!!!!!!", "gibberish"),
        (spoken, spoken.truth, "correct"),
        (spoken, "I cannot tell who this is.", "refusal"),
        (spoken, "  ", "empty"),
    ]
    for ask, reply, wanted in cases:
        assert status(RELEASED, ask, reply) == wanted, (ask.task, reply)
    found = values(RELEASED, [(choice, record(RELEASED, choice, "I do not know."))])
    assert found["mllmu_refusals/forget/text"][choice.id] == 1.0


def test_intervals_cluster_by_person_and_every_cell_has_its_n() -> None:
    asks = asked(RELEASED, set="forget", task="generation", modality="text")
    found = scores_of(values(RELEASED, [(a, record(RELEASED, a, a.truth)) for a in asks]), asks)
    score = found["mllmu_rouge_l/forget/text"]
    assert (score.value, score.n, score.better) == (1.0, 8, "lower")
    assert score.low < 1.0 == score.high
    half = [record(RELEASED, a, a.truth if a.person in ("001", "002") else "zzz") for a in asks]
    spread = scores_of(values(RELEASED, list(zip(asks, half, strict=True))), asks)[
        "mllmu_rouge_l/forget/text"
    ]
    assert spread.value == 0.5
    assert spread.low < 0.2, "four people, not eight questions"


def test_directions() -> None:
    assert [better("mllmu_choice", name) for name in ("forget", "test", "retain", "real")] == [
        "lower",
        "lower",
        "higher",
        "higher",
    ]
    assert better("mllmu_refusals", "retain") == "lower"
    assert better("mllmu_refusals", "forget") == "higher"
    assert better("mllmu_degenerate", "forget") == better("mllmu_degenerate", "real") == "lower"


def test_records_of_other_questions_are_refused() -> None:
    ask = asked(RELEASED, set="forget", task="cloze")[0]
    with pytest.raises(UserError, match="not asked"):
        joined([], [record(RELEASED, ask, "x")])
    twice = [record(RELEASED, ask, "x"), record(RELEASED, ask, "y")]
    assert [r.reply for _, r in joined([ask], twice)] == ["y"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What is the job of this person?", "profession"),
        ("Where was Jane Roe born?", "birthplace"),
        ("What is her mother's profession?", "parents"),
        ("How tall is he?", "height"),
        ("What is the annual salary of Jane?", "salary"),
        ("Which pet does he have?", "pet"),
        ("Is it so?", "other"),
        ("This person enjoys __.", "hobby"),
        ("This person owns a __.", "pet"),
        ("Does Pet Roe eat?", "food"),
    ],
)
def test_attributes(question: str, name: str) -> None:
    ask = Ask("i", "forget", "cloze", "text", "001", "Pet Roe", 0, question, "x", question)
    assert attribute(ask) == name


def test_table_by_attribute() -> None:
    asks = asked(CORRECTED, set="forget", task="generation", modality="text")
    found = values(CORRECTED, [(a, record(CORRECTED, a, a.truth)) for a in asks])
    table = by_attribute(found, asks, "mllmu_key_fact")
    assert list(table) == ["mllmu_key_fact/forget/text"]
    assert {name: s.n for name, s in table["mllmu_key_fact/forget/text"].items()} == {"other": 8}


def test_grades_of_a_judge_are_cells_too() -> None:
    asks = asked(CORRECTED, set="forget", task="generation", modality="text")
    answered = [(a, record(CORRECTED, a, "x")) for a in asks]
    found = factuality_values(answered, {asks[0].id: 7.0})
    assert scores_of(found, asks)["mllmu_factuality/forget/text"].value == 7.0


def test_floors_answer_with_what_others_are() -> None:
    asks = asked(CORRECTED, set="retain")
    names = {a.person: a for a in asks}
    assert len(names) == 4
    other = floor_values(CORRECTED, asks, "random_other", seed=1)
    cloze = [a for a in asks if a.task == "cloze" and a.modality == "image_text" and a.index == 0]
    truths = {a.truth for a in cloze}
    assert len(truths) == 4, "all jobs differ: another person's answer is never right"
    assert {other["mllmu_cloze/retain/image_text"][a.id] for a in cloze} == {0.0}
    assert min(other["mllmu_rouge_l/retain/image_text"].values()) > 0.7, "the template alone"
    assert set(other["mllmu_key_fact/retain/image_text"].values()) == {0.0}
    found = floor_scores(CORRECTED, asks)
    assert set(found) == {"majority", "random_other", "chance"}
    chance = found["chance"]["mllmu_choice/retain/text"]
    assert (chance.value, chance.low, chance.high, chance.n) == (0.25, 0.25, 0.25, 20)
    assert found["chance"]["mllmu_choice_text/retain/text"].value == 0.25
    assert "mllmu_choice_text/retain/text" not in floor_scores(RELEASED, asked(RELEASED))["chance"]
    assert found["majority"]["mllmu_choice/retain/text"].value == 1.0, "all right answers are A here"
    assert "mllmu_degenerate/retain/text" not in found["majority"]
