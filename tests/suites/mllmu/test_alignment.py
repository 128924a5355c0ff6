"""Pairs of picture and text, worked by hand; tests of models against target and gold."""

from __future__ import annotations

import pytest

from unsee.suites.mllmu.alignment import alignment, contraharmonic, gaps, harmonic, pairs_of
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.compare import compare, distances, gate, retrain_distances, standings
from unsee.suites.mllmu.presets import SetName, Task


def asks(name: SetName, task: Task, people: int = 4, poses: int = 1) -> list[Ask]:
    made = []
    for i in range(people):
        for place in range(poses):
            key = f"{name}/{i}/{task}/image_text/0" + (f"/{place}" if poses > 1 else "")
            made.append(Ask(key, name, task, "image_text", str(i), "", 0, "q", "t", "q"))
        made.append(Ask(f"{name}/{i}/{task}/text/0", name, task, "text", str(i), "", 0, "q", "t", "q"))
    return made


def given(
    metric: str, questions: list[Ask], image: list[float], text: list[float]
) -> dict[str, dict[str, float]]:
    shown = [a for a in questions if a.modality == "image_text"]
    told = [a for a in questions if a.modality == "text"]
    return {
        f"{metric}/{questions[0].set}/image_text": {a.id: v for a, v in zip(shown, image, strict=True)},
        f"{metric}/{questions[0].set}/text": {a.id: v for a, v in zip(told, text, strict=True)},
    }


def test_both_right_and_both_wrong() -> None:
    questions = asks("retain", "cloze")
    found = alignment(given("mllmu_cloze", questions, [1, 1, 0, 0], [1, 0, 1, 0]), questions)
    assert found["mllmu_both_right/retain/cloze"].value == 0.25
    assert found["mllmu_both_wrong/retain/cloze"].value == 0.25
    assert found["mllmu_both_right/retain/cloze"].better == "higher"
    assert found["mllmu_both_wrong/retain/cloze"].better == "lower"
    forget = asks("forget", "cloze")
    gone = alignment(given("mllmu_cloze", forget, [0, 0, 0, 1], [0, 0, 1, 1]), forget)
    assert gone["mllmu_both_wrong/forget/cloze"].value == 0.5
    assert gone["mllmu_both_wrong/forget/cloze"].better == "higher"


def test_rlf_and_rlr() -> None:
    assert harmonic(0.5, 1.0) == pytest.approx(2 / 3)
    assert contraharmonic(0.5, 1.0) == pytest.approx(1.25 / 1.5)
    assert harmonic(0.0, 0.0) == contraharmonic(0.0, 0.0) == 0.0
    assert (harmonic(0.0, 0.8), contraharmonic(0.0, 0.8)) == (0.0, pytest.approx(0.8))
    for name, metric, rule in (("retain", "mllmu_rlr", harmonic), ("forget", "mllmu_rlf", contraharmonic)):
        questions = asks(name, "generation", people=2)  # type: ignore[arg-type]
        found = alignment(given("mllmu_rouge_l", questions, [0.5, 0.2], [1.0, 0.4]), questions)
        wanted = (rule(0.5, 1.0) + rule(0.2, 0.4)) / 2
        assert found[f"{metric}/{name}/generation"].value == pytest.approx(wanted)


def test_pictures_of_a_person_are_averaged_before_pairing() -> None:
    questions = asks("test", "cloze", people=2, poses=2)
    values = given("mllmu_cloze", questions, [1, 0, 1, 1], [1, 0])
    assert pairs_of(values, questions, "mllmu_cloze", "test") == {
        "test/0/cloze/0": ("0", 0.5, 1.0),
        "test/1/cloze/0": ("1", 1.0, 0.0),
    }
    values["mllmu_cloze/test/text"].popitem()
    assert list(pairs_of(values, questions, "mllmu_cloze", "test")) == ["test/0/cloze/0"]


def test_the_gap_has_a_paired_test() -> None:
    questions = asks("forget", "cloze", people=6)
    found = gaps(given("mllmu_cloze", questions, [1] * 6, [0] * 6), questions, ["mllmu_cloze"])
    gap = found["mllmu_cloze/forget"]
    assert (gap.gap.value, gap.gap.n) == (1.0, 6)
    assert gap.p == 2 / 2**6
    even = gaps(given("mllmu_cloze", questions, [1, 0] * 3, [1, 0] * 3), questions, ["mllmu_cloze"])
    assert even["mllmu_cloze/forget"].p == 1.0


