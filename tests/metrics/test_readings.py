"""Fluency, Diversity and C-Dis in their three readings, by hand, defects included."""

from __future__ import annotations

import math

import pytest

from unsee.metrics.distance import NameLogprobs, concept_distance
from unsee.metrics.diversity import diversity_in
from unsee.metrics.fluency import CAP, ScoredText, fluency
from unsee.metrics.specificity import specificity
from unsee.metrics.stats import make_score
from unsee.metrics.variants import Variant
from unsee.nouns import Score

HALF, TENTH = math.log(0.5), math.log(0.1)


def value(score: Score | None) -> float:
    assert score is not None
    return score.value


# --- fluency ---------------------------------------------------------------------------------------------


def test_corrected_is_the_geometric_mean_of_its_own_replies() -> None:
    texts = [ScoredText([HALF, HALF]), ScoredText([TENTH]), ScoredText([])]
    score = fluency(texts)
    assert score is not None
    assert (score.value, score.n) == (pytest.approx(math.sqrt(2 * 10)), 2)


def test_paper_scores_the_name_as_uniform() -> None:
    texts = [ScoredText([HALF, -0.001], [False, True]), ScoredText([HALF, HALF])]
    expected = (math.sqrt(2 * 8) + 2) / 2
    assert value(fluency(texts, "paper", vocabulary=8)) == pytest.approx(expected)


def test_released_code_leaves_the_name_out() -> None:
    texts = [ScoredText([HALF, TENTH], [False, True]), ScoredText([TENTH], [True])]
    assert value(fluency(texts, "released_code")) == pytest.approx(2.0)  # the second has nothing left


def test_perplexity_of_the_prompt_does_not_see_gibberish() -> None:
    """The released reading scores the question: what is answered to it changes nothing."""
    prompt = ScoredText([HALF] * 6)
    fine, broken = ScoredText([HALF] * 4), ScoredText([math.log(1e-6)] * 4)
    assert value(fluency([prompt], "released_code")) == pytest.approx(2.0)  # whichever answer follows
    assert value(fluency([broken], "corrected")) > 1e5 * value(fluency([fine], "corrected"))


def test_infinite_perplexity_is_capped() -> None:
    score = fluency([ScoredText([-1e9]), ScoredText([HALF])], "released_code")
    assert value(score) == pytest.approx(CAP / 2)
    assert fluency([], "paper", vocabulary=8) is None
    assert fluency([ScoredText([])], "released_code") is None


# --- diversity -------------------------------------------------------------------------------------------


def test_one_template_is_perfect_in_the_released_reading_only() -> None:
    same = ["I do not know this person."] * 40
    assert 100 * value(diversity_in(same, "released_code")) == 100
    assert value(diversity_in(same, "paper")) == 6
    assert value(diversity_in(same, "corrected")) < 0.05


def test_diversity_readings_by_hand() -> None:
    replies = ["a cat, a cat", "The dog the dog", ""]
    # At white space, as spelt: {a, "cat,", cat} of 4, {The, dog, the} of 4, and 0 for the empty reply.
    assert value(diversity_in(replies, "released_code")) == pytest.approx((3 / 4 + 3 / 4 + 0) / 3)
    assert value(diversity_in(replies, "paper")) == 4
    assert value(diversity_in(replies)) == pytest.approx(4 / 6)  # a cat, cat a; the dog, dog the
    assert all(diversity_in([], reading) is None for reading in ("paper", "released_code", "corrected"))


# --- C-Dis -----------------------------------------------------------------------------------------------


def test_c_dis_readings_by_hand() -> None:
    ref = NameLogprobs([math.log(0.8), HALF], [[HALF, TENTH], [HALF, HALF]])
    new = NameLogprobs([math.log(0.2), TENTH], [[TENTH, HALF], [HALF, TENTH]])
    whole = 0.4 * math.log(0.4 / 0.02)
    assert concept_distance(ref, new) == pytest.approx(whole)
    assert concept_distance(ref, new, "paper") == pytest.approx(-whole)
    first = abs(0.5 * math.log(5) - 0.1 * math.log(5))  # a gain at one position hides a loss at another
    second = 0.5 * math.log(5)
    assert concept_distance(ref, new, "released_code") == pytest.approx((first + second) / 2)


def test_c_dis_is_clamped_and_absent_without_input() -> None:
    for reading in ("paper", "released_code", "corrected"):
        assert concept_distance(NameLogprobs(), NameLogprobs(), reading) is None  # type: ignore[arg-type]
    gone = concept_distance(NameLogprobs([0.0], [[0.0]]), NameLogprobs([-1e9], [[-1e9]]), "released_code")
    assert gone == pytest.approx(-math.log(1e-10))


def test_c_dis_as_released_needs_the_same_positions() -> None:
    """A model that is told an instruction first reads a longer prompt."""
    ref, new = NameLogprobs([HALF], [[HALF, HALF]]), NameLogprobs([TENTH], [[HALF, HALF, HALF]])
    assert concept_distance(ref, new, "released_code") is None
    assert concept_distance(ref, new) is not None


# --- specificity -----------------------------------------------------------------------------------------


def test_specificity_names_its_suites() -> None:
    parts = {"pope": make_score(0.8, 0.7, 0.9, 100, "higher", None)}
    parts["mme"] = make_score(0.6, 0.6, 0.6, 50, "higher", None)
    found = specificity(parts)
    assert found is not None
    assert found.over == ("mme", "pope")
    assert found.score.value == pytest.approx(0.7)
    assert (found.score.low, found.score.high, found.score.n) == (
        pytest.approx(0.65),
        pytest.approx(0.75),
        150,
    )
    assert specificity({}) is None


@pytest.mark.parametrize("variant", ["paper", "released_code"])
def test_no_interval_of_perplexities_goes_below_one(variant: Variant) -> None:
    """Perplexities 1 and 2: 1.5 -+ 12.706 * 0.7071 / sqrt(2) would begin at -4.85."""
    score = fluency([ScoredText([0.0]), ScoredText([HALF])], variant, vocabulary=8)
    assert score is not None
    assert (score.value, score.low, score.high) == pytest.approx((1.5, 1.0, 7.853), abs=1e-3)
