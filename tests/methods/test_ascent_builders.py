"""Ascent, preference and refusal methods: knobs, bounds, schedules, references, needs, prompt decoupling."""

from dataclasses import replace

import pytest

from tests.methods.ascent_rows import Loops, make_rows, make_tables, step_loss
from unsee.methods.decoupling import with_decoupling
from unsee.methods.parts import GOLD, TARGET, Method
from unsee.methods.registry import get
from unsee.methods.schedules import JOINT, Alternate, Sequential
from unsee.nouns import UserError


@pytest.fixture
def rows():
    return make_rows()


@pytest.fixture
def tables(rows):
    return make_tables(rows)


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
