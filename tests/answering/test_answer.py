"""Replies equal those of ``generate`` one by one, token for token, on every family."""

from __future__ import annotations

import pytest
import torch

from tests.packs.plain import processor_inputs
from tests.tiny import build, picture
from unsee.answering import answer
from unsee.models.load import VLM
from unsee.nouns import Picture, Question, Reply, UserError
from unsee.packs.cost import Cost

PROMPTS = [
    (1, "Who is this person?"),
    (None, "Where does Jane Roe live?"),
    (2, "Is this Jane Roe? Answer with yes or no."),
    (1, "Describe the picture."),
    (2, "What?"),
    (None, "Name an actor."),
    (1, "What is the name of the person in the picture? I do not know this person at all."),
    (None, "Is she in front of a blue wall, with long red hair and round glasses? Yes or no."),
    (1, "Who is this person?"),
]


def questions() -> list[Question]:
    shown: dict[int | None, Picture | None] = {None: None, 1: picture(1), 2: picture(2)}
    return [Question(str(i), prompt, "open", shown[key]) for i, (key, prompt) in enumerate(PROMPTS)]


def generated(vlm: VLM, question: Question, new_tokens: int) -> tuple[list[int], float]:
    """Tokens by the library's own ``generate``, end token included, and their mean log-probability."""
    inputs = processor_inputs(vlm, question.prompt, question.picture, None)
    out = vlm.model.generate(
        **inputs,
        do_sample=False,
        max_new_tokens=new_tokens,
        eos_token_id=list(vlm.chat.end_ids),
        pad_token_id=0,
        return_dict_in_generate=True,
        output_logits=True,
    )
    tokens = out.sequences[0, inputs["input_ids"].shape[1] :]
    logp = torch.log_softmax(torch.stack(out.logits)[:, 0].float(), dim=-1)
    return tokens.tolist(), float(logp.gather(1, tokens[:, None]).mean())


def with_end_tokens(vlm: VLM, replies: list[Reply]) -> None:
    """Make a frequent token an end token, so that replies end at different lengths."""
    tokens = [token for reply in replies for token in reply.tokens[2:]]
    common = max(set(tokens), key=tokens.count)
    vlm.chat._ends = (*vlm.chat.end_ids, common)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_batched_replies_equal_generate_one_by_one(vlm: VLM, batch_size: int) -> None:
    asked = questions()
    with_end_tokens(vlm, answer(vlm, asked, max_new_tokens=12))
    replies = answer(vlm, asked, max_new_tokens=12, batch_size=batch_size)
    assert len({reply.tokens for reply in replies}) > len(PROMPTS) // 2, "the test model answers all alike"
    assert {reply.truncated for reply in replies} == {True, False}
    for question, reply in zip(asked, replies, strict=True):
        tokens, mean = generated(vlm, question, 12)
        assert list(reply.tokens) == [t for t in tokens if t not in vlm.chat.end_ids]
        assert reply.truncated == (tokens[-1] not in vlm.chat.end_ids)
        assert reply.mean_logprob == pytest.approx(mean, abs=1e-4)
        assert reply.text == vlm.tokenizer.decode(reply.tokens, skip_special_tokens=True).strip()


def test_a_picture_and_its_prefix_are_computed_once() -> None:
    vlm = build("llava")
    asked = [Question(str(i), f"Question {i}: who?", "open", picture(1)) for i in range(14)]
    together, apart = Cost(), Cost()
    answer(vlm, asked, max_new_tokens=1, cost=together)
    for question in asked:
        answer(vlm, [question], max_new_tokens=1, cost=apart)
    assert (together.images_encoded, apart.images_encoded) == (1, 14)
    assert (together.forwards, apart.forwards) == (1, 14)
    assert together.head_rows == apart.head_rows == 14
    assert together.lm_tokens < apart.lm_tokens / 2
    assert together.seconds > 0
    assert together.peak_memory > 0


def test_a_picture_whose_questions_fill_several_packs_is_encoded_once() -> None:
    vlm, cost = build("llava"), Cost()
    asked = [Question(str(i), f"Question {i}: who?", "open", picture(i % 2)) for i in range(10)]
    answer(vlm, asked, max_new_tokens=2, batch_size=2, cost=cost)
    assert cost.images_encoded == 2


def test_a_runaway_reply_is_cut_and_says_so() -> None:
    vlm = build("llava")
    with torch.no_grad():
        vlm.model.lm_head.weight.zero_()
    reply = answer(vlm, questions()[:1], max_new_tokens=5)[0]
    assert reply.tokens == (0,) * 5
    assert reply.truncated
    assert reply.mean_logprob == pytest.approx(-torch.log(torch.tensor(float(len(vlm.tokenizer)))).item())


def test_an_empty_reply() -> None:
    vlm = build("llava")
    vlm.chat._ends = tuple(range(len(vlm.tokenizer)))
    reply = answer(vlm, questions()[:1])[0]
    assert (reply.text, reply.tokens, reply.truncated) == ("", (), False)
    assert reply.mean_logprob < 0


def test_blind_questions_are_asked_without_their_picture(vlm: VLM) -> None:
    asked, cost = questions(), Cost()
    blind = answer(vlm, asked, max_new_tokens=6, blind=True, cost=cost)
    text = [Question(q.id, q.prompt, q.kind) for q in asked]
    assert blind == answer(vlm, text, max_new_tokens=6)
    assert cost.images_encoded == 0
    assert blind != answer(vlm, asked, max_new_tokens=6)


def test_replies_are_handed_over_as_they_come() -> None:
    vlm, seen = build("llava"), {}
    replies = answer(
        vlm, questions(), max_new_tokens=3, batch_size=2, on_reply=lambda i, reply: seen.update({i: reply})
    )
    assert [seen[i] for i in range(len(replies))] == replies


def test_the_training_mode_of_every_module_comes_back(vlm: VLM) -> None:
    vlm.model.train()
    vlm.model.lm_head.eval()
    before = [module.training for module in vlm.model.modules()]
    answer(vlm, questions(), max_new_tokens=2)
    assert [module.training for module in vlm.model.modules()] == before
    assert torch.is_grad_enabled()


def test_dropout_does_not_touch_replies() -> None:
    vlm = build("llava")
    expected = answer(vlm, questions(), max_new_tokens=4)
    for module in vlm.model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.5
    vlm.model.train()
    assert answer(vlm, questions(), max_new_tokens=4) == expected


def test_half_precision(vlm: VLM) -> None:
    vlm.model.to(torch.bfloat16)
    replies = answer(vlm, questions(), max_new_tokens=4)
    assert all(len(reply.tokens) <= 4 and reply.mean_logprob <= 0 for reply in replies)


def test_no_questions() -> None:
    assert answer(build("llava"), []) == []


@pytest.mark.parametrize("name", ["max_new_tokens", "batch_size"])
def test_numbers_below_one_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=name):
        answer(build("llava"), questions(), **{name: 0})
