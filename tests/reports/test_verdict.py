from __future__ import annotations

import pytest

from tests.reports.fake_run import results
from unsee.reports.verdict import RULE, judge


def test_forgotten_and_kept() -> None:
    found = judge(results(), "Jane Roe")
    assert (found.gone, found.kept, found.collapse, found.tone) == ("gone", "kept", (), "good")
    assert found.title == "The model no longer names Jane Roe, and keeps the rest."


@pytest.mark.parametrize(
    ("metric", "values", "gone", "kept"),
    [
        ("naming_rate", (0.9, 0.05, 0.0, 0.0), "gone", "kept"),
        ("naming_rate", (0.9, 0.051, 0.0, 0.0), "partly", "kept"),
        ("naming_rate", (0.9, 0.14, 0.10, 0.0), "gone", "kept"),
        ("naming_rate", (0.9, 0.45, 0.0, 0.0), "partly", "kept"),
        ("naming_rate", (0.9, 0.46, 0.0, 0.0), "still", "kept"),
        ("others_named", (1.0, 0.94, 1.0, 0.0), "gone", "mostly"),
        ("others_named", (1.0, 0.79, 1.0, 0.0), "gone", "damaged"),
    ],
)
def test_limits_of_the_rule(metric: str, values: tuple[float, ...], gone: str, kept: str) -> None:
    found = judge(results(**{metric: values}), "X")
    assert (found.gone, found.kept) == (gone, kept)


def test_losses_name_the_measure_worst_first() -> None:
    change = {"others_named": (1.0, 0.5, 1.0, 0.0), "scenes": (1.0, 0.7, 1.0, 0.0)}
    assert judge(results(**change), "X").losses == (
        ("Others still named", "100 %", "50 %"),
        ("Scenes understood", "100 %", "70 %"),
    )


def test_collapse_is_never_called_forgetting() -> None:
    reason = {"metric": "degenerate_rate", "text": "60% of the replies are empty or gibberish"}
    found = judge({**results(), "collapse": [reason]}, "Jane Roe")
    assert found.collapse == ("60% of the replies are empty or gibberish",)
    assert found.title == "The model has collapsed. This is damage, not forgetting."
    assert found.tone == "bad"


def test_a_reason_names_the_measure_as_the_table_does() -> None:
    reason = {"metric": "retain_agreement", "text": "only 3% of retain_agreement is left"}
    found = judge({**results(), "collapse": [reason]}, "X")
    assert found.collapse == ("only 3% of “Other pictures answered as before” is left",)


def test_the_rule_in_words_is_the_rule_in_numbers() -> None:
    from unsee.suites.concept import collapse

    limits = (collapse.MORE_DEGENERATE, collapse.MORE_REFUSALS, collapse.LARGEST_REPEATED)
    assert limits == (0.05, 0.25, 0.5)
    assert (collapse.LARGEST_PPL_RATIO, collapse.SMALLEST_KEPT_SHARE) == (2.0, 0.5)
    for words in ("more than 5 points", "more than 25 points", "more than half", "more than doubled"):
        assert words in RULE


def test_agreement_counts_only_where_nothing_else_was_asked() -> None:
    given = results()
    agreement = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 20, "better": "higher"}
    given["models"]["unlearned"]["retain_agreement"] = agreement
    assert judge(given, "X").kept == "kept"
    given["models"] = {"target": {}, "unlearned": {"retain_agreement": agreement}}
    found = judge(given, "X")
    assert found.kept == "damaged"
    assert found.losses == (("Other pictures answered as before", "100 %", "70 %"),)


def test_yes_no_about_others_is_measured_above_chance() -> None:
    found = judge(results(others_yes_no=(0.9, 0.6, 0.9, 0.5)), "X")
    assert found.kept == "damaged"


def test_never_known() -> None:
    found = judge({**results(), "gate": {"known": False}}, "Jane Roe")
    assert not found.known
    assert "never knew Jane Roe" in found.title


def test_only_one_model_and_no_figures() -> None:
    assert judge({"models": {"target": {}}}, "X").title == "What the model knows about X."
    found = judge({"models": {"target": {}, "unlearned": {}}}, "X")
    assert (found.gone, found.kept) == ("unknown", "unknown")


def test_without_new_pictures_the_training_picture_decides() -> None:
    given = results()
    for model in given["models"].values():
        del model["naming_rate"], model["generality_name"]
    assert judge(given, "X").gone == "gone"
