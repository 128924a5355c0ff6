"""The in-training curve and its collapse guard."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.rows import examples as memorised
from tests.methods.rows import knowing
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
    probe.first = replace(first, retain=first.retain + math.log(2) - 0.01)
    assert not probe.measure().collapsed
    probe.first = replace(first, retain=first.retain + math.log(2) + 0.01)
    assert probe.measure().collapsed


def test_collapse_is_a_grown_entropy():
    vlm = build("llava")
    rows = [row for row in examples() if row.role in ("T3", "anchor")]
    probe = make_probe(vlm, rows, collapse=2.0, pack_tokens=1536, forward_tokens=8192)
    first = probe.measure()
    means = []
    for row in rows:
        with torch.no_grad():
            table = forward(vlm, collate(vlm, build_packs(vlm, make_rows(vlm, [row]))))
        p = table.logits.double().softmax(-1)
        means.append(-(p * p.log()).sum(-1).mean().item())
    assert first.entropy == pytest.approx(sum(means) / len(means), rel=1e-4)
    probe.first = replace(first, entropy=first.entropy - math.log(2) + 0.01)
    assert not probe.measure().collapsed
    probe.first = replace(first, entropy=first.entropy - math.log(2) - 0.01)
    assert probe.measure().collapsed


def test_collapse_is_one_reply_to_everything():
    vlm = knowing("llava")
    rows = [row for row in memorised() if row.role == "anchor"][:2]
    assert len({row.answer for row in rows}) == 2
    probe = make_probe(vlm, rows, collapse=1e9, pack_tokens=1536, forward_tokens=8192, spoken=2)
    assert probe.measure().broken == 0
    state = torch.get_rng_state()
    head = vlm.base.get_output_embeddings().weight
    with torch.no_grad():
        head.copy_(head[:1].expand_as(head))
    point = probe.measure()
    assert point.broken == 1
    assert point.collapsed
    assert torch.equal(torch.get_rng_state(), state)


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
