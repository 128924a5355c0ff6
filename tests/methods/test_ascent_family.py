"""Ascent, preference and refusal methods: losses and gradients by loops, identities, pairs."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.ascent_rows import (
    RETAIN,
    VOCABULARY,
    Loops,
    batch_scalar,
    clear_by_loops,
    dpo_by_loops,
    make_rows,
    make_tables,
    mean,
    preference,
    sigmoid,
    step_loss,
    weighted,
)
from unsee.methods.parts import TARGET, pick_rows, rows_with_role
from unsee.methods.preference import pairs
from unsee.methods.registry import get
from unsee.methods.schedules import Turn
from unsee.training.losses import start_step


@pytest.fixture
def rows():
    return make_rows()


@pytest.fixture
def tables(rows):
    return make_tables(rows)


# Name, knobs, and the whole loss of a step in loops.
CASES = [
    ("ga", {}, lambda x: -x.mean_nll("original")),
    ("ga", {"variant": "paper"}, lambda x: -x.mean_nll("original")),
    ("ga", {"variant": "released_code"}, lambda x: -x.everywhere_nll("original")),
    ("grad_diff", {"weight": 0.5}, lambda x: -x.mean_nll("original") + 0.5 * x.mean_nll(*RETAIN)),
    (
        "grad_diff",
        {"variant": "released_code", "weight": 0.5},
        lambda x: -x.everywhere_nll("original") + 0.5 * x.everywhere_nll(*RETAIN),
    ),
    ("wga", {"beta": 0.7}, lambda x: weighted(x, 0.7, 0, "mean") + x.mean_nll(*RETAIN)),
    ("wga", {"variant": "paper"}, lambda x: weighted(x, 1, 0, "sum") + x.mean_nll(*RETAIN)),
    ("wga", {"variant": "released_code"}, lambda x: weighted(x, 1, 0, "tokens") + x.token_nll(*RETAIN)),
    ("satimp", {}, lambda x: weighted(x, 5, 1, "mean") + 0.1 * x.mean_nll(*RETAIN)),
    ("satimp", {"variant": "paper"}, lambda x: weighted(x, 5, 1, "sum") + 0.1 * x.mean_nll(*RETAIN)),
    (
        "satimp",
        {"variant": "released_code"},
        lambda x: 0.1 * weighted(x, 5, 1, "tokens") + x.token_nll(*RETAIN),
    ),
    (
        "npo",
        {},
        lambda x: mean([preference(x.excess(r), 0.1) for r in x.of("original")]) + x.mean_nll(*RETAIN),
    ),
    (
        "npo",
        {"reduction": "mean", "retain": "kl", "weight": 2.0, "beta": 0.5},
        lambda x: (
            mean([preference(x.excess(r) / len(x.tokens[r]), 0.5) for r in x.of("original")])
            + 2 * x.mean_kl(*RETAIN)
        ),
    ),
    (
        "npo",
        {"reference": "gold", "weight": 0.0},
        lambda x: mean([preference(x.excess(r, 2), 0.1) for r in x.of("original")]),
    ),
    ("npo", {"variant": "released_code"}, lambda x: batch_scalar(x, 0.4)),
    ("npo", {"variant": "released_code_clear"}, clear_by_loops),
    (
        "simnpo",
        {"gamma": 0.5},
        lambda x: (
            0.125 * mean([preference(0.5 + mean(x.logp(r)), 4.5) for r in x.of("original")])
            + x.mean_nll(*RETAIN)
        ),
    ),
    ("dpo", {"beta": 0.3}, lambda x: dpo_by_loops(x, "refusal", 0.3) + x.mean_nll(*RETAIN)),
    ("dpo", {"variant": "released_code"}, lambda x: mean([-sum(x.logp(r)) for r in x.of("refusal")])),
    (
        "dpo",
        {"variant": "released_code_clear"},
        lambda x: mean([-sum(x.logp(r)) for r in x.of("original")]),
    ),
    ("altpo", {"weight": 2.0}, lambda x: dpo_by_loops(x, "alternative", 0.1) + 2 * x.mean_nll(*RETAIN)),
    (
        "llmu",
        {},
        lambda x: -0.5 * x.mean_nll("original") + x.mean_nll("mismatch") + x.mean_kl(*RETAIN),
    ),
    ("po", {}, lambda x: x.mean_nll("refusal") + x.mean_nll(*RETAIN)),
    ("po", {"variant": "released_code"}, lambda x: x.token_nll("original") + x.token_nll(*RETAIN)),
    (
        "po_pd",
        {"decoupled_weight": 0.5},
        lambda x: x.mean_nll("refusal") + x.mean_nll(*RETAIN) + 0.5 * x.mean_nll("decoupled"),
    ),
]


@pytest.mark.parametrize(
    ("name", "knobs", "by_loops"), CASES, ids=[f"{name}-{knobs}" for name, knobs, _ in CASES]
)
def test_loss_agrees_with_loops(name, knobs, by_loops, tables, rows):
    found = step_loss(get(name, knobs), *tables).item()
    assert found == pytest.approx(by_loops(Loops(tables, rows)), rel=1e-5)


def row_weights(loops, weight_of_token):
    """Weights per token of the mean over the original rows."""
    original = loops.of("original")
    return {
        i: weight_of_token(r, logp) / len(original)
        for r in original
        for i, logp in zip(loops.tokens[r], loops.logp(r), strict=True)
    }


def pair_weights(loops, preferred, beta):
    found = {}
    for x, y in loops.pairs(preferred):
        weight = 2 * sigmoid(beta * (loops.excess(y) - loops.excess(x))) / 2
        found |= {i: weight for i in loops.tokens[y]} | {i: -weight for i in loops.tokens[x]}
    return found


# The gradient in closed form: a weight for each token.
WEIGHTS = [
    ("ga", {}, lambda x: row_weights(x, lambda r, lp: 1 / len(x.tokens[r]))),
    ("wga", {"weight": 0.0}, lambda x: row_weights(x, lambda r, lp: math.exp(lp) / len(x.tokens[r]))),
    (
        "satimp",
        {"weight": 0.0, "beta1": 2.0},
        lambda x: row_weights(x, lambda r, lp: math.exp(lp) ** 2 * (1 - math.exp(lp)) / len(x.tokens[r])),
    ),
    ("npo", {"weight": 0.0}, lambda x: row_weights(x, lambda r, lp: 2 * sigmoid(0.1 * x.excess(r)))),
    (
        "simnpo",
        {"weight": 0.0, "forget_weight": 1.0, "gamma": 3.0},
        lambda x: row_weights(
            x, lambda r, lp: 2 / len(x.tokens[r]) * sigmoid(-4.5 * (-mean(x.logp(r)) - 3.0))
        ),
    ),
    ("dpo", {"weight": 0.0}, lambda x: pair_weights(x, "refusal", 0.1)),
    ("altpo", {"weight": 0.0, "beta": 0.5}, lambda x: pair_weights(x, "alternative", 0.5)),
]


@pytest.mark.parametrize(("name", "knobs", "weights"), WEIGHTS, ids=[case[0] for case in WEIGHTS])
def test_gradient_is_the_closed_form_token_weight(name, knobs, weights, tables, rows):
    loops = Loops(tables, rows)
    found = gradient(get(name, knobs), *tables)
    torch.testing.assert_close(found, loops.gradient(weights(loops)), rtol=0, atol=1e-6)
    assert found.abs().max() > 1e-3


def gradient(method, student, *teachers):
    leaf = student.logits.clone().requires_grad_()
    step_loss(method, replace(student, logits=leaf), *teachers).backward()
    return leaf.grad


def test_identities(tables):
    def same(one, other):
        torch.testing.assert_close(gradient(one, *tables), gradient(other, *tables), rtol=0, atol=1e-6)

    same(get("wga", {"beta": 0.0}), get("grad_diff"))
    same(get("satimp", {"beta1": 1.0, "beta2": 0.0, "weight": 1.0}), get("wga"))
    same(get("grad_diff", {"weight": 0.0}), get("ga"))
    same(get("npo", {"beta": 1e-6, "reduction": "mean"}), get("grad_diff"))
    same(get("dpo", {"variant": "released_code"}), get("dpo", {"variant": "released_code", "beta": 2.0}))


def test_simnpo_is_npo_per_token_with_a_constant_reference(tables):
    """Where the reference gives every answer token the same probability, gamma is its loss per token."""
    student, target, _ = tables
    flat = replace(target, logits=torch.zeros_like(target.logits))
    one = get("simnpo", {"gamma": math.log(VOCABULARY), "forget_weight": 1.0, "beta": 0.7})
    other = get("npo", {"reduction": "mean", "beta": 0.7})
    torch.testing.assert_close(step_loss(one, student, flat), step_loss(other, student, flat))


@pytest.mark.parametrize("name", ["npo", "dpo", "altpo"])
def test_at_the_reference_the_loss_is_two_log_two_by_beta(name, tables):
    target = tables[1]
    found = step_loss(get(name, {"weight": 0.0, "beta": 0.25}), target, target)
    assert found.item() == pytest.approx(8 * math.log(2), rel=1e-6)


# --- pairs -------------------------------------------------------------------------------------------


def test_pairs_meet_by_number_and_lone_originals_rest(tables, rows):
    student, target, _ = tables
    method = get("dpo")
    term = method.terms[0]
    assert term.paired
    wanted = rows_with_role(student, term.roles)
    table = pick_rows(student, wanted)
    names = [row.example for row in table.rows]
    chosen, rejected = pairs(table, "refusal")
    assert [(names[a], names[b]) for a, b in zip(chosen, rejected, strict=True)] == [
        ("refusal-1", "original-1"),
        ("refusal-0", "original-0"),
    ]
    values = term.loss(table, pick_rows(target, wanted))
    paid = {name: value for name, value in zip(names, values.tolist(), strict=True) if value}
    assert paid.keys() == {"refusal-0", "refusal-1"}
    assert sum(term.count(row) for row in table.rows) == 2


def test_a_step_without_any_pair_costs_nothing(tables):
    student, target, _ = tables
    method = get("dpo", {"weight": 0.0})
    lone = [r for r, row in enumerate(student.rows) if row.example == "original-2"]
    leaf = student.logits.clone().requires_grad_()
    step = start_step(method, [student.rows[r] for r in lone], 1, Turn(0, 0))
    loss = step.add(pick_rows(replace(student, logits=leaf), lone), {TARGET: pick_rows(target, lone)})
    loss.backward()
    assert loss.item() == 0
    assert leaf.grad.abs().max() == 0


def test_a_preferred_row_alone_is_an_error(tables):
    student, target, _ = tables
    alone = rows_with_role(student, frozenset({"refusal"}))
    with pytest.raises(AssertionError, match="refusal-1"):
        get("dpo").terms[0].loss(pick_rows(student, alone), pick_rows(target, alone))


def test_a_cut_batch_of_the_released_npo_is_the_token_weighted_mean(tables, rows):
    student, _, gold = tables
    term = get("npo", {"variant": "released_code"}).terms[0]
    wanted = rows_with_role(student, term.roles)
    parts = [term.loss(pick_rows(student, [r]), pick_rows(gold, [r])).item() for r in wanted]
    loops = Loops(tables, rows)
    for r, part in zip(wanted, parts, strict=True):
        tokens = len(rows[r].ids) - 1
        scalar = preference((loops.sums[2][r] - loops.sums[0][r]) / tokens, 0.4)
        assert part == pytest.approx(tokens * scalar, rel=1e-5)
    whole = term.loss(pick_rows(student, wanted), pick_rows(gold, wanted)).sum().item()
    assert whole != pytest.approx(sum(parts), rel=1e-3)
