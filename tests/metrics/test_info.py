from unsee.metrics.info import METRICS
from unsee.metrics.variants import VARIANTS
from unsee.reports.measures import MEASURES, measure_of

REQUIRED = """
naming_rate efficacy generality_name yes_no_balanced c_dis facts_by_picture facts_by_text others_named
neighbours_named strangers_refused attributes scenes fluency_ppl diversity degenerate_rate
"""


def test_every_promised_metric_has_a_page() -> None:
    assert set(REQUIRED.split()) <= set(METRICS)
    for page in METRICS.values():
        assert all((page.title, page.formula, page.source, page.fails_when)), page.id


def test_readings_are_those_that_exist() -> None:
    """Where a page tells readings, the corrected one is among them, and EM's are shared."""
    told = {page.id: page.variants for page in METRICS.values() if page.variants}
    assert {"em", "efficacy", "c_dis", "fluency_ppl", "diversity", "g_eval", "mia_rouge"} <= set(told)
    for name, readings in told.items():
        assert set(readings) <= set(VARIANTS), name
        assert "corrected" in readings, name
    assert told["efficacy"] == told["em"]


def test_derived_figures_have_words() -> None:
    found = measure_of("mia_max_renyi_inf_tpr_1")
    assert found.title == "Members told by MaxRenyi-K%, order infinity: found at 1 % false alarms"
    assert (found.unit, found.group) == ("share", "gone")
    assert measure_of("multilingual_es").title.endswith("Spanish")
    assert measure_of("g_eval").unit == "number"
    assert measure_of("unheard_of").title == "unheard_of"
    assert set(METRICS) == set(MEASURES)
