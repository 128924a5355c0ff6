"""The receipt: phases, memory, and what one row per text would have taken."""

from __future__ import annotations

import time
from mmap import mmap

import pytest

from tests.packs.test_exact import examples
from tests.packs.test_tables import batch_of, with_adapter
from tests.tiny import build
from unsee.models.load import VLM
from unsee.packs import cost as receipts
from unsee.packs.cost import Cost, memory, peak_memory
from unsee.packs.pack import build_packs, collate
from unsee.packs.reference import as_target
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward


def test_row_by_row_is_one_row_per_text() -> None:
    vlm, cost = build("llava"), Cost()
    rows = make_rows(vlm, examples())
    forward(vlm, collate(vlm, build_packs(vlm, rows)), cost=cost)
    single = cost.row_by_row
    assert single.lm_tokens == single.head_rows == sum(len(row.ids) for row in rows)
    assert single.images_encoded == sum(row.picture is not None for row in rows)
    assert (single.forwards, cost.forwards) == (len(rows), 1)
    assert (single.model_copies, single.reference_forwards) == (0, 0)


def test_the_reference_is_counted_apart() -> None:
    vlm, cost = with_adapter(build("llava")), Cost()
    batch = batch_of(vlm)
    with as_target(vlm):
        forward(vlm, batch, cost=cost, reference=True)
    forward(vlm, batch, cost=cost)
    assert (cost.forwards, cost.reference_forwards, cost.model_copies) == (2, 1, 0)
    single = cost.row_by_row
    assert single.reference_forwards == len(batch.rows)
    assert (single.forwards, single.model_copies) == (2 * len(batch.rows), 1)
    assert set(cost.phases) == {"forward", "reference"}


def test_work_done_ahead_is_not_counted_row_by_row() -> None:
    vlm, cost = build("llava"), Cost()
    with cost.ahead():
        forward(vlm, batch_of(vlm), cost=cost)
    assert cost.forwards == 1
    assert cost.row_by_row.forwards == cost.row_by_row.lm_tokens == 0


def test_replies_row_by_row() -> None:
    vlm, cost = build("llava"), Cost()
    rows = make_rows(vlm, examples()[:2])
    cost.replies(rows, [3, 1])
    single, prompts = cost.row_by_row, sum(len(row.ids) for row in rows)
    assert single.lm_tokens == prompts + 2 + 0  # the last token of a reply is never read
    assert (single.head_rows, single.forwards) == (4, 4)
    with cost.backward(2):
        pass
    assert "backward" in cost.phases
    assert (cost.backwards, single.backwards) == (1, 2)


def test_a_phase_inside_another_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 4.0, 10.0, 100.0, 101.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    cost = Cost()
    with cost.phase("outer"), cost.phase("inner"):
        pass
    with cost.phase("outer"):
        pass
    assert cost.phases == {"inner": 3.0, "outer": 1.0 + 6.0 + 1.0}


def test_measuring_within_itself_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 15.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    cost = Cost()
    with cost.measure(), cost.measure():
        pass
    assert cost.seconds == 5.0


def test_the_peak_of_an_inner_piece_of_work_counts_for_the_outer(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"now": 100, "peak": 100}
    monkeypatch.setattr(receipts, "memory", lambda: state["now"])
    monkeypatch.setattr(receipts, "peak_memory", lambda: state["peak"])
    monkeypatch.setattr(receipts, "_reset_peak", lambda: state.update(peak=state["now"]))
    outer, inner = Cost(), Cost()
    with outer.measure():
        state.update(peak=700)
        state.update(now=200)
        with inner.measure():
            state.update(peak=500)
    assert (outer.resident_memory, outer.peak_memory, outer.activation_memory) == (100, 700, 600)
    assert (inner.resident_memory, inner.peak_memory, inner.activation_memory) == (200, 500, 300)


def test_memory_that_was_used_is_seen() -> None:
    cost = Cost()
    with cost.measure(), mmap(-1, 50 * 2**20) as block:  # of the system, not of what the allocator kept
        block.write(b"x" * (50 * 2**20))
    assert cost.peak_memory >= cost.resident_memory > 0
    assert cost.activation_memory > 20 * 2**20
    assert memory() > 0
    assert peak_memory() > 0


def test_what_is_written() -> None:
    cost = Cost(lm_tokens=30, seconds=2.0)
    found = cost.as_json()
    assert found["tokens_per_second"] == 15.0
    assert Cost().as_json()["tokens_per_second"] == 0.0
    assert not any(key.startswith("_") for key in found)
    assert set(found["row_by_row"]) == {
        *("lm_tokens", "images_encoded", "head_rows", "forwards", "reference_forwards", "backwards"),
        "model_copies",
    }


def test_layout_and_attention_are_noted(vlm: VLM) -> None:
    cost = Cost()
    forward(vlm, batch_of(vlm), cost=cost)
    assert cost.notes == {"layout": "packs", "attention": "sdpa, dense mask"}


def test_the_reason_for_rows_is_noted() -> None:
    vlm, cost = build("paligemma"), Cost()
    forward(vlm, batch_of(vlm), cost=cost)
    assert cost.notes["layout"].startswith("packs of texts with the same prompt: picture and question")
    assert cost.lm_tokens >= cost.row_by_row.lm_tokens
