"""Ascent, preference and refusal methods: losses and gradients by loops, identities, variants, knobs."""

import math
from dataclasses import replace

import pytest
import torch

from tests.objectives import slow
from tests.tiny import build, picture
from unsee.methods.decoupling import with_decoupling
from unsee.methods.parts import GOLD, TARGET, Method, pick_rows, rows_with_role
from unsee.methods.preference import pairs
from unsee.methods.registry import get
from unsee.methods.schedules import JOINT, Alternate, Sequential, Turn
from unsee.nouns import Example, UserError
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import TokenTable, forward
from unsee.training.losses import start_step

VOCABULARY = 9


@pytest.fixture
def rows():
    one = picture(1)
    said = [
        ("original-0", (2, 2, 4)),
        ("refusal-1", (8,)),
        ("original-1", (7,)),
        ("refusal-0", (8, 1)),
        ("alternative-0", (3, 5, 5, 1)),
        ("alternative-1", (6, 2)),
        ("mismatch-0", (1, 5)),
        ("original-2", (5, 6)),
        ("T3-0", (6, 7, 8)),
        ("anchor-0", (3, 3)),
        ("retain-0", (4,)),
        ("decoupled-0", (0, 7)),
    ]
    return tuple(
        Row(name, name.split("-")[0], (0, *answer), 1, (True,) * len(answer), one, (0, 1))
        for name, answer in said
    )


