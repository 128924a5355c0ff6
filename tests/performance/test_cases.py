"""What each side of a comparison puts through the model, on rows of full length; times are never tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import torch
from performance.cases import CASES
from performance.cases.case import Case, Figures, Outcome, Replies, Step, Unequal, check_equal
from performance.compare import Checked, check
from performance.shapes import THIN
from performance.texts import DEMOS, QUESTIONS, TRAINING

from unsee.packs.cost import Cost

QWEN = replace(THIN, name="thin-qwen", family="qwen", groups=2, image_tokens=64)
prepared: Callable[[str], Case] = cache(lambda name: CASES[name](THIN))


@cache
def checked(name: str) -> Checked:
    """Both sides of a case, which is an error where they are not equal."""
    return check(prepared(name))


@pytest.mark.parametrize("name", CASES)
def test_both_sides_compute_the_same(name: str) -> None:
    equality, ours, peer, _ = checked(name)
    assert equality
    assert not any(value for key, value in equality.items() if key.endswith("_different"))
    assert ours.counters.model_copies == 0, "under an adapter no second model is held"
    assert ours.counters.lm_tokens <= peer.counters.lm_tokens
    assert ours.memory > 0
    assert peer.memory > 0


@pytest.mark.parametrize("name", ["T1", "T2", "T4", "T5", "C1"])
def test_head_rows_are_the_labelled_rows(name: str) -> None:
    assert checked(name).ours.counters.head_rows == prepared(name).labelled_rows


def test_ce_step_reads_answer_positions_only() -> None:
    _, ours, peer, _ = checked("T1")
    mine, theirs = ours.counters, peer.counters
    assert theirs.head_rows == theirs.lm_tokens == mine.lm_tokens  # the same rows; only the logits differ
    assert mine.images_encoded == theirs.images_encoded == len(TRAINING)


def test_kept_states_need_no_reference() -> None:
    _, ours, peer, receipt = checked("T2")
    assert (receipt.forwards, receipt.reference_forwards, ours.counters.images_encoded) == (1, 0, 0)
    assert receipt.row_by_row.reference_forwards == len(TRAINING)
    assert peer.counters.model_copies == receipt.row_by_row.model_copies == 1


def test_all_positions_are_shared() -> None:
    _, ours, peer, receipt = checked("T3")
    assert ours.counters.lm_tokens <= 0.29 * peer.counters.lm_tokens
    # KL: model and reference, cross-entropy: model, all forward and again for the gradient; that is six times
    # the positions of the pack, and still fewer than those of all rows in both models.
    assert ours.counters.head_rows < 0.9 * peer.counters.head_rows
    assert (receipt.reference_forwards, peer.counters.model_copies) == (1, 1)


def test_siu_step_is_packed() -> None:
    _, ours, peer, receipt = checked("T4")
    mine, theirs = ours.counters, peer.counters
    assert mine.lm_tokens <= 0.29 * theirs.lm_tokens
    assert theirs.head_rows == theirs.lm_tokens
    assert (mine.images_encoded, theirs.images_encoded) == (1, 2 * len(TRAINING))  # student and reference
    assert (mine.model_copies, theirs.model_copies) == (0, 1)
    assert receipt.reference_forwards == 1


def test_a_person_is_one_pack() -> None:
    _, ours, peer, _ = checked("T5")
    assert (ours.counters.images_encoded, peer.counters.images_encoded) == (1, len(QUESTIONS))
    assert ours.counters.forwards == 1
    assert ours.counters.lm_tokens <= 0.15 * peer.counters.lm_tokens


def test_open_questions_share_the_picture() -> None:
    equality, ours, peer, _ = checked("E1")
    mine, theirs = ours.counters, peer.counters
    assert (mine.images_encoded, theirs.images_encoded) == (1, 14)
    assert mine.lm_tokens <= 0.21 * theirs.lm_tokens
    assert mine.forwards * len(QUESTIONS) == theirs.forwards  # no reply ends early here
    assert equality["replies_different"] == 0


def test_examples_are_read_once_for_all_questions() -> None:
    _, ours, peer, _ = checked("E2")
    mine, theirs = ours.counters, peer.counters
    assert (mine.images_encoded, theirs.images_encoded) == (2, len(QUESTIONS) * (DEMOS + 1))
    assert mine.lm_tokens <= 0.10 * theirs.lm_tokens


def test_letters_are_scored_without_generating() -> None:
    equality, ours, peer, _ = checked("E3")
    assert ours.counters.forwards == ours.counters.images_encoded == 1
    assert peer.counters.forwards > len(QUESTIONS)
    assert ours.counters.head_rows == len(QUESTIONS)
    assert equality["choices_different"] == 0


def test_options_stand_in_a_tree_of_two_levels() -> None:
    _, ours, peer, _ = checked("E4")
    assert ours.counters.lm_tokens <= 0.05 * peer.counters.lm_tokens
    assert (ours.counters.images_encoded, peer.counters.images_encoded) == (1, 56)
    assert ours.counters.forwards == 1


def test_all_likelihood_metrics_come_from_one_pass() -> None:
    _, ours, peer, _ = checked("E5")
    assert (ours.counters.forwards, peer.counters.forwards) == (1, 7 * len(TRAINING))


def test_one_backward_serves_all_modules() -> None:
    _, ours, peer, _ = checked("F1")
    assert (ours.counters.forwards, peer.counters.forwards) == (2, 4)


def test_kept_pictures_and_a_resident_base() -> None:
    _, ours, peer, _ = checked("C1")
    assert (ours.counters.images_encoded, peer.counters.images_encoded) == (1, 3)
    assert checked("S1").peer.counters.model_copies == 3


@pytest.mark.parametrize("name", ["E1", "E2", "E4", "T5"])
def test_the_receipt_knows_what_one_row_per_text_takes(name: str) -> None:
    """What the receipt says of the other layout is what the other layout did, but for its padding."""
    _, _, peer, receipt = checked(name)
    single, theirs = receipt.row_by_row, peer.counters
    assert single.images_encoded == theirs.images_encoded
    assert single.lm_tokens <= theirs.lm_tokens <= 1.05 * single.lm_tokens
    if name in ("E1", "E2"):
        assert (single.lm_tokens, single.forwards) == (theirs.lm_tokens, theirs.forwards)
        assert single.head_rows == theirs.head_rows


@pytest.mark.parametrize("name", ["T2", "T4", "E1", "E2", "E4"])
def test_three_dimensional_positions_are_no_obstacle(name: str) -> None:
    """The same comparisons on a Qwen2.5-VL with grouped keys and values."""
    found = check(CASES[name](QWEN))
    assert found.ours.counters.lm_tokens < found.peer.counters.lm_tokens
    assert found.ours.counters.images_encoded <= 2 < found.peer.counters.images_encoded


def test_rows_are_as_long_as_with_llava() -> None:
    row = checked("T1").peer.counters.lm_tokens // len(TRAINING)
    assert 576 < row < 660  # the picture, the system sentence, and a question with its answer


@pytest.mark.parametrize("name", ["T1", "T4", "E1"])
def test_each_repetition_is_another_picture(name: str) -> None:
    case = prepared(name)
    first, second, again = (case.ours(number, Cost()) for number in (0, 1, 0))
    check_equal(first, again)
    with pytest.raises(Unequal):
        check_equal(first, second)


@pytest.mark.parametrize("name", ["T4", "F1"])
def test_steps_leave_nothing_behind(name: str) -> None:
    case = prepared(name)
    check_equal(case.peer(1), case.ours(1, Cost()))
    assert all(weight.grad is None for weight in case.vlm.model.parameters())


def test_a_wrong_receipt_is_noticed() -> None:
    case = prepared("T1")

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
    assert check_equal(Step(3.0, step.gradients), step, strict=False)["loss_difference"] == 0.5


def test_a_gradient_that_is_no_number_is_unequal() -> None:
    broken = Step(float("nan"), {"a": torch.tensor([float("nan")])})
    with pytest.raises(Unequal):
        check_equal(broken, Step(1.0, {"a": torch.ones(1)}))
    with pytest.raises(Unequal):
        check_equal(Step(1.0, {"a": torch.ones(1)}), broken)


def test_unequal_replies() -> None:
    replies = Replies(((1,), (2,), (3, 4)))
    assert check_equal(replies, replies) == {"replies": 3, "replies_different": 0, "replies_distinct": 3}
    with pytest.raises(Unequal, match="replies_different is 1"):
        check_equal(Replies(((1,), (2,), (3,))), replies)
    with pytest.raises(Unequal, match="only 1 distinct replies to 3 questions"):
        check_equal(Replies(((1,),) * 3), Replies(((1,),) * 3))


def test_unequal_figures() -> None:
    figures = Figures(((-1.0, -2.0), (-4.0, -3.0)))
    close = Figures(((-1.00001, -2.0), (-4.0, -3.0)))
    found = check_equal(close, figures)
    assert found["figure_difference"] == pytest.approx(1e-5 / 4)
    assert (found["choices"], found["choices_different"]) == (2, 0)
    with pytest.raises(Unequal, match="figure_difference"):
        check_equal(Figures(((-1.1, -2.0), (-4.0, -3.0))), figures)
    with pytest.raises(Unequal, match="choices_different is 1"):
        check_equal(Figures(((-1.0, -2.0), (-1.0, -1.000001))), Figures(((-1.0, -2.0), (-1.000001, -1.0))))
    with pytest.raises(Unequal, match="figures instead of"):
        check_equal(Figures(((1.0,),)), figures)
    with pytest.raises(Unequal, match="only 1 distinct lines"):
        check_equal(Figures(((1.0,),) * 3), Figures(((1.0,),) * 3))
    columns = check_equal(
        Figures(((100.0, 0.5),), choice=False), Figures(((100.0, 0.500001),), choice=False), strict=False
    )
    assert columns == {"figure_difference": pytest.approx(2e-6, rel=1e-3)}
