"""What one step of descent does to a tiny model that knows the forget answers."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.ascent_rows import step_loss
from tests.tiny import build, picture
from unsee.methods.registry import get
from unsee.nouns import Example
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward


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
