"""Scores of single items by hand and against a full softmax; the published figure with its defects."""

from __future__ import annotations

import math
import zlib

import pytest
import torch

from unsee.attacks.membership import (
    PICTURES,
    Tokens,
    against_gold,
    max_renyi,
    membership,
    scores_of,
)
from unsee.attacks.suspicion import Query, is_suspicious, suspicion
from unsee.objectives.renyi import ORDERS, renyi_entropies


def slow_renyi(row: list[float], order: float) -> float:
    total = sum(math.exp(x) for x in row)
    p = [math.exp(x) / total for x in row]
    if order == 1:
        return -sum(x * math.log(x) for x in p if x > 0)
    if math.isinf(order):
        return -math.log(max(p))
    return math.log(sum(x**order for x in p)) / (1 - order)


def test_renyi_against_loops() -> None:
    logits = torch.randn(5, 11, generator=torch.Generator().manual_seed(0)) * 3
    for order in ORDERS:
        expected = [slow_renyi(row, order) for row in logits.tolist()]
        assert renyi_entropies(logits, [order])[order].tolist() == pytest.approx(expected, rel=1e-4)
        flat = renyi_entropies(torch.zeros(1, 8), [order])[order]
        assert float(flat) == pytest.approx(math.log(8))


def test_renyi_of_excluded_tokens_is_finite() -> None:
    logits = torch.tensor([[0.0, 0.0, -math.inf]])
    for order in ORDERS:
        assert float(renyi_entropies(logits, [order])[order]) == pytest.approx(math.log(2))
    assert renyi_entropies(torch.zeros(2, 4).half())[2.0].dtype == torch.float32


def test_scores_by_hand() -> None:
    item = Tokens((-1.0, -4.0, -2.0, -3.0, -5.0), (-2.0,) * 5, (4.0,) * 5, {1.0: (0.1, 0.5, 0.3)}, "a text")
    found = scores_of(item, share=0.4)
    assert found["loss"] == -3.0
    assert found["zlib"] == pytest.approx(-3.0 / len(zlib.compress(b"a text")))
    assert found["min_k"] == -4.5
    assert found["min_k_pp"] == pytest.approx((-1.5 - 1.0) / 2)  # (-5 + 2) / 2 and (-4 + 2) / 2
    assert found["max_renyi_1"] == -0.5
    assert max_renyi((0.1, 0.5, 0.3, 0.2), 0.5) == pytest.approx(-0.4)
    assert max_renyi(()) is None
    assert scores_of(Tokens()) == {}


def test_pictures_have_entropies_only() -> None:
    rows = torch.randn(6, 9, generator=torch.Generator().manual_seed(1))
    entropies = {order: tuple(line.tolist()) for order, line in renyi_entropies(rows, block=4).items()}
    found = scores_of(Tokens(entropies=entropies), share=0.5)
    assert set(found) == {"max_renyi_0.5", "max_renyi_1", "max_renyi_2", "max_renyi_inf"}
    highest = sorted((slow_renyi(row, 2.0) for row in rows.tolist()), reverse=True)[:3]
    assert found["max_renyi_2"] == pytest.approx(-sum(highest) / 3, rel=1e-5)


def items(shift: float, n: int, name: str) -> list[Tokens]:
    values = torch.randn(n, 8, generator=torch.Generator().manual_seed(n)).abs() + 1
    return [
        Tokens(tuple((-row - shift).tolist()), text="a text", identity=f"{name}{i // 4}")
        for i, row in enumerate(values)
    ]


def test_members_are_told_from_others() -> None:
    members, others = items(0.0, 60, "m"), items(1.0, 100, "o")
    found = membership(members, others)
    assert {"mia_loss", "mia_loss_tpr_1", "mia_loss_tpr_5", "mia_zlib", "mia_min_k"} <= set(found)
    assert found["mia_loss"].value > 0.9
    assert found["mia_loss"].n == 160
    assert "mia_loss_tpr_1" not in membership(members, others[:40])  # one in a hundred of forty
    assert not any(metric.startswith("mia_min_k_pp") for metric in found)  # no means were given
    assert membership([], others) == {}


