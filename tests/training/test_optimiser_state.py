"""An optimiser that was put away as tensors goes on as if it had not been."""

from __future__ import annotations

import torch

from unsee.training.optimiser_state import load_state_tensors, state_tensors


def steps(weight: torch.nn.Parameter, optim: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optim.zero_grad()
        (weight**2).sum().backward()
        optim.step()


def test_it_goes_on_where_it_was() -> None:
    whole = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    first = torch.optim.AdamW([whole], lr=0.1)
    steps(whole, first, 3)
    part = torch.nn.Parameter(whole.detach().clone())
    second = torch.optim.AdamW([part], lr=0.1)
    kept = state_tensors(first)
    assert set(kept) == {"optimiser/0/step", "optimiser/0/exp_avg", "optimiser/0/exp_avg_sq"}
    copies = {name: value.clone() for name, value in kept.items()}
    load_state_tensors(second, {**copies, "weight/x": torch.zeros(1)})
    steps(whole, first, 2)
    steps(part, second, 2)
    assert torch.equal(whole, part)
    fresh = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    steps(fresh, torch.optim.AdamW([fresh], lr=0.1), 2)
    assert not torch.equal(fresh, part)
