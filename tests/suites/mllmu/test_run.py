"""Asking a tiny model: what the released code would have read, and likelihoods without generation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from tests.models.test_raw import MARKS
from tests.suites.mllmu.people import benchmark
from tests.tiny import build
from unsee.answering import score
from unsee.models.load import VLM
from unsee.nouns import Record, UserError
from unsee.packs.cost import Cost
from unsee.suites.mllmu import run as run_module
from unsee.suites.mllmu.asks import Ask, protocol, under
from unsee.suites.mllmu.presets import PRESETS
from unsee.suites.mllmu.run import ask_all, portions

DATA = benchmark(forget=2, retain=3, real=2, poses=2)


def released_reply(vlm: VLM, ask: Ask) -> str:
    """One question as the release asks it: processor, generate, decode from the third token, split."""
    text = ask.prompt.replace("<image>", MARKS[vlm.name.removeprefix("tiny-")])
    images = {"images": [[p.read() for p in ask.pictures]]} if ask.pictures else {}
    inputs = vlm.processor(text=[text], return_tensors="pt", **images)
    with torch.no_grad():
        out = vlm.model.generate(
            **inputs,
            max_new_tokens=ask.max_new_tokens,
            do_sample=False,
            eos_token_id=list(vlm.chat.end_ids),
            pad_token_id=0,
        )
    decoded = vlm.tokenizer.decode(out[0][2:], skip_special_tokens=True)
    return str(decoded.split("ASSISTANT:")[1].strip())


def some(asks: Sequence[Ask]) -> list[Ask]:
    """One question of each task and modality."""
    return list({(a.task, a.modality): a for a in asks}.values())


@pytest.mark.parametrize("family", ["llava", "idefics3"])
def test_replies_are_those_of_the_release(family: str) -> None:
    vlm, preset = build(family), PRESETS["release-2503"]
    vlm.chat.context = None
    # Two people's cloze questions are left out: of 2 people nobody would be left.
    asks = some(protocol(DATA, preset, family, sets=["retain"]).asks)
    assert len(asks) == 6
    assert max(len(a.pictures) for a in asks) > 1
    for record, ask in zip(by_order(ask_all(vlm, preset, asks, "target"), asks), asks, strict=True):
        assert record.reply == released_reply(vlm, ask), ask.id


def by_order(records: list[Record], asks: Sequence[Ask]) -> list[Record]:
    found = {r.question: r for r in records}
    assert len(found) == len(records) == len(asks)
    return [found[a.id] for a in asks]


def test_mmunlearner_reads_only_what_was_generated() -> None:
    vlm, preset = build("llava"), PRESETS["mmunlearner-0shot"]
    asks = [a for a in some(protocol(DATA, preset, "llava").asks) if a.task == "generation"]
    for record, ask in zip(by_order(ask_all(vlm, preset, asks, "target"), asks), asks, strict=True):
        assert record.reply.strip() == released_reply(vlm, ask)


def test_every_picture_is_encoded_once_and_no_option_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, preset, cost = build("llava"), PRESETS["corrected"], Cost()
    asks = protocol(DATA, preset, "llava", sets=["forget", "test"], limit=1, max_new_tokens=4).asks
    spoken: list[str] = []
    real = run_module.answer
    monkeypatch.setattr(
        run_module,
        "answer",
        lambda vlm, questions, **more: spoken.extend(q.id for q in questions) or real(vlm, questions, **more),
    )
    records = ask_all(vlm, preset, asks, "target", cost=cost, size=20)
    assert sorted(r.question for r in records) == sorted(a.id for a in asks)
    pictures = {p.hash for a in asks for p in a.pictures}
    assert cost.images_encoded == len(pictures) == 1 + 2
    assert sorted(spoken) == sorted(a.id for a in asks if a.task != "choice")


def test_pictures_of_examples_are_encoded_once_too() -> None:
    vlm, preset, cost = build("llava"), PRESETS["mmunlearner-1shot"], Cost()
    asks = [a for a in protocol(DATA, preset, "llava", sets=["retain"]).asks if a.task == "cloze"]
    ask_all(vlm, preset, asks, "target", cost=cost, size=2)
    assert cost.images_encoded == len({p.hash for a in asks for p in a.pictures}) == 3


def test_options_by_likelihood_over_all_orders() -> None:
    vlm, preset = build("llava"), PRESETS["corrected"]
    asks = [a for a in protocol(DATA, preset, "llava", sets=["forget"]).asks if a.task == "choice"][3:7]
    for record, ask in zip(by_order(ask_all(vlm, preset, asks, "target"), asks), asks, strict=True):
        texts = list(ask.options.values())
        chances = dict.fromkeys(texts, 0.0)
        tops = []
        for turn in range(4):
            shown = texts[turn:] + texts[:turn]
            lines = "".join(f"\n{letter}: {text}" for letter, text in zip("ABCD", shown, strict=True))
            prompt = f"{ask.question}{lines}\nAnswer with the letter of the right option."
            logs = [2 * letter_logprob(vlm, prompt, letter, ask) for letter in "ABCD"]  # two tokens each
            total = math.log(sum(math.exp(value) for value in logs))
            for text, value in zip(shown, logs, strict=True):
                chances[text] += (value - total) / 4
            tops.append(logs.index(max(logs)))
        best = max(texts, key=lambda text: chances[text])
        assert record.scores["option"] == texts.index(best)
        right = ask.options[ask.truth]
        wrong = max(chances[text] for text in texts if text != right)
        assert record.scores["margin"] == pytest.approx(chances[right] - wrong, abs=1e-4)
        assert [record.scores[f"placed_{i}"] for i in range(4)] == [tops.count(i) / 4 for i in range(4)]
        assert record.scores["turn0_option"] == tops[0]
        by_text = [letter_logprob(vlm, ask.question, text, ask) for text in texts]
        assert record.scores["text_option"] == by_text.index(max(by_text))
        assert record.reply == f"{'ABCD'[texts.index(best)]}: {best}"
        assert record.status == ("correct" if best == right else "incorrect")


def test_without_letters_the_option_texts_are_the_same_and_the_work_is_less() -> None:
    vlm, whole, texts = build("llava"), PRESETS["corrected"], PRESETS["corrected-texts"]
    asks = [a for a in protocol(DATA, whole, "llava", sets=["forget"]).asks if a.task == "choice"][3:7]
    assert protocol(DATA, texts, "llava").asks == protocol(DATA, whole, "llava").asks
    assert protocol(DATA, texts, "llava").hash != protocol(DATA, whole, "llava").hash
    costs = Cost(), Cost()
    both = by_order(ask_all(vlm, whole, asks, "target", cost=costs[0]), asks)
    alone = by_order(ask_all(vlm, texts, asks, "target", cost=costs[1]), asks)
    for with_letters, record, ask in zip(both, alone, asks, strict=True):
        assert set(record.scores) == {"text_option", "text_margin", "truth_ratio"}
        told = {key: letter_logprob(vlm, ask.question, text, ask) for key, text in ask.options.items()}
        wrong = [value for key, value in told.items() if key != ask.truth]
        expected = math.exp(sum(wrong) / len(wrong) - told[ask.truth])
        assert record.scores["truth_ratio"] == pytest.approx(expected, rel=1e-3)
        assert record.scores["text_option"] == with_letters.scores["text_option"]
        assert record.scores["text_margin"] == pytest.approx(with_letters.scores["text_margin"], abs=1e-5)
        chosen = "ABCD"[int(record.scores["text_option"])]
        assert record.reply == f"{chosen}: {ask.options[chosen]}"
        assert record.status == ("correct" if chosen == ask.truth else "incorrect")
    assert 2 * costs[1].lm_tokens < costs[0].lm_tokens


def letter_logprob(vlm: VLM, prompt: str, answer: str, ask: Ask) -> float:
    """Mean log-probability of the answer's tokens, its end of turn left out, scored alone."""
    logprobs = score(vlm, [(prompt, answer, ask.picture)])[0].logprobs[:-1]
    return sum(logprobs) / len(logprobs)


