"""Methods by name: knobs checked, unknown words answered with the nearest known one."""

import dataclasses

import pytest

from unsee.methods.registry import describe, get, methods
from unsee.nouns import UserError


def test_the_methods():
    assert len(methods()) >= 28
    assert {"siu", "ga", "ga_kl", "po", "grad_diff", "npo", "mmunlearner", "manu", "pava"} <= set(methods())
    assert list(methods()) == sorted(methods())


@pytest.mark.parametrize("name", methods())
def test_every_method_is_complete(name):
    method = get(name)
    assert method.name == name
    assert method.terms or method.edit or method.hook or method.prepare
    assert method.reduction
    assert method.cost
    assert "arXiv" in method.paper
    names = [term.name for term in method.terms]
    assert len(set(names)) == len(names)
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.name = "other"
    described = describe(name)
    assert described.loss == method.loss_line
    assert set(described.roles) == method.roles
    assert all(knob.help and knob.source and knob.type for knob in described.knobs)


def test_unknown_method_names_the_nearest():
    with pytest.raises(UserError, match="did you mean ga_kl") as error:
        get("ga_kll")
    assert "siu" in error.value.expected


def test_unknown_knob_names_the_nearest():
    with pytest.raises(UserError, match="did you mean alpha"):
        get("siu", {"alhpa": 1.0})
    with pytest.raises(UserError, match="variant, bound"):
        get("ga", {"weight": 1.0})


def test_knobs_arrive_in_their_type():
    knobs = get("siu", {"alpha": 1, "beta": None, "variant": "paper", "vocabulary_roles": ["T1"]}).knobs
    assert (knobs.alpha, knobs.beta, knobs.variant, knobs.vocabulary_roles) == (1.0, None, "paper", ("T1",))
    assert isinstance(knobs.alpha, float)
    assert get("siu", {"vocabulary_roles": "T1"}).knobs.vocabulary_roles == ("T1",)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("siu", {"alpha": "much"}),
        ("siu", {"alpha": float("nan")}),
        ("siu", {"alpha": True}),
        ("siu", {"variant": "best"}),
        ("siu", {"renormalise": 1}),
        ("siu", {"vocabulary_roles": 3}),
        ("ga_kl", {"weight": None}),
        ("po", {"weight": float("inf")}),
    ],
)
def test_wrong_values_are_refused(name, knobs):
    with pytest.raises(UserError, match="not accepted") as error:
        get(name, knobs)
    assert next(iter(knobs)) in error.value.what


def test_weights_of_siu():
    def weights(**knobs):
        return [term.weight for term in get("siu", knobs).terms]

    assert weights() == [0.9, 0.75, 0.9, 0.75]
    assert weights(variant="paper")[:2] == [0.9, 0.75]
    assert weights(variant="released_code")[:2] == [1.0, 1.0]
    assert weights(variant="released_code", beta=0.5)[:2] == [1.0, 0.5]
    assert weights(anchor_weight=2.0)[2:] == [1.8, 1.5]
    assert weights(anchor_weight=0.0) == [0.9, 0.75]
    assert "anchor" not in get("siu", {"anchor_weight": 0.0}).roles
