"""The ladder of answering: packs, a kept prefix, rows alone; each gives what plain rows give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from transformers import Lfm2Config

from tests.families import FAMILIES
from tests.families.common import text_sizes
from tests.families.rows import inputs_of, plain_logp
from tests.tiny import build, picture
from unsee.answering import Sampling, answer, choose, next_tokens, score
from unsee.models.load import VLM, wrap
from unsee.models.prompting import Instruction
from unsee.nouns import Example, Question, UserError
from unsee.packs import families
from unsee.packs.cost import Cost
from unsee.packs.families import KNOWN, PREFIX, ROWS, Layout, layout_of
from unsee.packs.rows import make_rows

# Their own masks see more than what came before, or look across: only packs know how.
PACKS_ONLY = ("paligemma", "gemma3", "mllama")
ASKED = (
    ("Who is this person?", 1, ("This is Jane Roe.", "I do not know.")),
    ("Is this Jane Roe?", 1, ("Yes.", "No, it is not.")),
    ("Where does Jane Roe live?", None, ("Paris.", "In a house.")),
    ("Is she an actor?", None, ("Yes.", "No.")),
    ("Describe the picture.", 2, ("A wall.", "A woman in front of it.")),
)


def questions() -> list[Question]:
    shown = {None: None, 1: picture(1), 2: picture(2)}
    return [
        Question(str(i), prompt, "choice", shown[key], options=options)
        for i, (prompt, key, options) in enumerate(ASKED)
    ]


def pairs() -> list[tuple[str, str, object]]:
    return [(q.prompt, option, q.picture) for q in questions() for option in q.options]


@pytest.fixture
def on_rung() -> Iterator[object]:
    """A tiny model of a family that is made to use a rung."""
    made: list[VLM] = []

    def build_on(family: str, layout: Layout) -> VLM:
        vlm = build(family)
        families._found[vlm.base] = layout
        made.append(vlm)
        return vlm

    yield build_on
    for vlm in made:
        families._found.pop(vlm.base, None)


def check_scores(vlm: VLM) -> None:
    rows = make_rows(vlm, [Example(str(i), p[0], p[1], "T1", p[2]) for i, p in enumerate(pairs())])
    with torch.no_grad():
        expected = [plain_logp(vlm, row) for row in rows]
    for found, wanted in zip(score(vlm, pairs()), expected, strict=True):
        torch.testing.assert_close(torch.tensor(found.logprobs), wanted, rtol=1e-5, atol=1e-5)
    means = [float(x.mean()) for x in expected]
    assert choose(vlm, questions()) == [int(b > a) for a, b in zip(means[::2], means[1::2], strict=True)]


def generated(vlm: VLM, question: Question, count: int = 6) -> tuple[int, ...]:
    """What the library's own ``generate`` says."""
    asked = vlm.chat.encode(question.prompt, None, question.picture).ids
    out = vlm.model.generate(
        **inputs_of(vlm, asked, len(asked), question.picture),
        do_sample=False,
        max_new_tokens=count,
        eos_token_id=list(vlm.chat.end_ids),
        pad_token_id=vlm.tokenizer.pad_token_id,
    )
    return tuple(token for token in out[0, len(asked) :].tolist() if token not in vlm.chat.end_ids)


@pytest.mark.parametrize("layout", [PREFIX, ROWS], ids=["prefix", "rows"])
@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in PACKS_ONLY])
def test_lower_rungs_give_what_plain_rows_give(family: str, layout: Layout, on_rung) -> None:
    vlm = on_rung(family, layout)
    check_scores(vlm)
    together = answer(vlm, questions(), max_new_tokens=6)
    assert [reply.tokens for reply in together] == [generated(vlm, question) for question in questions()]
    assert len({reply.tokens for reply in together}) > 1


def test_the_picture_is_encoded_once_and_its_prefix_runs_once(on_rung) -> None:
    vlm, cost = on_rung("qwen2_vl", PREFIX), Cost()
    one = picture(1)
    asked = [Question(str(i), f"Is it {i}?", "open", one) for i in range(8)]
    rows = [vlm.chat.encode(q.prompt, None, one).ids for q in asked]
    common = next(i for i, tokens in enumerate(zip(*rows, strict=False)) if len(set(tokens)) > 1)
    answer(vlm, asked, max_new_tokens=1, cost=cost)
    assert cost.images_encoded == 1
    assert cost.lm_tokens == common + sum(len(row) - common for row in rows)
    assert cost.row_by_row.images_encoded == 8
    assert cost.row_by_row.lm_tokens == sum(map(len, rows))
    cost = Cost()
    score(vlm, [(q.prompt, "Yes.", one) for q in asked], cost=cost)
    assert (cost.images_encoded, cost.forwards) == (1, 2)
    assert cost.lm_tokens < 0.5 * cost.row_by_row.lm_tokens
    assert cost.notes["layout"].startswith("answers on a shared key-value prefix")
    assert "state from token to token" in cost.notes["layout"]


