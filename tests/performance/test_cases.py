"""What each side of a comparison puts through the model, on rows of full length; times are never tested."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from performance.cases import CASES
from performance.cases.case import Case, Outcome, Replies, Step, Unequal, check_equal
from performance.compare import Checked, check
from performance.shapes import THIN
from performance.texts import QUESTIONS, TRAINING

from unsee.packs.cost import Cost


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {name: prepare(THIN) for name, prepare in CASES.items()}


@pytest.fixture(scope="module")
def checked(cases: dict[str, Case]) -> dict[str, Checked]:
    return {name: check(case) for name, case in cases.items()}


def test_ce_step_reads_answer_positions_only(cases: dict[str, Case], checked: dict[str, Checked]) -> None:
    _, ours, peer = checked["T1"]
    assert ours.head_rows == cases["T1"].labelled_rows
    assert peer.head_rows == peer.lm_tokens == ours.lm_tokens  # the same rows; only the logits differ
    assert ours.images_encoded == peer.images_encoded == len(TRAINING)


def test_siu_step_is_packed(cases: dict[str, Case], checked: dict[str, Checked]) -> None:
    _, ours, peer = checked["T4"]
    assert ours.lm_tokens <= 0.29 * peer.lm_tokens
    assert ours.head_rows == cases["T4"].labelled_rows
    assert peer.head_rows == peer.lm_tokens
    assert (ours.images_encoded, peer.images_encoded) == (1, 2 * len(TRAINING))  # student and reference
    assert (ours.model_copies, peer.model_copies) == (0, 1)


def test_open_questions_share_the_picture(checked: dict[str, Checked]) -> None:
    equality, ours, peer = checked["E1"]
    assert (ours.images_encoded, peer.images_encoded) == (1, 14)
    assert ours.lm_tokens <= 0.21 * peer.lm_tokens
    assert ours.forwards * len(QUESTIONS) == peer.forwards  # no reply ends early here
    assert equality["different_replies"] == 0
    assert ours.model_copies == peer.model_copies == 0


def test_every_step_is_equal_to_rounding(checked: dict[str, Checked]) -> None:
    for name in ("T1", "T4"):
        assert 0 < checked[name].equality["gradient_difference"] <= 1e-5


def test_rows_are_as_long_as_with_llava(cases: dict[str, Case], checked: dict[str, Checked]) -> None:
    row = checked["T1"].peer.lm_tokens // len(TRAINING)
    assert 576 < row < 660  # the picture, the system sentence, and a question with its answer


def test_each_repetition_is_another_picture(cases: dict[str, Case]) -> None:
    for case in cases.values():
        first, second, again = (case.ours(number, Cost()) for number in (0, 1, 0))
        check_equal(first, again)
        with pytest.raises(Unequal):
            check_equal(first, second)


def test_steps_leave_nothing_behind(cases: dict[str, Case]) -> None:
    case = cases["T4"]
    check_equal(case.peer(1), case.ours(1, Cost()))
    assert all(weight.grad is None for weight in case.vlm.model.parameters())


def test_a_wrong_receipt_is_noticed(cases: dict[str, Case]) -> None:
    case = cases["T1"]

    def forgetful(number: int, cost: Cost) -> Outcome:
        return case.ours(number, Cost())

    with pytest.raises(Unequal, match="the receipt says 0 lm_tokens, the model saw 25"):
        check(replace(case, ours=forgetful))


def test_unequal_steps() -> None:
    step = Step(2.0, {"a": torch.tensor([3.0, 4.0])})
    same = check_equal(step, Step(2.0, {"a": torch.tensor([3.0, 4.0])}))
    assert same == {"loss_difference": 0.0, "gradient_difference": 0.0}
    with pytest.raises(Unequal, match="loss_difference is 0.5"):
        check_equal(Step(3.0, step.gradients), step)
    with pytest.raises(Unequal, match="gradient_difference is 0.2"):
        check_equal(Step(2.0, {"a": torch.tensor([3.0, 5.0])}), step)
    with pytest.raises(Unequal, match="gradients of"):
        check_equal(Step(2.0, {"b": torch.tensor([3.0, 4.0])}), step)
    with pytest.raises(Unequal, match="the gradient is zero"):
        check_equal(Step(2.0, {"a": torch.zeros(2)}), Step(2.0, {"a": torch.zeros(2)}))


def test_a_gradient_that_is_no_number_is_unequal() -> None:
    broken = Step(float("nan"), {"a": torch.tensor([float("nan")])})
    with pytest.raises(Unequal):
        check_equal(broken, Step(1.0, {"a": torch.ones(1)}))
    with pytest.raises(Unequal):
        check_equal(Step(1.0, {"a": torch.ones(1)}), broken)


def test_unequal_replies() -> None:
    replies = Replies(((1,), (2,), (3, 4)))
    assert check_equal(replies, replies) == {"different_replies": 0, "distinct_replies": 3}
    with pytest.raises(Unequal, match="1 of 3 replies differ"):
        check_equal(Replies(((1,), (2,), (3,))), replies)
    with pytest.raises(Unequal, match="only 1 distinct replies to 3 questions"):
        check_equal(Replies(((1,),) * 3), Replies(((1,),) * 3))
