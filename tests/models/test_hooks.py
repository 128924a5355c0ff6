"""Hooks act while they are on and change nothing else: off is the target, saved is loaded, batch is alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.packs.plain import processor_inputs
from tests.tiny import WIDTH, build, picture
from unsee.answering import answer, choose, score
from unsee.models.adapters import attach, detach, load_adapter, merge, save_adapter
from unsee.models.hooks import HOOK, Hook, at_work, load_hook
from unsee.models.load import VLM
from unsee.models.prompting import Instruction
from unsee.models.routing import Expert, Eye, Router, cosine, factors, feature_of, join
from unsee.models.scopes import Scope
from unsee.models.steering import Push, Steering
from unsee.nouns import Picture, Question, UserError
from unsee.packs.families import dense_mask
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import question_row, scored_row
from unsee.packs.tokens import forward, picture_inputs

FAMILIES = ("llava", "qwen2_5_vl")
KINDS = ("prompt", "after", "before", "router")
ASKED = [
    (1, "Who is this person?"),
    (None, "Where does Jane Roe live?"),
    (2, "Is this Jane Roe? Answer with yes or no."),
    (1, "Describe the picture."),
    (3, "Who?"),
    (2, "What is the name of the person in the picture? I do not know this person at all."),
    (None, "Name an actor."),
    (1, "Who is this person?"),
]
EYES = (Eye("Who is this?", 1), Eye())
ANSWERS = ("Jane Roe.", "I do not know this person.", "No.")


def shown(key: int | None) -> Picture | None:
    return None if key is None else picture(key)


def questions() -> list[Question]:
    return [
        Question(str(i), prompt, "open", shown(key), options=ANSWERS) for i, (key, prompt) in enumerate(ASKED)
    ]


def pairs() -> list[tuple[str, str, Picture | None]]:
    return [(q.prompt, text, q.picture) for q in questions() for text in ANSWERS]


def steering(reach: str, layers: tuple[int, ...] = (0, 1)) -> Steering:
    chance = torch.Generator().manual_seed(5)
    pushes = {
        layer: Push(
            torch.randn(WIDTH, generator=chance) / WIDTH**0.5, 2 * torch.randn(WIDTH, generator=chance)
        )
        for layer in layers
    }
    return Steering(pushes, 1.5, "after" if reach == "after" else "before")


def changed(vlm: VLM, seed: int) -> dict[str, Tensor]:
    chance = torch.Generator().manual_seed(seed)
    return {
        name: 0.5 * p.std() * torch.randn(p.shape, generator=chance)
        for name, p in vlm.model.named_parameters()
        if "mlp" in name and vlm.roles.role_of(name).startswith("language")
    }


def expert(vlm: VLM, key: int, threshold: float = 0.999, eye: Eye = EYES[0]) -> Expert:
    """A request about one picture, which takes that picture only."""
    feature = feature_of(vlm, picture(key), eye)
    return Expert(eye, changed(vlm, key), torch.zeros(WIDTH), feature / feature.norm(), threshold)


def hook(kind: str, vlm: VLM) -> Hook:
    if kind == "prompt":
        return Instruction("Do not name Jane Roe.")
    if kind == "router":
        return Router((expert(vlm, 1), expert(vlm, 2, eye=EYES[1])))
    return steering(kind)


@pytest.fixture(params=FAMILIES)
def target(request: pytest.FixtureRequest) -> VLM:
    return build(request.param)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def everything(vlm: VLM) -> tuple[object, ...]:
    """All that the answering room and the token table say."""
    table = forward(vlm, collate(vlm, build_packs(vlm, rows_of_one_route(vlm))))
    return answer(vlm, questions(), max_new_tokens=5), score(vlm, pairs()), table.logits.tolist()


def rows_of_one_route(vlm: VLM):
    """Rows of one route."""
    return [scored_row(vlm, *pair) for pair in pairs() if vlm.route(pair[2]) == vlm.route(picture(1))]


def test_it_acts_and_off_is_the_target_bit_for_bit(target: VLM, kind: str) -> None:
    before = everything(target)
    hooked = hook(kind, target).install(target)
    after = answer(hooked, questions(), max_new_tokens=5)
    assert after != before[0]
    assert target.hook is None
    assert everything(target) == before
    with hooked.adapter_off():
        assert hooked.hook is None
        assert everything(hooked) == before
    assert answer(hooked, questions(), max_new_tokens=5) == after
    assert everything(detach(hooked)) == before


def test_it_comes_back_after_an_error(target: VLM, kind: str) -> None:
    hooked = hook(kind, target).install(target)
    chat, own = hooked.chat, hooked.hook
    with pytest.raises(KeyError), hooked.adapter_off():
        raise KeyError
    assert hooked.hook is own
    assert hooked.chat is chat


def test_a_batch_says_what_each_question_alone_gets(target: VLM, kind: str) -> None:
    hooked = hook(kind, target).install(target)
    asked = questions()
    together = answer(hooked, asked, max_new_tokens=6)
    for question, reply in zip(asked, together, strict=True):
        alone = answer(hooked, [question], max_new_tokens=6, batch_size=1)[0]
        assert alone.tokens == reply.tokens
        assert alone.mean_logprob == pytest.approx(reply.mean_logprob, abs=1e-4)
    for pair, found in zip(pairs(), score(hooked, pairs()), strict=True):
        assert score(hooked, [pair])[0].logprobs == pytest.approx(found.logprobs, abs=1e-4)


def test_generated_answers_score_as_they_were_generated(target: VLM, kind: str) -> None:
    hooked = hook(kind, target).install(target)
    hooked.chat._ends = tuple(range(len(target.tokenizer)))  # every reply is one end token
    asked = questions()
    rows = [question_row(hooked, q.prompt, q.picture) for q in asked]
    for row, reply in zip(rows, answer(hooked, asked, max_new_tokens=1), strict=True):
        packs = build_packs(hooked, [row])
        last = one_step(hooked, collate(hooked, packs))
        assert float(last.max()) == pytest.approx(reply.mean_logprob, abs=1e-4)


def one_step(vlm: VLM, batch) -> Tensor:
    """(V,) log-probabilities after the last prompt token, by the table of a row with any answer token."""
    with torch.no_grad(), at_work(vlm, batch.passage):
        logits = vlm.model(
            input_ids=batch.input_ids,
            attention_mask=dense_mask(vlm, batch.attention_mask),
            position_ids=batch.position_ids,
            **picture_inputs(vlm, batch),
        ).logits
    return torch.log_softmax(logits[0, int(batch.last[0])].float(), dim=-1)


def test_what_is_saved_is_loaded(target: VLM, kind: str, tmp_path) -> None:
    hooked = hook(kind, target).install(target)
    said = everything(hooked)
    save_adapter(hooked, tmp_path / "hook")
    assert json.loads((tmp_path / "hook" / "unsee.json").read_text())["form"] == "hook"
    loaded = load_adapter(build(target.name.removeprefix("tiny-")), tmp_path / "hook")
    assert everything(loaded) == said
    save_adapter(loaded, tmp_path / "again")
    for file in (tmp_path / "hook").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_it_is_refused_where_it_does_not_belong(kind: str, tmp_path) -> None:
    target = build("llava")
    hooked = hook(kind, target).install(target)
    save_adapter(hooked, tmp_path / "hook")
    with pytest.raises(UserError, match="another base"):
        load_adapter(build("llava", seed=1), tmp_path / "hook")
    with pytest.raises(UserError, match="hook already"):
        attach(hooked, Scope(rank=2, alpha=2), seed=0)
    with pytest.raises(UserError, match="nothing to merge"):
        merge(hooked)


@pytest.mark.parametrize(
    "nothing",
    [
        Instruction(" "),
        Steering({}),
        Steering({0: Push(torch.zeros(WIDTH), torch.ones(WIDTH))}),
        Steering({0: Push(torch.ones(WIDTH), torch.ones(WIDTH))}, strength=0.0),
        Router(()),
    ],
)
def test_a_hook_without_effect_is_an_error(nothing: Hook, tmp_path) -> None:
    target = build("llava")
    save_adapter(nothing.install(target), tmp_path / "hook")
    with pytest.raises(UserError, match="changes nothing"):
        load_adapter(target, tmp_path / "hook")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "cannot be read"),
        ('{"kind": "magic"}', "kind 'magic'"),
        ('{"kind": "steering"}', "cannot be read"),
    ],
)
def test_a_broken_file_is_an_error(text: str, match: str, tmp_path) -> None:
    (tmp_path / HOOK).write_text(text)
    with pytest.raises(UserError, match=match):
        load_hook(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision(family: str, kind: str) -> None:
    target = build(family)
    target.model.to(torch.bfloat16)
    before = answer(target, questions(), max_new_tokens=4)
    hooked = hook(kind, target).install(target)
    assert answer(hooked, questions(), max_new_tokens=4) != before
    with hooked.adapter_off():
        assert answer(hooked, questions(), max_new_tokens=4) == before


# --- prompt -------------------------------------------------------------------------------------------


def test_the_instruction_stands_before_every_question_behind_the_picture(target: VLM) -> None:
    hooked = Instruction("Do not name Jane Roe.").install(target)
    for picture_, prompt in ((picture(1), "Who is this?"), (None, "Name an actor.")):
        told = hooked.chat.encode(prompt, "No.", picture_)
        assert told == target.chat.encode(f"Do not name Jane Roe.\n{prompt}", "No.", picture_)
    turns = [("Who is this?", "No.", picture(1)), ("And this?", "No.", picture(2))]
    opened = [("Do not name Jane Roe.\nWho is this?", "No.", picture(1)), turns[1]]
    assert hooked.chat.encode("Sure?", history=turns) == target.chat.encode("Sure?", history=opened)
    plain, told = target.chat.encode("Who?", None, picture(1)), hooked.chat.encode("Who?", None, picture(1))
    assert plain.image_span == told.image_span


def test_the_instruction_is_said_without_the_picture_too(target: VLM) -> None:
    hooked = Instruction("Do not name Jane Roe.").install(target)
    blind = answer(hooked, questions(), max_new_tokens=4, blind=True)
    told = [Question(q.id, f"Do not name Jane Roe.\n{q.prompt}", "open") for q in questions()]
    assert blind == answer(target, told, max_new_tokens=4)


# --- steering -----------------------------------------------------------------------------------------


def plainly_steered(vlm: VLM, found: Steering, prompt: str, text: str, shown_: Picture | None) -> list[float]:
    """Log-probabilities of an answer: one row, stock forward, the push written out position by position."""
    row = scored_row(vlm, prompt, text, shown_)
    inputs = processor_inputs(vlm, prompt, shown_, None)
    start, ids = row.answer_start, torch.tensor([row.ids])
    assert inputs["input_ids"][0].tolist() == list(row.ids[:start])
    inputs["input_ids"], inputs["attention_mask"] = ids, torch.ones_like(ids)
    if "mm_token_type_ids" in inputs:
        kinds = torch.zeros_like(ids)
        kinds[:, :start] = inputs["mm_token_type_ids"]
        inputs["mm_token_type_ids"] = kinds

    def pushed(layer: int):
        def change(module, args, output):
            states = (output[0] if isinstance(output, tuple) else output).clone()
            push = found.pushes[layer]
            amount = sum(
                a * b for a, b in zip(states[0, start - 1].tolist(), push.gate.tolist(), strict=True)
            )
            for t in range(states.shape[1]):
                if (t >= start - 1) if found.reach == "after" else (t <= start - 1):
                    states[0, t] += found.strength * amount * push.direction
            return (states, *output[1:]) if isinstance(output, tuple) else states

        return change

    blocks = vlm.base.get_submodule(vlm.roles.layers)
    handles = [blocks[layer].register_forward_hook(pushed(layer)) for layer in found.pushes]
    with torch.no_grad():
        logp = torch.log_softmax(vlm.model(**inputs).logits[0].float(), dim=-1)
    for handle in handles:
        handle.remove()
    return [float(logp[t - 1, row.ids[t]]) for t in range(start, len(row.ids))]


@pytest.mark.parametrize("reach", ["after", "before"])
def test_steering_is_the_push_written_out(target: VLM, reach: str) -> None:
    found = steering(reach)
    hooked = found.install(target)
    for pair, scores in zip(pairs(), score(hooked, pairs()), strict=True):
        slow = plainly_steered(target, found, *pair)
        assert scores.logprobs == pytest.approx(slow, abs=2e-4)


@pytest.mark.parametrize("reach", ["after", "before"])
def test_generation_follows_the_scores(target: VLM, reach: str) -> None:
    """Every generated token is the likeliest one after the tokens before it, given as an answer."""
    hooked = steering(reach).install(target)
    for question, reply in zip(questions(), answer(hooked, questions(), max_new_tokens=5), strict=True):
        asked = question_row(hooked, question.prompt, question.picture)
        kept = (True,) * len(reply.tokens)
        row = replace(asked, ids=asked.ids + reply.tokens, keep=kept, text=kept)
        table = forward(hooked, collate(hooked, build_packs(hooked, [row])))
        assert table.logits.argmax(dim=1).tolist() == list(reply.tokens)


def test_a_question_that_begins_another_is_steered_for_itself() -> None:
    """The last token of a short prompt lies inside a longer one, which must not be pushed there."""
    target = build("llava")
    hooked = steering("after").install(target)
    short = "Who is this person?"
    long = f"{short} ASSISTANT: Who is this person?"
    rows = [question_row(hooked, short), question_row(hooked, long)]
    assert rows[1].ids[: len(rows[0].ids)] == rows[0].ids
    asked = [Question("0", short, "open"), Question("1", long, "open")]
    for question, reply in zip(asked, answer(hooked, asked, max_new_tokens=4), strict=True):
        alone = answer(hooked, [question], max_new_tokens=4)[0]
        assert alone.tokens == reply.tokens
        assert alone.mean_logprob == pytest.approx(reply.mean_logprob, abs=1e-4)


def test_steering_of_another_model_is_refused() -> None:
    target = build("llava")
    with pytest.raises(UserError, match="layer that the model lacks"):
        steering("after", (0, 7)).install(target)
    with pytest.raises(UserError, match="another width"):
        Steering({0: Push(torch.ones(3), torch.ones(3))}).install(target)


# --- router -------------------------------------------------------------------------------------------


def test_each_picture_takes_its_own_way(target: VLM) -> None:
    router = Router((expert(target, 1), expert(target, 2))).install(target)
    assert [router.route(shown(key)) for key in (1, 2, 3, None)] == ["0", "1", "", ""]
    changed_models = []
    for key in (1, 2):
        other = build(target.name.removeprefix("tiny-"))
        named = dict(other.model.named_parameters())
        with torch.no_grad():
            for name, change in changed(target, key).items():
                named[name] += change
        changed_models.append(other)
    models = {1: changed_models[0], 2: changed_models[1], 3: target, None: target}
    routed = answer(router, questions(), max_new_tokens=5)
    for (key, _), question, reply in zip(ASKED, questions(), routed, strict=True):
        assert reply.tokens == answer(models[key], [question], max_new_tokens=5)[0].tokens
    chosen = choose(router, questions())
    for (key, _), question, option in zip(ASKED, questions(), chosen, strict=True):
        assert option == choose(models[key], [question])[0]
    assert answer(router, questions(), max_new_tokens=5, blind=True) == answer(
        target, questions(), max_new_tokens=5, blind=True
    )


def test_text_rows_do_not_join_the_pack_of_a_routed_picture() -> None:
    target = build("llava")
    rows = [scored_row(target, "Who?", "Jane.", shown(key)) for key in (1, 3, None)]
    router = Router((expert(target, 1),)).install(target)
    packs = build_packs(router, rows)
    assert sorted((pack.route, len(pack.rows)) for pack in packs) == [("", 2), ("0", 1)]
    with pytest.raises(AssertionError):
        collate(router, packs)


def test_of_several_requests_the_nearest_takes_the_picture() -> None:
    target = build("llava")
    close, far = expert(target, 1, threshold=-1.0), expert(target, 2, threshold=-1.0)
    for first, second, expected in ((close, far, "0"), (far, close, "1")):
        bank = join(Router((first,)), Router((second,))).install(target)
        assert bank.route(picture(1)) == expected
    assert cosine(feature_of(target, picture(1), close.eye), close.centre, close.prototype) == pytest.approx(
        1.0
    )


def test_factors_hold_low_rank_changes_and_nothing_else() -> None:
    chance = torch.Generator().manual_seed(0)
    low = torch.randn(40, 3, generator=chance) @ torch.randn(3, 50, generator=chance)
    found = factors(low, 3)
    assert isinstance(found, tuple)
    assert [tuple(part.shape) for part in found] == [(40, 3), (3, 50)]
    assert torch.allclose(found[0] @ found[1], low, atol=1e-4)
    full = torch.randn(40, 50, generator=chance)
    assert factors(full, 3) is full
    assert factors(full[0], 3) is not None


def test_a_router_of_another_model_is_refused() -> None:
    target = build("llava")
    wrong = Expert(Eye(), {"no.such.weight": torch.ones(2)}, torch.zeros(WIDTH), torch.ones(WIDTH), 0.5)
    with pytest.raises(UserError, match="weight that the model lacks"):
        Router((wrong,)).install(target)
