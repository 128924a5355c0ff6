"""What every method must do, on a tiny random LLaVA: the suite a new method has to pass."""

import pytest
import torch

from tests.tiny import build
from tests.training.rows import examples, settings, weights
from unsee.methods.registry import get, methods
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.trainer import train

# The rows whose mean answer log-probability must rise (+) or fall (-).
DIRECTION = {"siu": ("T1", 1), "ga": ("original", -1), "ga_kl": ("original", -1), "po": ("refusal", 1)}


def logits_of(vlm):
    rows = make_rows(vlm, examples())
    with torch.no_grad():
        return forward(vlm, collate(vlm, build_packs(vlm, rows)))


def likelihood(table, role):
    means = table.mean_by_row(table.logp)
    return means[[r for r, row in enumerate(table.rows) if row.role == role]].mean().item()


@pytest.mark.parametrize("name", methods())
def test_method(name, tmp_path):
    target = build("llava")
    before, base = logits_of(target), weights(target)
    one = train(target, get(name), examples(), settings(passes=4, seed=3), tmp_path / "one").vlm
    after = logits_of(one)

    role, sign = DIRECTION[name]
    assert sign * (likelihood(after, role) - likelihood(before, role)) > 0.01

    found = weights(one)
    inside = {n for n in found if ".lora_" in n}
    assert inside
    assert all(one.roles.role_of(n).startswith("language.") for n in inside)
    assert any(found[n].abs().max() > 0 for n in inside if "lora_B" in n)
    plain = {
        n.removeprefix("base_model.model.").replace(".base_layer", ""): n for n in found if n not in inside
    }
    assert plain.keys() == base.keys()
    for name_, weight in base.items():
        assert torch.equal(found[plain[name_]], weight), name_

    with one.adapter_off():
        assert torch.equal(logits_of(one).logits, before.logits)

    two = train(build("llava"), get(name), examples(), settings(passes=4, seed=3), tmp_path / "two").vlm
    again = weights(two)
    assert all(torch.equal(again[n], found[n]) for n in found)


def test_another_seed_gives_other_weights(tmp_path):
    runs = [
        weights(
            train(build("llava"), get("ga"), examples(), settings(passes=1, seed=s), tmp_path / str(s)).vlm
        )
        for s in (0, 1)
    ]
    assert any(not torch.equal(runs[0][n], runs[1][n]) for n in runs[0])
