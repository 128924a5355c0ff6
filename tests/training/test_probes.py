"""The in-training curve and its collapse guard."""

import math

import pytest
import torch

from tests.tiny import build
from tests.training.rows import examples
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.probes import make_probe


def test_probe_is_the_mean_answer_likelihood():
    vlm = build("llava")
    rows = examples()
    probe = make_probe(vlm, rows, collapse=10.0, pack_tokens=1536, forward_tokens=8192)
    state = torch.get_rng_state()
    vlm.model.train()
    point = probe.measure()
    assert vlm.model.training
    assert torch.equal(torch.get_rng_state(), state)
    vlm.model.eval()
    for roles, found in ((("original",), point.forget), (("T3", "T4", "anchor"), point.retain)):
        alone = []
        for example in rows:
            if example.role in roles:
                with torch.no_grad():
                    table = forward(vlm, collate(vlm, build_packs(vlm, make_rows(vlm, [example]))))
                alone.append(table.logp.mean().item())
        assert found == pytest.approx(sum(alone) / len(alone), rel=1e-4)
    assert not point.collapsed


def test_collapse_is_a_grown_perplexity():
    vlm = build("llava")
    probe = make_probe(vlm, examples(), collapse=2.0, pack_tokens=1536, forward_tokens=8192)
    first = probe.measure()
    probe.start = first.retain + math.log(2) - 0.01
    assert not probe.measure().collapsed
    probe.start = first.retain + math.log(2) + 0.01
    assert probe.measure().collapsed


def test_nan_is_collapse_and_no_number():
    vlm = build("llava")
    probe = make_probe(vlm, examples(), collapse=2.0, pack_tokens=1536, forward_tokens=8192)
    probe.measure()
    with torch.no_grad():
        vlm.base.get_output_embeddings().weight.fill_(torch.nan)
    point = probe.measure()
    assert point.collapsed
    assert point.retain is None
    assert point.forget is None


def test_sides_may_be_empty_and_are_limited():
    vlm = build("llava")
    rows = [e for e in examples() if e.role == "original"]
    probe = make_probe(vlm, rows, collapse=2.0, pack_tokens=1536, forward_tokens=8192, limit=1)
    assert probe.measure().retain is None
    assert sum(len(batch.rows) for batch in probe.batches) == 1