CELL = "mllmu_cloze/forget/text"


def one_cell(questions: list[Ask], values: list[float]) -> dict[str, dict[str, float]]:
    return {
        CELL: {a.id: v for a, v in zip([a for a in questions if a.modality == "text"], values, strict=True)}
    }


def test_models_against_the_target_are_adjusted_together() -> None:
    questions = asks("forget", "cloze", people=8)
    target = one_cell(questions, [1.0] * 8)
    models = {
        "a": one_cell(questions, [0.0] * 8),
        "b": one_cell(questions, [0.0] * 6 + [1.0] * 2),
        "c": target,
    }
    found = compare(models, target, questions)
    assert {name: test[CELL].difference.value for name, test in found.items()} == {
        "a": -1.0,
        "b": -0.75,
        "c": 0.0,
    }
    raw = {name: test[CELL].p for name, test in found.items()}
    assert raw == {"a": 2 / 256, "b": 2 / 64, "c": 1.0}
    assert {name: test[CELL].adjusted for name, test in found.items()} == {
        "a": 6 / 256,
        "b": 4 / 64,
        "c": 1.0,
    }
    assert found["a"][CELL].difference.high < 0


def test_normalised_forgetting_and_its_room() -> None:
    questions = asks("forget", "cloze", people=40)
    target, gold = one_cell(questions, [1.0] * 40), one_cell(questions, [0.0] * 40)
    half = one_cell(questions, [1.0, 0.0] * 20)
    standing = standings(half, target, gold, questions)[CELL]
    assert standing.value == 0.5
    assert standing.room.value == 1.0
    assert not standing.within_noise
    noisy = one_cell(questions, [1.0, 0.0] * 19 + [1.0, 1.0])
    beside = standings(half, noisy, half, questions)[CELL]
    assert (beside.value, beside.within_noise) == (None, True)
    few = asks("forget", "cloze", people=4)
    weak = standings(
        one_cell(few, [0.0] * 4),
        one_cell(few, [1.0, 1.0, 0.0, 0.0]),
        one_cell(few, [0.0, 0.0, 1.0, 0.0]),
        few,
    )[CELL]
    assert weak.within_noise
    assert weak.value is not None
    assert "mllmu_refusals/forget/text" not in standings(
        {"mllmu_refusals/forget/text": {"x": 1.0}},
        {"mllmu_refusals/forget/text": {"x": 0.0}},
        {"mllmu_refusals/forget/text": {"x": 1.0}},
        [*questions, Ask("x", "forget", "cloze", "text", "9", "", 0, "q", "t", "q")],
    )


def test_the_gate_takes_gold_or_the_best_floor() -> None:
    questions = asks("forget", "cloze", people=30)
    target = one_cell(questions, [1.0] * 30)
    floors = {
        "majority": one_cell(questions, [1.0, 0.0, 0.0] * 10),
        "random_other": one_cell(questions, [0.0] * 30),
    }
    known = gate(target, questions, floors)[CELL]
    assert (known.known, known.floor) == (True, "majority")
    assert known.above.value == pytest.approx(2 / 3)
    by_gold = gate(target, questions, floors, gold=target)[CELL]
    assert (by_gold.known, by_gold.floor) == (False, "gold")
    assert gate({"mllmu_cloze/retain/text": target[CELL]}, questions, floors) == {}


def test_distances_to_gold_beside_those_between_golds() -> None:
    cell = "mllmu_truth_logprob/forget/text"
    gold = {cell: {str(i): float(-i) for i in range(10)}, CELL: {"0": 1.0}}
    far = {cell: {str(i): float(-i - 20) for i in range(10)}, CELL: {"0": 0.0}}
    found = distances(far, gold)
    assert list(found) == [cell]
    assert (found[cell].ks, found[cell].wasserstein, found[cell].n) == (1.0, 20.0, (10, 10))
    floor = retrain_distances([gold, gold, far])
    assert [d.wasserstein for d in floor[cell]] == [0.0, 20.0, 20.0]
    assert retrain_distances([]) == {}