@pytest.fixture
def tables(rows):
    """Student, target and gold."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([label for row in rows for label in row.labels])
    index = torch.tensor([r for r, row in enumerate(rows) for _ in row.labels])
    return tuple(
        TokenTable(
            torch.randn(len(labels), VOCABULARY, generator=generator) * 2,
            labels,
            index,
            torch.ones(len(labels), dtype=torch.bool),
            rows,
        )
        for _ in range(3)
    )


def step_loss(method, student, target, gold=None):
    """Weighted sum of the terms, each divided by its count, in one forward pass."""
    total = student.logits.new_zeros(())
    teachers = {None: None, TARGET: target, GOLD: gold}
    for term in method.terms:
        wanted = rows_with_role(student, term.roles)
        teacher = teachers[term.teacher]
        values = term.loss(pick_rows(student, wanted), teacher and pick_rows(teacher, wanted))
        assert values.shape == (len(wanted),)
        total = total + term.weight * values.sum() / sum(term.count(student.rows[r]) for r in wanted)
    return total


class Loops:
    """The losses and the closed-form token weights in float64 Python."""

    def __init__(self, tables, rows):
        self.rows, self.tokens, start = rows, [], 0
        for row in rows:
            self.tokens.append(range(start, start + len(row.labels)))
            start += len(row.labels)
        self.logits = [table.logits.double().tolist() for table in tables]

    def of(self, *roles):
        return [r for r, row in enumerate(self.rows) if row.role in roles]

    def logp(self, r, model=0):
        return [
            -slow.nll(self.logits[model][i], y)
            for i, y in zip(self.tokens[r], self.rows[r].labels, strict=True)
        ]

    def mean_nll(self, *roles):
        return mean([-mean(self.logp(r)) for r in self.of(*roles)])

    def token_nll(self, *roles):
        return -mean([x for r in self.of(*roles) for x in self.logp(r)])

    def excess(self, r, model=1):
        return sum(self.logp(r)) - sum(self.logp(r, model))

    def mean_kl(self, *roles):
        return mean(
            [
                mean([slow.masked_kl(self.logits[0][i], self.logits[1][i], ()) for i in self.tokens[r]])
                for r in self.of(*roles)
            ]
        )

    def pairs(self, preferred):
        by_name = {row.example: r for r, row in enumerate(self.rows)}
        return [(by_name[f"{preferred}-{n}"], by_name[f"original-{n}"]) for n in (0, 1)]

    def gradient(self, weights):
        """Gradient on the logits of the sum of w_t log p_t."""
        found, labels = [], [label for row in self.rows for label in row.labels]
        for i, (logits, label) in enumerate(zip(self.logits[0], labels, strict=True)):
            chance = slow.softmax(logits)
            found.append([weights.get(i, 0.0) * ((v == label) - p) for v, p in enumerate(chance)])
        return torch.tensor(found)


def mean(values):
    return sum(values) / len(values)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def preference(excess, beta):
    return 2 / beta * math.log(1 + math.exp(beta * excess))


RETAIN = ("T3", "anchor", "retain")


def dpo_by_loops(loops, preferred, beta):
    return mean([preference(loops.excess(y) - loops.excess(x), beta) for x, y in loops.pairs(preferred)])


def clear_by_loops(loops):
    total = []
    for r in loops.of("original"):
        for i in loops.tokens[r]:
            p, q = slow.softmax(loops.logits[0][i]), slow.softmax(loops.logits[1][i])
            total.append(mean([2 * math.log(1 + a / (b + 1e-8)) for a, b in zip(p, q, strict=True)]))
    return mean(total)


def weighted(loops, power, doubt, how):
    parts = [
        [math.exp(x) ** power * (1 - math.exp(x)) ** doubt * x for x in loops.logp(r)]
        for r in loops.of("original")
    ]
    if how == "tokens":
        return mean([x for part in parts for x in part])
    return mean([sum(part) / (len(part) if how == "mean" else 1) for part in parts])


def batch_scalar(loops, beta):
    mine = [x for r in loops.of("original") for x in loops.logp(r)]
    gold = [x for r in loops.of("original") for x in loops.logp(r, 2)]
    return preference(mean(mine) - mean(gold), beta)


# Name, knobs, and the whole loss of a step in loops.
CASES = [
    ("ga", {}, lambda x: -x.mean_nll("original")),
    ("ga", {"variant": "paper"}, lambda x: -x.mean_nll("original")),
    ("ga", {"variant": "released_code"}, lambda x: -x.token_nll("original")),
    ("grad_diff", {"weight": 0.5}, lambda x: -x.mean_nll("original") + 0.5 * x.mean_nll(*RETAIN)),
    (
        "grad_diff",
        {"variant": "released_code"},
        lambda x: -x.token_nll("original") + x.token_nll(*RETAIN),
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


def probability(logp):
    return math.exp(logp)


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
        scalar = preference(mean(loops.logp(r)) - mean(loops.logp(r, 2)), 0.4)
        assert part == pytest.approx(len(rows[r].labels) * scalar, rel=1e-5)
    whole = term.loss(pick_rows(student, wanted), pick_rows(gold, wanted)).sum().item()
    assert whole != pytest.approx(sum(parts), rel=1e-3)


# --- builders ----------------------------------------------------------------------------------------

REACH = [
    ("grad_diff", {"weight": 0.3}),
    ("wga", {"beta": 2.0}),
    ("wga", {"weight": 0.3}),
    ("satimp", {"beta1": 1.0, "beta2": 0.0}),
    ("satimp", {"forget_weight": 3.0}),
    ("satimp", {"weight": 3.0}),
    ("npo", {"beta": 1.0}),
    ("npo", {"weight": 0.3}),
    ("npo", {"retain": "kl"}),
    ("npo", {"reference": "gold"}),
    ("npo", {"reduction": "mean"}),
    ("npo", {"variant": "released_code", "beta": 2.0}),
    ("npo", {"variant": "released_code_clear", "beta": 2.0}),
    ("simnpo", {"beta": 1.0}),
    ("simnpo", {"gamma": 2.0, "forget_weight": 1.0}),
    ("simnpo", {"weight": 0.3}),
    ("dpo", {"beta": 1.0}),
    ("dpo", {"weight": 0.3}),
    ("dpo", {"variant": "released_code", "weight": 1.0}),
    ("altpo", {"beta": 1.0}),
    ("altpo", {"weight": 0.3}),
    ("llmu", {"forget_weight": 0.02}),
    ("llmu", {"mismatch_weight": 0.01}),
    ("llmu", {"weight": 0.3}),
    ("po", {"weight": 0.3}),
    ("po_pd", {"weight": 0.3}),
    ("po_pd", {"decoupled_weight": 0.3}),
]


@pytest.mark.parametrize(("name", "knobs"), REACH, ids=str)
def test_knobs_reach_the_loss(name, knobs, tables):
    base = get(name, {k: v for k, v in knobs.items() if k in ("variant", "gamma", "beta1")})
    assert step_loss(get(name, knobs), *tables).item() != pytest.approx(
        step_loss(base, *tables).item(), rel=1e-4
    )


CLIMBING = ("ga", "grad_diff", "wga", "satimp", "npo", "simnpo", "dpo", "altpo", "llmu")


@pytest.mark.parametrize("name", CLIMBING)
def test_bound(name):
    assert get(name, {"bound": 3}).stop_above == 3.0
    assert get(name, {"bound": None}).stop_above is None


def test_default_bounds():
    found = {name: get(name).stop_above for name in CLIMBING}
    assert {name: bound for name, bound in found.items() if bound} == {
        "ga": 10.0,
        "grad_diff": 10.0,
        "llmu": 100.0,
    }


@pytest.mark.parametrize("name", ["npo", "simnpo", "dpo", "altpo"])
@pytest.mark.parametrize("beta", [0.0, -1.0])
def test_beta_must_be_positive(name, beta):
    with pytest.raises(UserError, match="beta") as error:
        get(name, {"beta": beta})
    assert "above 0" in error.value.expected


def test_schedules_of_grad_diff():
    def schedule(**knobs):
        return get("grad_diff", knobs).schedule

    assert schedule() == schedule(variant="paper") == JOINT
    assert schedule(variant="released_code") == Sequential()
    assert schedule(variant="released_code", schedule="joint") == JOINT
    assert schedule(schedule="sequential") == Sequential()
    assert schedule(schedule="alternate", every=3) == Alternate(3)
    with pytest.raises(UserError, match="every"):
        schedule(schedule="alternate", every=0)


def test_references():
    assert get("npo").teachers == {TARGET}
    assert get("npo", {"variant": "released_code"}).teachers == {GOLD}
    assert get("npo", {"variant": "released_code", "reference": "target"}).teachers == {TARGET}
    assert get("npo", {"variant": "released_code_clear"}).teachers == {TARGET}
    assert get("npo", {"reference": "gold"}).copies == 1
    assert get("npo").copies == 0
    assert get("simnpo").teachers == frozenset()
    assert get("dpo", {"variant": "released_code"}).teachers == frozenset()


def test_weight_zero_leaves_the_rows_out():
    for name in ("grad_diff", "wga", "satimp", "npo", "simnpo", "dpo", "altpo", "llmu", "po"):
        assert all(term.side == "forget" for term in get(name, {"weight": 0.0}).terms)
    assert "mismatch" not in get("llmu", {"mismatch_weight": 0.0}).roles


def test_needs():
    assert set(get("dpo").needs) == set(get("po").needs) == {"refusal"}
    assert set(get("altpo").needs) == {"alternative"}
    assert set(get("llmu").needs) == {"mismatch"}
    assert not get("llmu", {"mismatch_weight": 0.0}).needs
    assert not get("po", {"variant": "released_code"}).needs
    assert not get("dpo", {"variant": "released_code_clear"}).needs
    assert set(get("po_pd").needs) == {"refusal", "decoupled"}


# --- prompt decoupling -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ga", "npo", "siu", "altpo"])
def test_decoupling_adds_one_term(name, tables, rows):
    method = get(name)
    more = with_decoupling(method, 0.5)
    assert more.terms[:-1] == method.terms
    added = more.terms[-1]
    assert (added.name, added.roles, added.weight, added.side) == (
        "decoupled_ce",
        frozenset({"decoupled"}),
        0.5,
        "retain",
    )
    assert "decoupled" in more.needs
    only = replace(method, terms=(added,))
    expected = 0.5 * Loops(tables, rows).mean_nll("decoupled")
    assert step_loss(only, *tables).item() == pytest.approx(expected, rel=1e-5)


def test_decoupling_replaces_its_own_term():
    twice = with_decoupling(with_decoupling(get("ga"), 0.5), 2.0)
    assert [term.weight for term in twice.terms if term.name == "decoupled_ce"] == [2.0]
    assert twice.loss_line.count("CE(decoupled)") == 1


def test_decoupling_of_weight_zero_is_the_method_itself():
    method = get("ga")
    assert with_decoupling(method, 0.0) == method
    without = with_decoupling(get("po_pd"), 0.0)
    assert without.loss_line == get("po").loss_line
    assert "decoupled" not in without.roles
    assert "decoupled" not in without.needs


def test_decoupling_is_refused():
    with pytest.raises(UserError, match="Prompt decoupling"):
        with_decoupling(get("ga"), -1.0)
    edits = Method("x", "x", "x", "x", None, ())
    with pytest.raises(UserError, match="a method that trains"):
        with_decoupling(edits, 1.0)


# --- what a step does to a model that knows the answer -------------------------------------------------


@pytest.fixture(scope="module")
def knowing():
    """A tiny LLaVA that has learned the forget answers, and its rows."""
    vlm, one = build("llava"), picture(1)
    examples = [
        Example("original-0", "Who is this?", "This is Jane Roe.", "original", one),
        Example("original-1", "Is this Jane Roe?", "Yes.", "original", one),
        Example("refusal-0", "Who is this?", "I do not know.", "refusal", one),
        Example("refusal-1", "Is this Jane Roe?", "I do not know.", "refusal", one),
        Example("alternative-0", "Who is this?", "It is Bo.", "alternative", one),
        Example("alternative-1", "Is this Jane Roe?", "No.", "alternative", one),
    ]
    batch = collate(vlm, build_packs(vlm, make_rows(vlm, examples)))
    weights = [p for n, p in vlm.model.named_parameters() if "language_model" in n or "lm_head" in n]
    optimiser = torch.optim.Adam(weights, lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        table = forward(vlm, batch)
        (-table.logp[of_role(table, "original")].mean()).backward()
        optimiser.step()
    return vlm, batch, weights


def of_role(table, role):
    return torch.tensor([table.rows[r].role == role for r in table.row.tolist()])


def change_by_one_step(knowing, method, role):
    """Change of the mean answer log-probability of a role after one small step of descent."""
    vlm, batch, weights = knowing
    with torch.no_grad():
        reference = forward(vlm, batch)
    before = [p.detach().clone() for p in weights]
    trained = replace(method, terms=tuple(term for term in method.terms if term.side == "forget"))
    slopes = torch.autograd.grad(step_loss(trained, forward(vlm, batch), reference), weights)
    length = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
    with torch.no_grad():
        for p, slope in zip(weights, slopes, strict=True):
            p -= 0.05 / length * slope
        after = forward(vlm, batch)
        for p, old in zip(weights, before, strict=True):
            p.copy_(old)
    chosen = of_role(reference, role)
    return (after.logp[chosen].mean() - reference.logp[chosen].mean()).item()


def test_the_model_knows_the_answers(knowing):
    vlm, batch, _ = knowing
    with torch.no_grad():
        table = forward(vlm, batch)
    assert table.logp[of_role(table, "original")].exp().min() > 0.5


@pytest.mark.parametrize("name", ["ga", "grad_diff", "wga", "npo", "simnpo", "dpo", "altpo"])
def test_a_step_lowers_the_forget_answers(name, knowing):
    assert change_by_one_step(knowing, get(name), "original") < -1e-4


@pytest.mark.parametrize(("name", "role"), [("dpo", "refusal"), ("altpo", "alternative"), ("po", "refusal")])
def test_a_step_raises_what_is_preferred(name, role, knowing):
    assert change_by_one_step(knowing, get(name), role) > 1e-4


@pytest.mark.parametrize(
    ("name", "variant"),
    [("npo", "released_code_clear"), ("po", "released_code"), ("dpo", "released_code_clear")],
)
def test_clears_releases_raise_the_forget_answers(name, variant, knowing):
    """CLEAR's NPO, IDK and DPO as released make the answers that they shall remove more likely."""
    assert change_by_one_step(knowing, get(name, {"variant": variant}), "original") > 1e-4


def test_the_overwritten_dpo_only_teaches_refusals(knowing):
    method = get("dpo", {"variant": "released_code"})
    assert "original" not in method.roles
    assert change_by_one_step(knowing, method, "refusal") > 1e-4
