"""What keeps big inputs in bounds: masks that are split, and sums in float32 under half-precision weights."""

from __future__ import annotations

import pytest
import torch

from tests.packs.test_tables import batch_of, with_adapter
from tests.tiny import build
from unsee.objectives.chunked import chunked_kl
from unsee.packs.pack import LEAST_ROOM, MOST_ROOM, Pack, build_packs, room_for, share_forwards
from unsee.packs.rows import Row
from unsee.packs.tokens import forward


def texts(count: int, length: int, shared: int) -> list[Row]:
    """Text rows that begin alike and then part, each with an answer of two tokens."""
    head = tuple(3 + i % 200 for i in range(shared))
    return [
        Row(str(r), "T1", (*head, 210 + r % 97, *(3 + (r * 7 + i) % 200 for i in range(length - shared - 1))),
            length - 2, (True, True), text=(True, True))
        for r in range(count)
    ]  # fmt: skip


def entries(packs: list[Pack]) -> int:
    """Numbers in the masks of all packs."""
    return sum(len(pack) ** 2 for pack in packs)


def test_the_mask_of_many_rows_grows_with_their_number_and_not_with_its_square() -> None:
    vlm = build("llava")
    sizes = {}
    for count in (150, 300, 600):
        packs = build_packs(vlm, texts(count, 60, 20))
        assert all(len(pack) <= LEAST_ROOM for pack in packs)
        assert sorted(i for pack in packs for i in pack.order) == list(range(count))
        sizes[count] = entries(packs)
    assert sizes[600] <= 2.2 * sizes[300] <= 2.2 * 2.2 * sizes[150]
    whole = (20 + 600 * 40) ** 2
    assert sizes[600] < whole / 10


@pytest.mark.parametrize(("length", "room"), [(100, LEAST_ROOM), (1000, 4000), (5000, MOST_ROOM)])
def test_long_rows_share_a_pack_up_to_a_limit(length: int, room: int) -> None:
    rows = texts(6, length, length - 200 if length > 200 else 50)
    assert room_for(rows[0]) == room
    packs = build_packs(build("llava"), rows)
    assert all(len(pack) <= room for pack in packs)


def test_rows_longer_than_any_pack_stand_alone_and_pass_one_by_one() -> None:
    rows = texts(3, MOST_ROOM + 50, 100)
    packs = build_packs(build("llava"), rows)
    assert [len(pack.rows) for pack in packs] == [1, 1, 1]
    assert [len(group) for group in share_forwards(packs, 8192)] == [1, 1, 1]


def test_sums_are_in_float32_under_half_precision_weights() -> None:
    """The loss of a bfloat16 model is that of its logits in double precision; in bfloat16 it would not be."""
    vlm = with_adapter(build("llava"))
    vlm.model.to(torch.bfloat16)
    table = forward(vlm, batch_of(vlm))
    assert table.logits.dtype == torch.float32
    loss = table.mean_by_row(table.logp)
    exact = table.logits.double().log_softmax(dim=1).gather(1, table.labels[:, None])[:, 0]
    means = torch.stack([exact[table.row == r].mean() for r in range(len(table.rows))])
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), means, rtol=1e-6, atol=1e-6)
    half = table.logits.bfloat16().log_softmax(dim=1).gather(1, table.labels[:, None])[:, 0]
    assert (half.double() - exact).abs().max() > 1e-3
    loss.sum().backward()
    assert all(p.grad.isfinite().all() for p in vlm.model.parameters() if p.grad is not None)


def test_blocks_of_positions_are_summed_in_float32_too() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden, theirs = (torch.randn(40, 16, generator=generator).bfloat16() for _ in range(2))
    head = torch.nn.Linear(16, 300, bias=False).bfloat16()
    with torch.no_grad():
        log_q, log_p = (head(x).double().log_softmax(dim=1) for x in (hidden, theirs))
        found, wanted = (
            chunked_kl(hidden, theirs, head, head, block=7),
            (log_p.exp() * (log_p - log_q)).sum(1),
        )
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)
