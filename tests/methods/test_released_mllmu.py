"""GA, GradDiff and GA+KL as MLLMU-Bench releases them: the losses of stock models, one row at a time."""

import pytest
import torch
from torch.nn import functional

from tests.methods.rows import examples, knowing
from tests.methods.test_conformance import run
from tests.packs.plain import plain_forward
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES
from unsee.packs.rows import make_rows

RELEASED = {"variant": "released_code"}


def released_loss(vlm, roles):
    """Mean cross-entropy for labels = input_ids over all rows with these roles, from full logits."""
    chosen = [example for example in examples() if example.role in roles]
    total = tokens = 0
    for row, example in zip(make_rows(vlm, chosen), chosen, strict=True):
        with torch.no_grad():
            logits = plain_forward(vlm, row, example.prompt, example.answer).logits[0, : len(row.ids)]
        labels = torch.tensor(row.ids)
        total += functional.cross_entropy(logits[:-1].float(), labels[1:], reduction="sum").item()
        tokens += len(row.ids) - 1
    return total / tokens


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
@pytest.mark.parametrize("name", ["ga", "grad_diff", "ga_kl"])
def test_a_step_has_the_released_loss(name, family, tmp_path):
    """The learning rate is so small that all steps are those of the target."""
    options = {"passes": 1, "batch": 64, "anchors_per_step": 64, "lr": 1e-12}
    done = run(name, family, tmp_path, knobs=RELEASED, **options)[2].training
    terms = [(key, value) for line in done.lines for key, value in line.get("terms", {}).items()]
    target = knowing(family)
    wanted = {"ascent": -released_loss(target, FORGET_ROLES)}
    if name != "ga":
        wanted["retain_ce"] = released_loss(target, RETAIN_ROLES)
    if name == "ga_kl":
        wanted["retain_kl"] = 0.0
    assert {key for key, _ in terms} == wanted.keys()
    for key, value in terms:
        assert value == pytest.approx(wanted[key], rel=1e-4, abs=1e-5), key
    assert (done.cost.reference_forwards > 0) == (name == "ga_kl")


@pytest.mark.parametrize("name", ["ga", "grad_diff", "ga_kl"])
def test_small_passes_add_up_to_the_same_steps(name, tmp_path):
    options = {"passes": 2, "anchors_per_step": 2, "knobs": RELEASED}
    whole = run(name, "llava", tmp_path / "whole", **options)[2].training
    cut = run(name, "llava", tmp_path / "cut", forward_tokens=64, pack_tokens=64, **options)[2].training
    assert cut.cost.backwards > whole.cost.backwards
    for one, two in zip(whole.lines, cut.lines, strict=True):
        assert two.get("terms", {}) == pytest.approx(one.get("terms", {}), rel=2e-3, abs=1e-5)


def test_ascent_makes_every_token_of_the_forget_rows_less_likely(tmp_path):
    """The mean over prompt, picture and answer, of which the answer is a small part."""
    before = released_loss(knowing("llava"), FORGET_ROLES)
    done = run("ga", "llava", tmp_path, knobs=RELEASED, passes=6)[2]
    with torch.no_grad():
        assert released_loss(done.vlm, FORGET_ROLES) > before + 0.05