def test_a_state_space_family_uses_the_prefix_and_says_why() -> None:
    vlm, cost = build("qwen3_5"), Cost()
    assert layout_of(vlm).form == "prefix"
    answer(vlm, questions(), max_new_tokens=3, cost=cost)
    assert cost.images_encoded == 2
    assert cost.notes == {
        "layout": "answers on a shared key-value prefix, training one row per text: layers carry a state "
        "from token to token",
        "attention": "sdpa, the model's own mask",
    }


def test_a_known_family_with_a_decoder_of_another_kind_is_tried_out() -> None:
    """LLaVA around a decoder of convolutions: its packs would be wrong."""
    made = build("llava")
    config = made.base.config
    sizes = text_sizes(made.processor)
    config.text_config = Lfm2Config(
        **sizes, layer_types=["conv", "full_attention"], block_auto_adjust_ff_dim=False
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = type(made.base)(config)
        from tests.families.common import boost

        boost(model)
    vlm = wrap(model.eval(), made.processor)
    found = layout_of(vlm)
    assert (found.form, found.inferred) == ("prefix", True)
    check_scores(vlm)
    said = [reply.tokens for reply in answer(vlm, questions(), max_new_tokens=6)]
    assert said == [generated(vlm, question) for question in questions()]


def test_what_only_plain_rows_fit_uses_plain_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Llama 3.2 Vision as if nobody had looked at it: neither packs nor its cache fit."""
    vlm, cost = build("mllama"), Cost()
    monkeypatch.delitem(KNOWN, "mllama")
    assert layout_of(vlm).form == "rows"
    check_scores(vlm)
    said = [reply.tokens for reply in answer(vlm, questions(), max_new_tokens=6, cost=cost)]
    assert said == [generated(vlm, question) for question in questions()]
    assert cost.notes["layout"].startswith("one row per text: nothing that could be shared")
    assert cost.notes["layout"].endswith("(found by trying: the family is not known)")


def test_texts_with_the_same_prompt_share_it_where_picture_and_question_see_each_other() -> None:
    vlm, cost = build("paligemma"), Cost()
    one = picture(1)
    options = ("Yes.", "No.", "This is Jane Roe.", "I do not know.")
    asked = [Question(str(i), f"Is it {i}?", "choice", one, options=options) for i in range(2)]
    choose(vlm, asked, cost=cost)
    check_scores(vlm)
    prompts = sum(len(vlm.chat.encode(q.prompt, None, one).ids) for q in asked)
    answers = sum(len(vlm.chat.encode(q.prompt, o, one).ids) for q in asked for o in options) - 4 * prompts
    assert cost.images_encoded == 1
    assert cost.lm_tokens <= prompts + answers + 8, (cost.lm_tokens, prompts, answers)
    assert cost.row_by_row.lm_tokens == 4 * prompts + answers


@pytest.mark.parametrize("window", [4, 9, 24])
@pytest.mark.parametrize("family", ["gemma3", "idefics2"])
def test_rows_longer_than_the_sliding_window_still_stand_in_packs(family: str, window: int) -> None:
    """Layers with and without a window (Gemma3), or all with one (Mistral)."""
    vlm = build(family)
    vlm.base.config.get_text_config().sliding_window = window
    for module in vlm.base.modules():
        if hasattr(module, "sliding_window") and module.sliding_window is not None:
            module.sliding_window = window
        if hasattr(module, "config") and hasattr(module.config, "sliding_window"):
            module.config.sliding_window = window
    free = build(family)
    assert layout_of(vlm) == replace(layout_of(free), window=window)
    check_scores(vlm)
    said = [reply.tokens for reply in answer(vlm, questions(), max_new_tokens=6)]
    assert said == [generated(vlm, question) for question in questions()]
    narrow, wide = (score(model, pairs())[0].logprobs for model in (vlm, free))
    assert max(abs(a - b) for a, b in zip(narrow, wide, strict=True)) > 1e-3


def test_short_answers_and_drawn_replies_on_the_prefix(on_rung) -> None:
    low, high = on_rung("llava", PREFIX), build("llava")
    prompts = [(q.prompt, q.picture) for q in questions()]
    for one, two in zip(*(next_tokens(vlm, prompts, ("A", "B")) for vlm in (low, high)), strict=True):
        assert one == pytest.approx(two, abs=1e-5)
    drawn = Sampling(temperature=1.5, seed=3)
    said = [
        [r.tokens for r in answer(vlm, questions(), max_new_tokens=5, sampling=drawn)] for vlm in (low, high)
    ]
    assert said[0] == said[1]


def test_hooks_act_on_the_prefix_rung_and_are_refused_on_the_lowest(on_rung) -> None:
    plain = build("qwen3_5")
    hooked = Instruction("Answer as somebody else would.").install(plain)
    said = answer(hooked, questions(), max_new_tokens=4)
    assert [r.tokens for r in said] != [r.tokens for r in answer(plain, questions(), max_new_tokens=4)]
    alone = [answer(hooked, [question], max_new_tokens=4)[0].tokens for question in questions()]
    assert [r.tokens for r in said] == alone
    low = Instruction("Answer as somebody else would.").install(on_rung("llava", ROWS))
    with pytest.raises(UserError, match="hooks cannot act"):
        answer(low, questions(), max_new_tokens=4)
