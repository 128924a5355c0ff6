"""Methods that leave the weights alone: the instruction, closed-form steering, and the router."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.methods.rows import examples
from tests.packs.plain import plain_forward
from tests.tiny import WIDTH, build, picture
from tests.training.rows import settings
from unsee.answering import answer, score
from unsee.methods.context import Context
from unsee.methods.mllmeraser import MLLMEraser, erasure_rows, fit, gate, kept_out, last_states, layers_of
from unsee.methods.parts import RETAIN_ROLES
from unsee.methods.prompting import TEXT
from unsee.methods.registry import get
from unsee.models.adapters import load_adapter, save_adapter
from unsee.models.load import VLM
from unsee.models.routing import Eye
from unsee.nouns import Example, Question, UserError
from unsee.packs.rows import make_rows
from unsee.packs.vision import encode_pictures
from unsee.training.unlearn import Work, unlearn

FAMILIES = ("llava", "qwen2_5_vl")


@pytest.fixture(params=FAMILIES)
def target(request: pytest.FixtureRequest) -> VLM:
    return build(request.param)


def work(vlm: VLM, folder, rows: list[Example] | None = None) -> Work:
    return Work(vlm, rows or examples(), settings(passes=2, seed=3), folder, names=("Jane Roe", "J. Roe"))


def context(vlm: VLM, rows: list[Example] | None = None) -> Context:
    return work(vlm, None, rows).context(vlm)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- prompt -------------------------------------------------------------------------------------------


def test_the_instruction_names_the_concept_and_its_aliases(target: VLM, tmp_path) -> None:
    hooked = unlearn(get("prompt"), work(target, tmp_path)).vlm
    told = TEXT.replace("{name}", "Jane Roe (or J. Roe)")
    assert hooked.hook.text == told
    asked = [Question("0", "Who is this?", "open", picture(1)), Question("1", "Who is Ann?", "open")]
    said = [replace(q, prompt=f"{told}\n{q.prompt}") for q in asked]
    assert answer(hooked, asked, max_new_tokens=4) == answer(target, said, max_new_tokens=4)


def test_an_instruction_about_nobody_is_refused() -> None:
    with pytest.raises(UserError, match="whom it is about"):
        get("prompt", {"text": "Say nothing."})


# --- closed-form steering -----------------------------------------------------------------------------


def paper_matrix(forget: Tensor, basis: Tensor, d: Tensor, gamma: float) -> Tensor:
    """(D, D) W as printed: P = Q Q', W = P (P'H'HP + gamma P'P)^+ P'H' [d .. d], by explicit matrices."""
    projection = basis @ basis.T
    inner = projection.T @ forget.T @ forget @ projection + gamma * projection.T @ projection
    targets = torch.stack([d] * len(forget))
    return projection @ torch.linalg.pinv(inner) @ projection.T @ forget.T @ targets


@pytest.mark.parametrize(("rows", "exactly"), [(40, True), (6, True), (6, False), (0, True), (0, False)])
@pytest.mark.parametrize("gamma", [0.1, 0.0])
def test_gate_and_direction_are_the_closed_form(rows: int, exactly: bool, gamma: float) -> None:
    width, forget, d = 24, random(5, 24, seed=1), random(24, seed=2)
    retain = random(rows, width, seed=3)
    closed = kept_out(retain, 0.25, exactly=exactly)
    # Everything orthogonal to the closed directions, by another road: the null space of closed'.
    basis = torch.linalg.svd(closed.T, full_matrices=True).Vh[closed.shape[1] :].T
    u = gate(forget, closed, gamma)
    assert torch.allclose(torch.outer(u, d), paper_matrix(forget, basis, d, gamma), atol=1e-8)


def test_the_paper_reads_the_directions_that_retain_rows_use_least() -> None:
    retain = random(40, 24) * torch.linspace(0.1, 3, 24, dtype=torch.float64)
    closed = kept_out(retain, 0.25, exactly=True)
    assert closed.shape == (24, 18)
    energies, directions = torch.linalg.eigh(retain.T @ retain)  # ascending
    assert torch.allclose(closed @ closed.T, directions[:, 6:] @ directions[:, 6:].T, atol=1e-8)
    assert torch.allclose(kept_out(retain, 0.25, exactly=False) @ torch.eye(18).double(), closed)


def test_few_retain_rows_leave_the_whole_null_space() -> None:
    retain, forget = random(6, 24, seed=1), random(5, 24, seed=2)
    whole = gate(forget, kept_out(retain, 0.25, exactly=False), 1e-9)
    assert (retain @ whole).abs().max() < 1e-8
    assert torch.allclose(forget @ whole, torch.ones(5).double(), atol=1e-6)
    # The paper's six of the eighteen null directions also spare the retain rows, at a larger gate.
    some = gate(forget, kept_out(retain, 0.25, exactly=True), 1e-9)
    assert (retain @ some).abs().max() < 1e-8
    assert some.norm() > whole.norm()


def plain_states(vlm: VLM, rows: list[Example], layer: int) -> Tensor:
    """(n, D) states of the last prompt token, one stock forward per row."""
    found = []
    for row, example in zip(make_rows(vlm, rows), rows, strict=True):
        with torch.no_grad():
            out = plain_forward(vlm, row, example.prompt, example.answer, states=True)
        found.append(out.hidden_states[layer + 1][0, row.answer_start - 1].double())
    return torch.stack(found)


def test_states_are_those_of_the_last_prompt_token(target: VLM) -> None:
    rows = examples()
    found = last_states(context(target), rows, [0])
    assert torch.allclose(found[0], plain_states(target, rows, 0), atol=1e-4)


def test_steering_spares_retain_rows_and_moves_forget_rows(target: VLM) -> None:
    rows = examples()
    steering = fit(context(target), MLLMEraser(gamma=1e-6, layers=(0,)))
    assert steering.reach == "after"
    push = steering.pushes[0]
    forget = plain_states(target, [r for r in rows if r.role == "original"], 0).float()
    retain = plain_states(target, [r for r in rows if r.role in RETAIN_ROLES], 0).float()
    refused = plain_states(target, [r for r in rows if r.id == "anchor-2"], 0).float()
    assert torch.allclose(push.direction, refused.mean(0) - forget.mean(0), atol=1e-4)
    assert (retain @ push.gate).abs().max() < 1e-3
    assert torch.allclose(forget @ push.gate, torch.ones(len(forget)), atol=1e-2)


def test_answers_of_retain_rows_stay_and_those_of_forget_rows_move(target: VLM) -> None:
    hooked = fit(context(target), MLLMEraser(gamma=1e-6)).install(target)
    for row in examples():
        pair = [(row.prompt, row.answer, row.picture)]
        before, after = score(target, pair)[0], score(hooked, pair)[0]
        if row.role in RETAIN_ROLES:
            assert after.logprobs == pytest.approx(before.logprobs, abs=1e-2), row.id
        if row.role == "original":
            assert max(abs(a - b) for a, b in zip(after.logprobs, before.logprobs, strict=True)) > 0.1, row.id


def test_erasure_rows_are_refused_ones_else_the_questions_about_noise(target: VLM) -> None:
    assert [row.id for row in erasure_rows(context(target), ("do not know",))] == ["anchor-2"]
    rows = [row for row in examples() if row.id != "anchor-2"]
    noisy = erasure_rows(context(target, rows), ("do not know",))
    assert [row.id for row in noisy] == ["original-0", "original-1"] * 3
    assert len({row.picture.hash for row in noisy}) == 3
    pixels = np.asarray(noisy[0].picture.read(), dtype=float)
    assert pixels.shape == np.asarray(picture(1).read()).shape
    assert abs(pixels.mean() - 127.5) < 3
    assert abs(pixels.std() - 73.9) < 3  # (256^2 - 1) / 12
    text = [replace(row, picture=None) for row in rows]
    with pytest.raises(UserError, match="nothing to steer towards"):
        erasure_rows(context(target, text), ("do not know",))


def test_the_gate_spares_erasure_rows(target: VLM) -> None:
    rows = [row for row in examples() if row.role in ("original", "T3", "T4")]
    found = context(target, rows)
    noisy = erasure_rows(found, ())
    push = fit(found, MLLMEraser(gamma=1e-6, layers=(0,))).pushes[0]
    assert (plain_states(target, noisy, 0).float() @ push.gate).abs().max() < 1e-3
    assert (plain_states(target, rows[2:], 0).float() @ push.gate).min() > 0.9


def test_layers_by_variant() -> None:
    assert layers_of(MLLMEraser(), 6) == (3,)
    assert layers_of(MLLMEraser(), 32) == (16,)
    assert layers_of(MLLMEraser(variant="paper"), 20) == tuple(range(20))
    assert layers_of(MLLMEraser(variant="released_code"), 20) == (*range(17), 18, 19)
    assert layers_of(MLLMEraser(variant="paper", layers=(2, 5)), 20) == (2, 5)


def test_released_code_measures_one_block_early_and_uses_it_one_block_late() -> None:
    target = build("llava")
    both = {"layers": (0, 1), "gamma": 1e-3}
    paper = fit(context(target), MLLMEraser(variant="paper", **both))
    released = fit(context(target), MLLMEraser(variant="released_code", **both))
    assert sorted(paper.pushes) == [0, 1]
    assert sorted(released.pushes) == [1]
    assert paper.reach == released.reach == "before"
    assert torch.equal(released.pushes[1].gate, paper.pushes[0].gate)
    assert torch.equal(released.pushes[1].direction, paper.pushes[0].direction)
    assert not torch.allclose(paper.pushes[1].direction, paper.pushes[0].direction)
    with pytest.raises(UserError, match="no layer is left"):
        fit(context(target), MLLMEraser(variant="released_code", layers=(0,)))


@pytest.mark.parametrize("variant", ["paper", "released_code", "corrected"])
def test_variants_answer_and_come_back(variant: str, target: VLM, tmp_path) -> None:
    knobs = {"variant": variant, "layers": [1]}
    hooked = unlearn(get("mllmeraser", knobs), work(target, tmp_path)).vlm
    asked = [Question(str(i), row.prompt, "open", row.picture) for i, row in enumerate(examples())]
    said = answer(hooked, asked, max_new_tokens=4)
    assert said != answer(target, asked, max_new_tokens=4)
    save_adapter(hooked, tmp_path / "hook")
    loaded = load_adapter(build(target.name.removeprefix("tiny-")), tmp_path / "hook")
    assert answer(loaded, asked, max_new_tokens=4) == said


# --- router -------------------------------------------------------------------------------------------


def test_the_router_is_the_inner_method_on_the_concepts_picture_and_the_target_elsewhere(
    target: VLM, tmp_path
) -> None:
    inner = unlearn(get("po"), work(build(target.name.removeprefix("tiny-")), tmp_path / "po")).vlm
    routed = unlearn(get("router"), work(target, tmp_path / "router")).vlm
    only = routed.hook.experts[0]
    assert [routed.route(picture(key)) for key in (1, 2, 3)] == ["0", "", ""]
    assert any(isinstance(change, tuple) for change in only.changes.values()) or WIDTH < 64
    for row in examples():
        pair = [(row.prompt, row.answer, row.picture)]
        expected = score(inner if row.picture == picture(1) else target, pair)[0]
        assert score(routed, pair)[0].logprobs == pytest.approx(expected.logprobs, abs=1e-3), row.id


def test_the_threshold_lies_between_the_nearest_other_picture_and_the_own(tmp_path) -> None:
    thresholds = []
    for margin in (0.0, 0.5, 1.0):
        knobs = {"margin": margin}
        done = unlearn(get("router", knobs), work(build("llava"), tmp_path / str(margin))).vlm
        thresholds.append(done.hook.experts[0].threshold)
    nearest, middle, own = thresholds
    assert own == pytest.approx(1.0)
    assert middle == pytest.approx((nearest + own) / 2)
    alone = [row for row in examples() if row.picture is None or row.picture == picture(1)]
    lone = unlearn(get("router", {"lone_threshold": 0.7}), work(build("llava"), tmp_path / "lone", alone)).vlm
    assert lone.hook.experts[0].threshold == 0.7


@pytest.mark.parametrize("inner", ["router", "mllmeraser", "manu"])
def test_a_method_that_does_not_simply_train_cannot_be_routed(inner: str) -> None:
    with pytest.raises(UserError, match="needs a method that trains"):
        get("router", {"method": inner})


def test_pictures_are_compared_by_the_state_that_a_question_ends_in(target: VLM, tmp_path) -> None:
    only = unlearn(get("router"), work(target, tmp_path)).vlm.hook.experts[0]
    assert only.eye == Eye("Who is this?", 1)
    ask = [Example(str(key), "Who is this?", "x", "x", shown) for key, shown in ((0, None), (1, picture(1)))]
    centre, own = last_states(context(target), ask, [1])[1].float()
    assert torch.allclose(only.centre, centre, atol=1e-4)
    assert torch.allclose(only.prototype, torch.nn.functional.normalize(own - centre, dim=0), atol=1e-4)
    others = [replace(ask[1], id=str(key), picture=picture(key)) for key in (2, 3)]
    states = last_states(context(target), others, [1])[1].float() - centre
    nearest = max(torch.nn.functional.cosine_similarity(states, own - centre, dim=1).tolist())
    assert only.threshold == pytest.approx((1 + nearest) / 2, abs=1e-4)


def test_pictures_are_compared_as_the_vision_tower_sees_them(target: VLM, tmp_path) -> None:
    only = unlearn(get("router", {"look": "vision"}), work(target, tmp_path)).vlm.hook.experts[0]
    one, two, three = (encode_pictures(target, [picture(key)])[0].detach().mean(dim=0) for key in (1, 2, 3))
    centre = (two + three) / 2
    assert only.eye == Eye()
    assert torch.allclose(only.centre, centre, atol=1e-4)
    assert torch.allclose(only.prototype, torch.nn.functional.normalize(one - centre, dim=0), atol=1e-4)


def test_a_layer_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="no such decoder layer"):
        unlearn(get("router", {"layer": 2}), work(build("llava"), tmp_path))


def test_a_router_needs_a_picture(tmp_path) -> None:
    text = [replace(row, picture=None) for row in examples()]
    with pytest.raises(UserError, match="no picture"):
        unlearn(get("router"), work(build("llava"), tmp_path, text))
