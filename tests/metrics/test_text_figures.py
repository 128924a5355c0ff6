"""Overlap, likelihood, fluency, diversity and C-Dis against hand-worked numbers."""

import math

import pytest

from unsee.metrics.distance import MAXIMUM, c_dis, name_positions, name_spans, shift
from unsee.metrics.diversity import diversity, diversity_in, repeated_reply_rate, unique_words
from unsee.metrics.fluency import degenerate_rate, fluency_ppl
from unsee.metrics.likelihood import masked_perplexity, mean_logprob, min_k, perplexity
from unsee.metrics.overlap import Overlap, rouge_l, rouge_n, same_content


def test_rouge_by_hand() -> None:
    reply, reference = "the cat sat on the mat", "the cat is on a mat today"
    assert rouge_n(reply, reference) == pytest.approx(Overlap(4 / 6, 4 / 7, 8 / 13))  # the, cat, on, mat
    assert rouge_n(reply, reference, 2) == pytest.approx(Overlap(1 / 5, 1 / 6, 2 / 11))  # the cat
    assert rouge_l(reply, reference) == pytest.approx(Overlap(4 / 6, 4 / 7, 8 / 13))
    assert rouge_l("mat on cat the", "the cat on mat") == pytest.approx(Overlap(1 / 4, 1 / 4, 1 / 4))


def test_reply_first_reference_second() -> None:
    both = rouge_l("a b", "a b c d")
    assert both is not None
    assert (both.precision, both.recall) == (1.0, 0.5)


def test_counts_are_clipped() -> None:
    assert rouge_n("the the the the", "the cat") == pytest.approx(Overlap(1 / 4, 1 / 2, 1 / 3))


def test_non_ascii_letters_are_kept() -> None:
    assert rouge_l("Это Джейн Роу", "Это Джейн Роу") == Overlap(1, 1, 1)
    assert rouge_n("这是猫", "这是狗") == pytest.approx(Overlap(2 / 3, 2 / 3, 2 / 3))
    assert rouge_n("café", "cafe") == Overlap(1, 1, 1)


def test_empty_reply_scores_zero_and_empty_reference_is_absent() -> None:
    assert rouge_l("", "a") == Overlap(0, 0, 0)
    assert rouge_n("", "a") == Overlap(0, 0, 0)
    assert rouge_l("a", "") is None
    assert rouge_n("a", "a", 2) is None


def test_same_content() -> None:
    assert same_content("A red house on a hill.", "On a hill there is a red house")
    assert not same_content("A red house", "A blue car")
    assert not same_content("It is red", "It is not red")
    assert same_content("Yes.", "yes")
    assert not same_content("", "This is Jane")


def test_perplexity_by_hand() -> None:
    assert perplexity([math.log(0.5), math.log(0.125)]) == pytest.approx(4.0)
    assert perplexity([]) is None
    assert perplexity([-math.inf]) == pytest.approx(math.exp(700))
    assert mean_logprob([-1.0, -3.0]) == -2.0
    with pytest.raises(AssertionError, match="not positive"):
        perplexity([2.3])  # a loss, not a log-probability


def test_masked_perplexity_scores_concept_tokens_as_uniform() -> None:
    value = masked_perplexity([math.log(0.5), -0.001], [False, True], vocabulary=8)
    assert value == pytest.approx(math.sqrt(2 * 8))


def test_min_k_keeps_at_least_one_token() -> None:
    assert min_k([-5.0, -1.0], 0.1) == -5.0
    assert min_k([-1.0, -5.0, -3.0, -2.0, -4.0], 0.4) == -4.5
    assert min_k([]) is None


def test_fluency_is_a_geometric_mean() -> None:
    score = fluency_ppl([math.log(0.5), math.log(0.125)])
    assert score is not None
    assert score.value == pytest.approx(4.0)
    assert score.low >= 1
    assert fluency_ppl([]) is None
    extreme = fluency_ppl([-1e9, -1.0])
    assert extreme is not None
    assert math.isfinite(extreme.high)


def test_degenerate_rate_counts_empty_and_gibberish() -> None:
    score = degenerate_rate(["", "aaaaaaaaaa", "This is fine.", "No."])
    assert score is not None
    assert score.value == 0.5
    assert degenerate_rate([]) is None


def test_diversity_readings_by_hand() -> None:
    replies = ["a red cat", "a red cat", "a blue dog"]
    assert unique_words(replies) == 5
    released = diversity_in(replies, "released_code")
    assert released is not None
    assert released.value == 1.0  # the reading that does not see the repeated template
    single, score = diversity(replies, 1), diversity(replies)
    assert single is not None
    assert single.value == pytest.approx(5 / 9)
    assert score is not None
    assert score.value == pytest.approx(4 / 6)
    assert score.low < score.value < score.high


def test_jackknife_by_hand() -> None:
    """Leaving out a reply: {red cat}x1 and others give 4/4, 4/4, 2/4."""
    score = diversity(["a red cat", "a red cat", "a blue dog"])
    assert score is not None
    left = [1.0, 1.0, 0.5]
    mean = sum(left) / 3
    error = math.sqrt(2 / 3 * sum((x - mean) ** 2 for x in left))
    assert score.low == pytest.approx(max(0, 4 / 6 - 1.96 * error))


def test_one_template_is_not_diverse() -> None:
    same = diversity(["I do not know this person."] * 40)
    assert same is not None
    assert same.value < 0.05
    released = diversity_in(["I do not know this person."] * 40, "released_code")
    assert released is not None
    assert released.value == 1.0
    assert repeated_reply_rate(["No.", "no", "Yes."]) == pytest.approx(2 / 3)
    silent = diversity(["", ""])
    assert silent is not None
    assert silent.value == 0
    assert diversity([]) is None


def test_c_dis_by_hand() -> None:
    ref, new = [math.log(0.8), math.log(0.5)], [math.log(0.2), math.log(0.1)]
    assert c_dis(ref, new) == pytest.approx(0.4 * math.log(0.4 / 0.02))
    token = (0.8 * math.log(4) + 0.5 * math.log(5)) / 2
    assert c_dis(ref, new, "token") == pytest.approx(token)
    assert c_dis(ref, new, "first") == pytest.approx(0.8 * math.log(4))
    assert c_dis(ref, ref) == 0
    assert c_dis([], []) is None


def test_c_dis_is_bounded_and_blind_to_what_was_never_known() -> None:
    assert shift(0.0, -math.inf) == pytest.approx(MAXIMUM)
    assert shift(math.log(1e-9), 0.0) < 1e-7


def test_name_positions_are_the_tokens_that_overlap_the_name() -> None:
    answer = "This is Jane Roe."
    offsets = [(0, 4), (4, 7), (7, 10), (10, 12), (12, 16), (16, 17), None]
    assert name_spans(answer, ("Jane Roe", "Roe")) == [(8, 16)]
    assert name_positions(answer, offsets, ("Jane Roe",)) == (2, 3, 4)
    assert name_positions("Janet is here", [(0, 5), (5, 13)], ("Jane",)) == ()
    assert name_positions("", [None], ("Jane",)) == ()
