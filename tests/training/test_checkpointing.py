"""Activations are computed again only where they would not fit."""

from __future__ import annotations

from dataclasses import replace

import torch

from tests.tiny import build
from tests.training.rows import SCOPE, examples
from unsee.models.adapters import attach
from unsee.packs.cost import Cost
from unsee.packs.rows import make_rows
from unsee.training.checkpointing import SHARE, by_memory, checkpoints_activations, choose
from unsee.training.memory import activations
from unsee.training.settings import TrainSettings


def test_the_memory_that_is_free_decides() -> None:
    vlm = attach(build("llava"), SCOPE, seed=0)
    rows = make_rows(vlm, examples())
    settings = TrainSettings(scope=SCOPE)
    kept = activations(vlm, sum(len(row.ids) for row in rows))
    state = torch.random.get_rng_state()
    assert by_memory(vlm, settings, rows, int(kept / SHARE) - 10).on
    assert not by_memory(vlm, settings, rows, int(kept / SHARE) + 10).on
    assert not by_memory(vlm, replace(settings, forward_tokens=64), rows, int(kept / SHARE) - 10).on
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_is_set_is_done() -> None:
    vlm = attach(build("llava"), SCOPE, seed=0)
    for wanted in (True, False):
        assert choose(vlm, TrainSettings(scope=SCOPE, checkpointing=wanted), ()).on == wanted
    cost = Cost()
    assert not checkpoints_activations(vlm, TrainSettings(scope=SCOPE), (), cost)
    assert cost.notes == {"checkpointing": "off: only where memory is that of a GPU"}
