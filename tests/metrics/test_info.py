import pytest

from unsee.metrics.info import METRICS, metric_info
from unsee.nouns import UserError

REQUIRED = """
naming_rate efficacy generality_name yes_no_balanced c_dis facts_by_picture facts_by_text others_named
neighbours_named strangers_refused attributes scenes fluency_ppl diversity degenerate_rate
"""


def test_every_promised_metric_has_a_page() -> None:
    assert set(REQUIRED.split()) <= set(METRICS)
    for page in METRICS.values():
        assert all((page.title, page.formula, page.source, page.fails_when)), page.id


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UserError, match="naming_rate"):
        metric_info("naming_rat")
    assert metric_info("c_dis").better == "higher"
