"""Sampled replies: drawn from the model's distribution, the same for every size of a batch."""

import random

import pytest
import torch

from tests.answering.test_answer import questions
from tests.packs.plain import processor_inputs
from tests.tiny import build
from unsee.answering import Sampling, answer
from unsee.answering import sampling as room
from unsee.answering.sampling import chooser
from unsee.nouns import Question, UserError

LOGITS = torch.tensor([0.5, 0.3, 0.2]).log()
SLOT = torch.zeros(1, 1, dtype=torch.long)


def drawn(sampling, count=3000, logits=LOGITS):
    choose = chooser(sampling, ["q"])
    return [int(choose(logits[None, None], SLOT)[0]) for _ in range(count)]


def shares(found):
    return [found.count(i) / len(found) for i in range(3)]


def test_tokens_are_drawn_as_often_as_the_model_says():
    assert shares(drawn(Sampling())) == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_temperature_flattens():
    roots = [0.5**0.5, 0.3**0.5, 0.2**0.5]
    expected = [root / sum(roots) for root in roots]
    assert shares(drawn(Sampling(temperature=2.0))) == pytest.approx(expected, abs=0.03)
    assert shares(drawn(Sampling(temperature=0.01), 50)) == [1, 0, 0]


def test_banned_ids_are_never_said_and_the_others_share():
    assert shares(drawn(Sampling(banned=frozenset({0})))) == pytest.approx([0, 0.6, 0.4], abs=0.03)


def test_a_share_of_one_meets_no_banned_id(monkeypatch):
    monkeypatch.setattr(room.random.Random, "random", lambda self: 0.0)
    assert drawn(Sampling(banned=frozenset({2})), 1) == [1]


def test_log_probabilities_are_those_of_the_model_itself():
    choose = chooser(Sampling(temperature=3.0, banned=frozenset({0, 1})), ["q"])
    token, logprob = choose(LOGITS[None, None] + 7, SLOT)
    assert (int(token), float(logprob)) == (2, pytest.approx(LOGITS[2].item()))


def test_without_sampling_the_best_token_is_taken_and_of_equal_ones_the_first():
    token, logprob = chooser(None, ["q"])(torch.tensor([0.0, 2.0, 2.0])[None, None], SLOT)
    assert int(token) == 1
    assert float(logprob) == pytest.approx(2 - torch.tensor([0.0, 2.0, 2.0]).logsumexp(0).item())


def test_empty_slots_take_no_chance_from_the_questions():
    logits = LOGITS.expand(1, 2, 3)
    with_empty = chooser(Sampling(), ["q"])(logits, torch.tensor([[-1, 0]]))[0][0, 1]
    assert int(with_empty) == drawn(Sampling(), 1)[0]


@pytest.mark.parametrize("temperature", [0, -1.0, float("inf"), float("nan")])
def test_temperatures_that_are_none_are_refused(temperature):
    with pytest.raises(UserError, match="temperature"):
        Sampling(temperature=temperature)


def plain(vlm, question, sampling, new_tokens):
    """Token by token with the stock forward pass, the whole text anew each time."""
    inputs = processor_inputs(vlm, question.prompt, question.picture, None)
    chance, found = random.Random(f"{sampling.seed} {question.id}"), []
    while len(found) < new_tokens:
        more = torch.tensor([found], dtype=torch.long)
        ids = torch.cat([inputs["input_ids"], more], dim=1)
        with torch.no_grad():
            logits = vlm.model(**{**inputs, "input_ids": ids, "attention_mask": torch.ones_like(ids)}).logits
        odds = (logits[0, -1].double() / sampling.temperature).softmax(0).tolist()
        odds = [0.0 if i in sampling.banned else p for i, p in enumerate(odds)]
        left = (1 - chance.random()) * sum(odds)
        token = next(i for i in range(len(odds)) if sum(odds[: i + 1]) >= left)
        if token in vlm.chat.end_ids:
            break
        found.append(token)
    return found


def test_replies_equal_plain_sampling_one_by_one():
    vlm = build("llava")
    sampling = Sampling(temperature=0.8, seed=5, banned=frozenset(range(40, 60)))
    asked = questions()[:4]
    replies = answer(vlm, asked, max_new_tokens=6, sampling=sampling)
    assert [list(reply.tokens) for reply in replies] == [plain(vlm, q, sampling, 6) for q in asked]
    assert not {token for reply in replies for token in reply.tokens} & sampling.banned


def test_the_size_of_a_batch_and_other_questions_do_not_change_a_reply(vlm):
    asked = questions()
    together = answer(vlm, asked, max_new_tokens=8, sampling=Sampling())
    for size in (1, 4):
        replies = answer(vlm, asked, max_new_tokens=8, batch_size=size, sampling=Sampling())
        assert [reply.tokens for reply in replies] == [reply.tokens for reply in together]
    alone = answer(vlm, asked[3:4], max_new_tokens=8, sampling=Sampling())
    assert alone[0].tokens == together[3].tokens


def test_the_same_question_under_other_ids_and_seeds_is_answered_anew():
    vlm, one = build("llava"), questions()[0]
    many = [Question(f"again-{i}", one.prompt, one.kind, one.picture) for i in range(5)]
    replies = [reply.tokens for reply in answer(vlm, many, max_new_tokens=6, sampling=Sampling())]
    assert len(set(replies)) == 5
    other = answer(vlm, many, max_new_tokens=6, sampling=Sampling(seed=1))
    assert not set(replies) & {reply.tokens for reply in other}
