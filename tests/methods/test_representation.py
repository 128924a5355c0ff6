"""RMU and ASRU: losses against loops, directions against a plain forward pass, where the states end up."""

from dataclasses import replace

import pytest
import torch

from tests.methods.rows import examples
from tests.methods.tables import step_loss, table, tokens
from tests.packs.plain import processor_inputs
from tests.tiny import WIDTH, build
from tests.training.rows import SCOPE, settings
from unsee.methods.asru import asru_terms, at_positions, refused
from unsee.methods.context import Context
from unsee.methods.parts import RETAIN_ROLES, TARGET
from unsee.methods.registry import get
from unsee.methods.rmu import rmu_terms
from unsee.methods.schedules import Alternate, Turn
from unsee.nouns import UserError
from unsee.objectives.states import random_direction
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.unlearn import Work, unlearn

LAYER = 5


def context(vlm, rows=None, seed=3):
    def train(method, name):
        raise AssertionError(name)

    return Context(vlm, examples() if rows is None else rows, SCOPE, seed, train)


def rows_of(made, roles):
    return [row for role in roles for row in tokens(made, role)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def squares(state, goal):
    return [(a - b) ** 2 for a, b in zip(state.tolist(), goal, strict=True)]


# --- RMU -----------------------------------------------------------------------------------------------

RMU_CASES = {
    "corrected": ({}, True, 5.0, mean),
    "corrected, fixed": ({"adaptive": False, "steer": 3.0}, False, 3.0, mean),
    "paper": ({"variant": "paper"}, False, 20.0, sum),
    "paper, adaptive": ({"variant": "paper", "adaptive": True, "steer": 2.0}, True, 2.0, sum),
    "released": ({"variant": "released_code", "steer": 6.5}, False, 6.5, mean),
}


@pytest.mark.parametrize("case", RMU_CASES)
def test_rmu_agrees_with_loops(case):
    knobs, adaptive, length, reduce = RMU_CASES[case]
    student, target = (table(seed, layers=(LAYER,)) for seed in (1, 2))
    u = random_direction(4, 9)
    method = get("rmu", {**knobs, "alpha": 2.0})
    method = method.with_terms(*rmu_terms(method.knobs, LAYER, u))

    def steer(i):
        norm = sum(x * x for x in target.states[LAYER][i].tolist()) ** 0.5 if adaptive else 1.0
        goal = [length * norm * x for x in u.tolist()]
        return reduce(squares(student.states[LAYER][i], goal))

    def stay(i):
        return reduce(squares(student.states[LAYER][i], target.states[LAYER][i].tolist()))

    wanted = mean(mean(map(steer, row)) for row in tokens(student, "original"))
    wanted += 2.0 * mean(mean(map(stay, row)) for row in rows_of(student, RETAIN_ROLES))
    loss, _ = step_loss(method, student, {TARGET: target})
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
    assert {term.layer for term in method.terms} == {LAYER}


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_rmu_is_made_concrete_by_the_model(family):
    vlm = build(family)
    one, again, other = (get("rmu").prepare(context(vlm, seed=s)) for s in (3, 3, 4))
    assert one.notes == {"layer": 0}  # a third of two layers
    assert one.method.layers == (0,)
    assert one.scope is None
    losses = []
    for prepared in (one, again, other):
        student, target = (table(seed, layers=(0,), width=WIDTH) for seed in (1, 2))
        losses.append(step_loss(prepared.method, student, {TARGET: target})[0].item())
    assert losses[0] == losses[1] != losses[2]


def test_rmu_in_its_own_scope_trains_the_mlps_up_to_the_layer():
    prepared = get("rmu", {"own_scope": True, "layer": 1}).prepare(context(build("llava")))
    assert prepared.scope == replace(SCOPE, parts=("language.mlp[0..1]",))


@pytest.mark.parametrize(("name", "layer"), [("rmu", 2), ("rmu", -1), ("asru", 7)])
def test_a_layer_that_is_not_there_is_refused(name, layer):
    with pytest.raises(UserError, match="no such decoder layer") as error:
        get(name, {"layer": layer}).prepare(context(build("llava")))
    assert error.value.expected == "0..1"


@pytest.mark.parametrize("name", ["rmu", "asru"])
def test_a_method_that_has_not_seen_the_model_has_no_loss(name):
    student, target = (table(seed, layers=(0,)) for seed in (1, 2))
    with pytest.raises(AssertionError, match="prepare"):
        step_loss(get(name), student, {TARGET: target})


def test_rmu_refuses_a_step_of_no_length():
    with pytest.raises(UserError, match="steer"):
        get("rmu", {"steer": 0.0})


def states_of(vlm, rows, layer):
    """States of the layer at the answer positions of all rows together: (N, D)."""
    with torch.no_grad():
        batch = collate(vlm, build_packs(vlm, make_rows(vlm, rows)))
        return forward(vlm, batch, layers=(layer,)).states[layer]


def work(vlm, rows, folder, **changes):
    chosen = settings(**{"passes": 30, "lr": 1e-2, "seed": 3, "save_every": 1000, **changes})
    return Work(vlm, rows, chosen, folder, names=("Jane Roe",))


def test_rmu_turns_the_forget_states_to_its_direction_and_leaves_the_others(tmp_path):
    vlm = build("llava")
    forget = [e for e in examples() if e.role == "original"]
    others = [e for e in examples() if e.role in RETAIN_ROLES]
    u = random_direction(WIDTH, 3)
    before = [states_of(vlm, rows, 0) for rows in (forget, others)]
    done = unlearn(get("rmu"), work(vlm, examples(), tmp_path))
    after = [states_of(done.vlm, rows, 0) for rows in (forget, others)]
    turned = [torch.cosine_similarity(states[0], u[None]).mean().item() for states in (before, after)]
    assert abs(turned[0]) < 0.3
    assert turned[1] > turned[0] + 0.3
    moved = [((a - b).norm(dim=1) / b.norm(dim=1)).mean().item() for a, b in zip(after, before, strict=True)]
    assert moved[1] < moved[0] / 2


# --- ASRU ----------------------------------------------------------------------------------------------


def test_positions_of_each_row():
    made = table(1)  # rows of 3, 1, 2, 3, 1, 2, 4, 2 tokens
    first, last = ({0, 3, 4, 6, 9, 10, 12, 16}, {2, 3, 5, 8, 9, 11, 15, 17})
    assert set(at_positions(made, "first").nonzero()[:, 0].tolist()) == first
    assert set(at_positions(made, "last").nonzero()[:, 0].tolist()) == last
    assert at_positions(made, "all").all()


ASRU_CASES = {
    "corrected": ({}, slice(0, 1), slice(None)),
    "last": ({"positions": "last"}, slice(-1, None), slice(None)),
    "all": ({"positions": "all"}, slice(None), slice(None)),
    "released": ({"variant": "released_code"}, slice(-1, None), slice(-1, None)),
}


@pytest.mark.parametrize("case", ASRU_CASES)
def test_asru_agrees_with_loops(case):
    knobs, moved, kept = ASRU_CASES[case]
    student, target = (table(seed, layers=(LAYER,)) for seed in (1, 2))
    step = torch.tensor([1.0, -2.0, 0.5, 3.0])
    method = get("asru", {**knobs, "alpha": 2.0})
    method = method.with_terms(*asru_terms(method.knobs, LAYER, step))

    def error(i, shift):
        goal = (target.states[LAYER][i] + shift).tolist()
        return mean(squares(student.states[LAYER][i], goal))

    wanted = mean(mean(error(i, step) for i in row[moved]) for row in tokens(student, "original"))
    wanted += 2.0 * mean(mean(error(i, 0.0) for i in row[kept]) for row in rows_of(student, RETAIN_ROLES))
    loss, _ = step_loss(method, student, {TARGET: target})
    assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_refusals_are_known_by_their_marks():
    rows = [
        replace(examples()[0], answer=a) for a in ("I don’t know her.", "It is Ann.", "SORRY, no.", "Yes.")
    ]
    marks = get("asru").knobs.marks
    assert [row.answer for row in refused(rows, marks)] == ["I don’t know her.", "SORRY, no."]
    assert [row.answer for row in refused(rows, ("ann",))] == ["It is Ann."]


def plain_state(vlm, example, layer):
    """The state at the end of the prompt, from the stock processor and model on the prompt alone: (D,)."""
    inputs = processor_inputs(vlm, example.prompt, example.picture, None)
    seen = vlm.model(**inputs, output_hidden_states=True)
    return seen.hidden_states[layer + 1][0, -1]


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_asru_measures_its_direction_at_the_end_of_the_prompt(family):
    """v by hand: the one refused question about another picture against the two forget questions."""
    vlm = build(family)
    found = {e.id: e for e in examples()}
    with torch.no_grad():
        unknown = plain_state(vlm, found["anchor-2"], 0)
        known = torch.stack([plain_state(vlm, found[f"original-{i}"], 0) for i in (0, 1)]).mean(0)
    v = unknown - known
    prepared = get("asru", {"layer": 0, "scale": 2.0, "own_scope": True}).prepare(context(vlm))
    assert prepared.notes["layer"] == 0
    assert prepared.notes["refused"] == 1
    assert prepared.notes["direction_norm"] == pytest.approx(v.norm().item(), rel=1e-4)
    assert prepared.scope == replace(SCOPE, parts=("language.mlp[0..0]",))
    same = table(1, layers=(0,), width=WIDTH)
    loss, _ = step_loss(prepared.method, same, {TARGET: same}, Turn(0, None))
    assert loss.item() == pytest.approx((2.0 * v).square().mean().item(), rel=1e-3)


def test_asru_without_a_refused_question_says_what_to_do():
    rows = [e for e in examples() if e.id != "anchor-2"]
    with pytest.raises(UserError, match="the model refuses") as error:
        get("asru").prepare(context(build("llava"), rows))
    assert "--retain" in error.value.remedy
    assert "2 answers" in error.value.got


def test_asru_without_other_pictures_is_refused_before_any_work(tmp_path):
    rows = [e for e in examples() if e.role != "anchor"]
    with pytest.raises(UserError, match="anchor"):
        unlearn(get("asru"), work(build("llava"), rows, tmp_path))


def test_asru_moves_the_forget_states_along_its_direction(tmp_path):
    """The prompt's last state gains most of the step towards what is refused; other states stay."""
    vlm = build("llava")
    method = get("asru", {"layer": 0, "scale": 1.0})
    assert method.schedule == Alternate(1)
    forget = [e for e in examples() if e.role == "original"]
    found = {e.id: e for e in examples()}
    with torch.no_grad():
        before = torch.stack([plain_state(vlm, e, 0) for e in forget])
        v = plain_state(vlm, found["anchor-2"], 0) - before.mean(0)
    done = unlearn(method, work(vlm, examples(), tmp_path, passes=40))
    with torch.no_grad():
        after = torch.stack([plain_state(done.vlm, e, 0) for e in forget])
    gained = ((after - before) @ v / v.square().sum()).mean().item()
    assert 0.4 < gained < 1.4
