"""Likelihoods of given answers equal those of one row per answer."""

from __future__ import annotations

import math

import pytest
import torch

from tests.answering.test_answer import questions
from tests.packs.plain import plain_forward, plain_logp
from tests.packs.test_exact import examples
from tests.packs.test_tables import with_adapter
from tests.tiny import FAMILIES, build, picture
from unsee.answering import answer, choose, next_tokens, score
from unsee.models.load import VLM
from unsee.nouns import Question, UserError
from unsee.packs.cost import Cost
from unsee.packs.rows import make_rows

OPTIONS = ("Jane Roe", "a woman in Paris with glasses", "No", "I do not know")


def test_scores_equal_one_row_per_answer(vlm: VLM) -> None:
    samples = examples()
    scores = score(vlm, [(s.prompt, s.answer, s.picture) for s in samples])
    for row, sample, found in zip(make_rows(vlm, samples), samples, scores, strict=True):
        with torch.no_grad():
            expected = plain_logp(vlm, row, sample.prompt, sample.answer)
        assert found.logprobs == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-4)
        assert found.mean == pytest.approx(float(expected.mean()), rel=1e-4)
        assert found.total == pytest.approx(float(expected.sum()), rel=1e-4)


def test_all_statistics_come_from_the_same_pass(vlm: VLM) -> None:
    samples, plain, full = examples(), Cost(), Cost()
    pairs = [(s.prompt, s.answer, s.picture) for s in samples]
    expected = score(vlm, pairs, cost=plain)
    scores = score(vlm, pairs, statistics=True, orders=(0.5, math.inf), cost=full)
    assert (full.lm_tokens, full.forwards, full.head_rows) == (
        plain.lm_tokens,
        plain.forwards,
        plain.head_rows,
    )
    for row, sample, found, bare in zip(make_rows(vlm, samples), samples, scores, expected, strict=True):
        assert (found.logprobs, found.text) == (bare.logprobs, row.text)
        assert bare.best == bare.means == bare.variances == ()
        assert bare.entropies == {}
        with torch.no_grad():
            logits = plain_forward(vlm, row, sample.prompt, sample.answer).logits[0].double()
        for t, position in enumerate(range(row.answer_start - 1, len(row.ids) - 1)):
            log_p = torch.log_softmax(logits[position], dim=0)
            p = log_p.exp()
            mean = float((p * log_p).sum())
            assert found.best[t] == (int(log_p.argmax()) == row.ids[position + 1])
            assert found.means[t] == pytest.approx(mean, abs=1e-4)
            assert found.entropies[0.5][t] == pytest.approx(2 * math.log(float(p.sqrt().sum())), abs=1e-4)
            assert found.entropies[math.inf][t] == pytest.approx(-float(log_p.max()), abs=1e-4)
            assert found.variances[t] == pytest.approx(float((p * log_p**2).sum()) - mean**2, rel=1e-3)


def choices() -> list[Question]:
    return [
        Question(str(i), f"{i}: Who is this?", "choice", picture(i % 2) if i < 4 else None, options=OPTIONS)
        for i in range(6)
    ]


@pytest.mark.parametrize("by", ["mean", "total"])
def test_the_likeliest_option_is_chosen(vlm: VLM, by: str) -> None:
    asked = choices()
    expected = []
    for question in asked:
        scores = [score(vlm, [(question.prompt, option, question.picture)])[0] for option in OPTIONS]
        values = [getattr(s, by) for s in scores]
        expected.append(values.index(max(values)))
    assert choose(vlm, asked, by=by) == expected


def test_options_are_scored_in_one_pass_per_picture() -> None:
    vlm, packed, single = build("llava"), Cost(), Cost()
    asked = choices()[:4]
    choose(vlm, asked, cost=packed)
    for question in asked:
        for option in OPTIONS:
            score(vlm, [(question.prompt, option, question.picture)], cost=single)
    assert (packed.images_encoded, single.images_encoded) == (2, 16)
    assert packed.forwards == 1
    assert packed.lm_tokens < 0.4 * single.lm_tokens


def test_a_question_without_options_is_refused() -> None:
    with pytest.raises(UserError, match="options"):
        choose(build("llava"), questions()[:1])


def test_nothing_to_score() -> None:
    assert score(build("llava"), []) == []


def test_an_adapter_changes_replies_and_scores_and_adapter_off_restores_them(vlm: VLM) -> None:
    asked, pairs = questions(), [(s.prompt, s.answer, s.picture) for s in examples()]
    before = answer(vlm, asked, max_new_tokens=4), score(vlm, pairs)
    adapted = with_adapter(vlm)
    assert answer(adapted, asked, max_new_tokens=4) != before[0]
    assert score(adapted, pairs) != before[1]
    with adapted.adapter_off():
        assert answer(adapted, asked, max_new_tokens=4) == before[0]
        assert score(adapted, pairs) == before[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_letters_are_read_from_one_row_per_prompt(family: str) -> None:
    vlm, cost = build(family), Cost()
    prompts = [("Who is this?\nA: Jane\nB: Roe", picture(1)), ("Which?", None), ("Who? A or B", picture(1))]
    found = next_tokens(vlm, prompts, "ABCD", cost=cost)
    assert found is not None
    for (prompt, shown), line in zip(prompts, found, strict=True):
        scored = [score(vlm, [(prompt, letter, shown)])[0] for letter in "ABCD"]
        alone = [one.logprobs[sum(one.text) - 1] for one in scored]
        assert line == pytest.approx(alone, abs=1e-4)
    assert cost.head_rows == len(prompts)
    assert cost.images_encoded == 1
    assert next_tokens(vlm, prompts, ["A", "Jane Roe lives here"]) is None
    assert next_tokens(vlm, prompts, ["A", "A"]) is None
    assert next_tokens(vlm, [], "AB") == []


def test_answers_that_differ_in_several_tokens_are_not_letters() -> None:
    assert next_tokens(build("llava"), [("Who?", None)], ["Jane Roe", "Paris"]) is None