def test_truths_have_a_likelihood_under_corrected() -> None:
    vlm, preset = build("llava"), PRESETS["corrected"]
    asks = [
        a
        for a in protocol(DATA, preset, "llava", sets=["forget"], max_new_tokens=3).asks
        if a.task != "choice"
    ]
    for record, ask in zip(by_order(ask_all(vlm, preset, asks[:4], "gold"), asks[:4]), asks[:4], strict=True):
        alone = score(vlm, [(ask.prompt, ask.truth, ask.picture)])[0].logprobs[:-1]
        assert record.scores["truth_logprob"] == pytest.approx(sum(alone) / len(alone), abs=1e-4)
        assert record.model == "gold"


def test_a_stopped_run_goes_on_and_ends_with_the_same_records() -> None:
    vlm, preset = build("llava"), PRESETS["corrected"]
    asks = protocol(DATA, preset, "llava", sets=["forget"], max_new_tokens=3).asks
    seen: list[list[Record]] = []
    whole = ask_all(vlm, preset, asks, "target", on_records=seen.append, size=12)
    assert len(seen) > 2
    done = {r.question for r in whole[:17]}
    rest = ask_all(vlm, preset, asks, "target", done=done, size=12)
    assert rest == whole[17:]


def test_portions_keep_questions_about_a_picture_together() -> None:
    asks = protocol(DATA, PRESETS["corrected"], "llava").asks
    found = list(portions(asks, 20))
    assert sorted(a.id for part in found for a in part) == sorted(a.id for a in asks)
    homes: dict[str, set[int]] = {}
    for i, part in enumerate(found):
        for ask in part:
            if ask.picture is not None:
                homes.setdefault(ask.picture.hash, set()).add(i)
    assert {len(where) for where in homes.values()} == {1}


def test_a_protocol_that_does_not_fit_is_not_asked() -> None:
    vlm, preset = build("llava"), PRESETS["release-2411"]
    asks = protocol(DATA, preset, "llava", sets=["retain"]).asks
    vlm.chat.context = 900
    with pytest.raises(UserError, match="do not fit"):
        ask_all(vlm, preset, asks, "target", on_records=lambda records: pytest.fail("asked"))


def test_control_conditions_are_asked_too() -> None:
    vlm, preset = build("llava"), PRESETS["corrected"]
    asks = protocol(DATA, preset, "llava", sets=["forget"], limit=1, max_new_tokens=3).asks
    for condition in ("no_image", "options_only"):
        controls = under(condition, asks)  # type: ignore[arg-type]
        cost = Cost()
        records = ask_all(vlm, preset, controls, f"target:{condition}", cost=cost)
        assert len(records) == len(controls) > 0
        assert cost.images_encoded == 0