def test_pictures_are_told_by_their_entropies_alone() -> None:
    members = [Tokens(entropies={2.0: (0.1, 0.2)}, identity="m")]
    others = [Tokens(entropies={2.0: (0.3 + i, 0.1)}, identity=f"o{i}") for i in range(20)]
    found = membership(members, others, prefix=PICTURES)
    assert found["mia_picture_max_renyi_2"].value == 1.0
    assert set(found) == {"mia_picture_max_renyi_2", "mia_picture_max_renyi_2_tpr_5"}
    gaps = against_gold((members, others), (members, others), prefix=PICTURES)
    assert gaps["mia_picture_max_renyi_2_gap"].value == 0


def test_gap_to_gold() -> None:
    members, others = items(0.0, 60, "m"), items(1.0, 100, "o")
    gold = ([Tokens(tuple(x - 1 for x in m.logprobs), identity=m.identity) for m in members], others)
    gaps = against_gold((members, others), gold)
    assert gaps["mia_loss_gap"].low > 0.1
    assert "mia_zlib_gap" not in gaps  # gold's items came without their text
    assert against_gold(gold, gold)["mia_loss_gap"].value == 0.0


# --- as published ----------------------------------------------------------------------------------------


def query(after: float, reply: str, before: str = "she is a famous singer and lives in Paris") -> Query:
    return Query([-2.0] * 5, [after] * 5, before, reply)


def test_suspicious_is_a_ratio_inside_the_window() -> None:
    for after, expected in ((-2.0, True), (-2.29, True), (-2.31, False), (-1.75, True), (-1.73, False)):
        assert is_suspicious(query(after, "")) is expected, after
    assert not is_suspicious(Query([], [], "", ""))
    assert is_suspicious(Query([0.0], [0.0], "", ""))
    assert not is_suspicious(Query([-1.0], [0.0], "", ""))


def test_min_k_looks_at_the_least_likely_forty_percent() -> None:
    """Lowest two of five: -5 and -4 before, -5 and -4 after, whatever the rest does."""
    assert is_suspicious(Query([-1, -1, -1, -4, -5], [-3, -3, -3, -4, -5], "", ""))
    assert not is_suspicious(Query([-1, -1, -1, -4, -5], [-1, -1, -1, -2, -3], "", ""))


def test_readings_of_the_published_figure() -> None:
    same = "she is a famous singer and lives in Paris"  # nine words
    queries = [
        query(-2.0, same),  # recall 1, F1 1
        query(-2.0, "she is a painter"),  # recall 3 of 9, precision 3 of 4
        query(-2.0, "I do not know"),  # recall 0
        query(-9.0, same),  # not suspicious
    ]
    f1 = 2 * (3 / 9) * (3 / 4) / (3 / 9 + 3 / 4)
    paper, released, corrected = (suspicion(queries, v) for v in ("paper", "released_code", "corrected"))
    assert released.rouge is not None
    assert released.rouge.value == pytest.approx(
        (1 + 3 / 9) / 2
    )  # the zero was dropped: looks worse or better
    assert (released.dropped, released.suspicious, released.asked) == (1, 3, 4)
    for found in (paper, corrected):
        assert found.rouge is not None
        assert found.rouge.value == pytest.approx((1 + f1 + 0) / 3)
        assert found.dropped == 0
    assert corrected.recall is not None
    assert corrected.recall.value == pytest.approx((1 + 3 / 9 + 0) / 3)
    assert corrected.scores["mia_suspicious"].value == 0.75
    assert set(corrected.scores) == {"mia_rouge", "mia_rouge_recall", "mia_suspicious"}


def test_nothing_suspicious_has_no_figure() -> None:
    found = suspicion([query(-9.0, "x")])
    assert (found.rouge, found.recall, found.suspicious, found.asked) == (None, None, 0, 1)
    dropped = suspicion([query(-2.0, "I do not know")], "released_code")
    assert (dropped.rouge, dropped.dropped) == (None, 1)
