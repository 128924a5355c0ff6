"""The table of many runs: pooling, the rule, the ranking, and files that hold what they should."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from unsee.metrics.stats import mean_interval
from unsee.nouns import Score
from unsee.reports.matrix import (
    NOTES,
    Entry,
    Matrix,
    best_rows,
    make_matrix,
    pooled,
    pooled_figure,
    retained_score,
)
from unsee.reports.matrix_files import (
    as_csv,
    as_json,
    as_markdown,
    count_text,
    json_text,
    points_text,
)
from unsee.reports.matrix_page import write_page
from unsee.reports.matrix_plot import marker_size, pareto
from unsee.reports.plot_labels import Box

KEPT = {"others_named": 0.9, "others_yes_no": 0.8, "attributes": 0.9, "scenes": 0.8}  # mean .85
GOLD = {"others_named": 0.9, "others_yes_no": 0.8, "attributes": 0.8, "scenes": 0.8}
HOSTILE = '<img src=x onerror="alert(1)">|\u202e'


def scores(naming: float, kept: dict[str, float], n: int = 10) -> dict[str, Any]:
    values = {"naming_rate": (naming, "lower"), **{m: (v, "higher") for m, v in kept.items()}}
    return {
        m: Score(v, max(0.0, v - 0.1), min(1.0, v + 0.1), n, better).as_json()  # type: ignore[arg-type]
        for m, (v, better) in values.items()
    }


def results(
    naming: float, kept: dict[str, float], *, gold: float | None = 0.0, collapse: str = "", known: bool = True
) -> dict[str, Any]:
    models = {"target": scores(1.0, KEPT), "blind": scores(0.0, dict.fromkeys(KEPT, 0.2))}
    models["unlearned"] = scores(naming, kept)
    if gold is not None:
        models["gold"] = scores(gold, GOLD)
    reasons = [{"metric": "degenerate_rate", "text": collapse}] if collapse else []
    return {"schema": 1, "models": models, "gate": {"known": known}, "collapse": reasons}


def entry(method: str, seed: int = 0, concept: str = "a-0", tokens: int = 1000, **made: Any) -> Entry:
    cost = {"stages": {"training": {"lm_tokens": tokens, "seconds": 2.0}}}
    given = {"naming": 0.0, "kept": KEPT} | made
    return Entry(method, concept, seed, (), results(**given), cost, "", f"{method}/{concept}-seed{seed}")


def down(points: float) -> dict[str, float]:
    return {metric: value - points for metric, value in KEPT.items()}


@pytest.fixture
def matrix() -> Matrix:
    return make_matrix(
        "world",
        "report",
        [
            entry("ga", naming=0.0, kept=down(0.4), collapse="40% of the replies are empty"),
            entry("ga", seed=1, naming=0.0, kept=KEPT),
            entry("npo", naming=0.1, kept=down(0.1), tokens=3000),
            entry("npo", seed=1, naming=0.1, kept=down(0.08), tokens=5000),
            entry("siu", naming=0.0, kept=KEPT),
            entry("weak", naming=0.5, kept=KEPT),
            entry("lossy", naming=0.0, kept=down(0.15)),
            entry("lost", known=False),
            Entry("broken", "a-0", 0, failure=HOSTILE),
            Entry("waiting", "a-0", 0),
        ],
    )


def test_rank_and_status(matrix: Matrix) -> None:
    found = {row.method: row.status for row in matrix.rows}
    assert list(found) == ["siu", "npo", "lossy", "weak", "ga", "lost", "broken", "waiting"]
    assert list(found.values()) == [
        "success", "success", "short", "short", "collapse", "unknown", "failed", "failed",
    ]  # fmt: skip
    assert matrix.seeds == (0, 1)
    assert matrix.concepts == ("a-0",)


def test_figures_by_hand(matrix: Matrix) -> None:
    rows = {row.method: row for row in matrix.rows}
    npo = rows["npo"]
    assert npo.gap == pytest.approx(0.1)
    assert npo.drop == pytest.approx(0.09)  # mean of 10 and 8 points
    assert npo.retention == pytest.approx((0.75 + 0.77) / 2 / 0.85)
    # |.1 - 0| and the mean of (.1, .1, 0, .1) and of (.08, .08, .02, .08): figures of gold, not of the target
    assert npo.distance == pytest.approx(((0.1 + 0.075) / 2 + (0.1 + 0.065) / 2) / 2)
    assert (npo.tokens, npo.seconds) == (4000, 2.0)
    assert rows["weak"].shortfalls == ("named 50 points more than by gold",)
    assert rows["lossy"].shortfalls == ("retain accuracy 15 points under the target's",)
    assert rows["ga"].collapses == ("a-0, seed 0: 40% of the replies are empty",)
    assert rows["broken"].failures == (HOSTILE,)


@pytest.mark.parametrize(("gold", "naming", "status"), [(0.3, 0.35, "success"), (0.3, 0.0, "short")])
def test_the_goal_is_gold_and_not_zero(gold: float, naming: float, status: str) -> None:
    found = make_matrix("world", "report", [entry("x", naming=naming, gold=gold)])
    assert found.rows[0].status == status


def test_without_gold_nought_and_the_target_stand_for_it() -> None:
    row = make_matrix("world", "report", [entry("x", naming=0.2, kept=down(0.1), gold=None)]).rows[0]
    assert row.gap == pytest.approx(0.2)
    assert row.distance == pytest.approx((0.2 + 0.1) / 2)
    assert row.shortfalls == ("named 20 points more than 0 % (no gold model)",)


def test_a_figure_that_was_not_measured_is_no_success() -> None:
    found = results(0.0, {})
    row = make_matrix("concept", "report", [Entry("x", "c", 0, results=found)]).rows[0]
    assert row.status == "short"
    assert row.shortfalls == ("retain accuracy was not measured",)


def test_agreement_stands_in_where_nothing_else_was_asked() -> None:
    found = results(0.0, {}, gold=None)
    for model, share in (("unlearned", 0.95), ("blind", 0.1)):
        found["models"][model] = scores(0.0, {"retain_agreement": share})
    row = make_matrix("concept", "report", [Entry("x", "c", 0, results=found)]).rows[0]
    assert row.drop == pytest.approx(0.05)  # the target agrees with itself
    assert row.status == "success"


def test_pooling_is_that_of_single_replies() -> None:
    """Shares of .3 of 10, 1 of 5 and 0 of 20, against the replies themselves, written out."""
    runs = [Score(0.3, 0, 1, 10, "lower"), Score(1.0, 0, 1, 5, "lower"), Score(0.0, 0, 1, 20, "lower")]
    replies = [1.0] * 3 + [0.0] * 7 + [1.0] * 5 + [0.0] * 20
    clusters = ["a"] * 10 + ["b"] * 5 + ["c"] * 20
    wanted = mean_interval(replies, clusters, better="lower")
    assert wanted is not None
    found = pooled(runs, ["a", "b", "c"], share=True)
    assert found.value == pytest.approx(8 / 35)
    assert (found.low, found.high, found.n) == pytest.approx((wanted.low, wanted.high, 35))


def test_pooling_of_other_numbers_and_of_one_run() -> None:
    one = Score(1.5, 1.2, 1.8, 40, "lower")
    assert pooled([one], ["a"], share=False) is one
    found = pooled([one, Score(2.5, 2.2, 2.8, 40, "lower")], ["a", "b"], share=False)
    assert found.value == 2.0
    assert found.low < 1.5 < 2.5 < found.high  # Student's t on two runs is wide
    assert found.n == 80


def test_a_share_that_is_no_count_keeps_its_mean() -> None:
    runs = [Score(0.455, 0, 1, 10, "higher"), Score(0.75, 0, 1, 10, "higher")]
    assert pooled(runs, ["a", "b"], share=True).value == pytest.approx((0.455 + 0.75) / 2)


def test_retain_accuracy_by_hand() -> None:
    found = retained_score({m: Score(v, v - 0.1, v + 0.1, 10, "higher") for m, v in KEPT.items()})
    assert found is not None
    assert found.value == pytest.approx(0.85)
    assert (found.low, found.high) == pytest.approx((0.8, 0.9))  # sqrt(4 * .1^2) / 4
    assert found.n == 40


def test_floors_count_once_per_concept() -> None:
    cells = [entry("x", seed=s, concept=c) for s in (0, 1) for c in ("a-0", "a-2")]
    floors = make_matrix("world", "report", cells).floors
    assert list(floors) == ["target", "gold", "blind"]
    assert floors["target"]["naming_rate"].n == 20


def test_best_takes_success_then_distance_then_cost() -> None:
    def at(lr: str, tokens: int, **made: Any) -> Entry:
        made_entry = entry("npo", tokens=tokens, **made)
        return Entry("npo", "a-0", 0, (("training.lr", lr),), made_entry.results, made_entry.cost)

    found = make_matrix(
        "world",
        "selection",
        [
            at("1", 9, naming=0.0, kept=KEPT, collapse="noise"),
            at("2", 5, naming=0.05),
            at("3", 9, naming=0.02),
            at("4", 7, naming=0.02),
        ],
    )
    assert dict(best_rows(found)["npo"].settings) == {"training.lr": "4"}
    assert found.rows[-1].status == "collapse"


def test_cost_of_an_interrupted_training_is_left_out() -> None:
    stopped = entry("x", tokens=10)
    stopped = Entry("x", "a-0", 1, (), stopped.results, {**stopped.cost, "interrupted": ["training"]})
    assert make_matrix("world", "report", [entry("x", tokens=900), stopped]).rows[0].tokens == 900
    assert make_matrix("world", "report", [stopped]).rows[0].tokens is None


def test_markdown(matrix: Matrix) -> None:
    text = as_markdown(matrix, "unsee bench world --methods all")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({re.sub(r"\\\|", "", line).count("|") for line in lines}) == 1  # one width, hostile bars too
    assert len(lines) == 2 + len(matrix.floors) + len(matrix.rows) - 1
    assert "Not begun or not finished yet: `waiting`." in text
    assert all(note in text for note in NOTES)
    assert "collapse (1 of 2 runs)" in text
    assert "<img" not in text
    assert "`siu`" in lines[5]


def test_csv_and_json_hold_every_figure(matrix: Matrix) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(matrix))))
    assert [line["method"] for line in lines] == [*matrix.floors, *(row.method for row in matrix.rows)]
    npo = next(line for line in lines if line["method"] == "npo")
    assert float(npo["naming_rate"]) == pytest.approx(0.1)
    assert (npo["naming_rate_n"], npo["runs"], npo["collapsed"]) == ("20", "2", "0")
    found = json.loads(json_text(matrix))
    assert found == json.loads(json.dumps(as_json(matrix)))
    assert found["schema"] == 1
    assert set(found["methods"]["siu"]["metrics"]["naming_rate"]) == {"value", "low", "high", "n", "better"}
    assert set(found["floors"]) == {"target", "gold", "blind"}


def test_page_is_whole_and_harmless(matrix: Matrix, tmp_path: Path) -> None:
    page = write_page(tmp_path / "report.html", matrix, "unsee bench world").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "\u202e" not in page
    assert page.count("<svg") == 1
    assert "http://" not in page
    assert "https://" not in page
    assert 'href="siu/a-0-seed0/report.html"' in page
    assert "2 of 8 methods forget and keep the rest." in page
    again = write_page(tmp_path / "again.html", matrix, "unsee bench world").read_text(encoding="utf-8")
    assert again == page  # the same input, the same bytes


def test_plot_names_every_row_and_marks_collapse(matrix: Matrix) -> None:
    figure = pareto(matrix)
    assert figure is not None
    for rank, row in enumerate(matrix.rows, start=1):
        drawn = row.named is not None
        assert (f"{rank} {row.title}" in figure) == drawn
    assert "collapse: damage, not forgetting" in figure
    assert all(f">{model}<" in figure for model in ("target", "gold", "blind"))


def test_short_numbers() -> None:
    assert [points_text(v) for v in (None, -1e-9, 0.034, -0.2)] == ["–", "+0.0", "+3.4", "-20.0"]
    assert [count_text(v) for v in (None, 340, 13466, 2.5e6)] == ["–", "340", "13.5 k", "2.50 M"]


def test_nothing_to_place_means_no_plot() -> None:
    assert pareto(make_matrix("world", "report", [Entry("x", "a-0", 0)])) is None


def test_size_of_a_mark_grows_with_cost() -> None:
    sizes = [marker_size(tokens, 4000) for tokens in (None, 0, 1000, 4000)]
    assert sizes[0] == sizes[1] < sizes[2] < sizes[3]


@pytest.mark.parametrize(("other", "meets"), [(Box(5, 5, 15, 15), True), (Box(11, 0, 12, 10), False)])
def test_boxes(other: Box, meets: bool) -> None:
    assert Box(0, 0, 10, 10).meets(other) is meets


def test_a_figure_per_run_that_is_a_share_stays_one() -> None:
    """Membership inference gives one share per run; three of them have no interval beyond 0 and 1."""
    scores = [Score(v, 0.0, 1.0, 4, "lower") for v in (0.05, 0.1, 0.95)]
    found = pooled_figure("mia_rouge", scores, ["a", "b", "c"])
    assert found.value == pytest.approx(1.1 / 3)
    assert (found.low, found.high) == (0.0, 1.0)
    replies = pooled_figure(
        "efficacy", [Score(1.0, 0.5, 1.0, 3, "higher"), Score(0.0, 0.0, 0.5, 1, "higher")], ["a", "b"]
    )
    assert replies.value == 0.75  # over replies, not over runs


@pytest.mark.parametrize(
    ("metric", "values", "mean", "low", "high"),
    [
        # Student's t by hand: 2 -+ 12.706 * 0.7071 / sqrt(2) = [-4.353, 8.353], grades being 1 to 5
        ("g_eval", (1.5, 2.5), 2.0, 1.0, 5.0),
        # 1.4 -+ 4.3027 * 0.2 / sqrt(3) = [0.9032, 1.8968]
        ("g_eval", (1.2, 1.4, 1.6), 1.4, 1.0, 1.8968),
        ("fluency_ppl", (1.5, 2.5), 2.0, 1.0, 8.3531),  # a perplexity has no largest value
        ("fluency_ppl", (8.0, 9.0, 10.0), 9.0, 6.5159, 11.4841),  # 9 -+ 4.3027 / sqrt(3): inside already
        ("mia_loss_gap", (0.1, 0.3), 0.2, -1.0, 1.0),  # a difference of two shares: 0.2 -+ 1.27
        ("mme_score:posters", (10.0, 30.0), 20.0, 0.0, 147.062),  # 20 -+ 12.706 * 14.142 / sqrt(2)
        ("diversity", (10.0, 30.0), 20.0, 0.0, 147.062),  # the paper's is a count of words: no share
        ("unheard_of", (10.0, 30.0), 20.0, -107.062, 147.062),
    ],
)
def test_pooled_intervals_stay_in_the_range_of_the_metric(
    metric: str, values: tuple[float, ...], mean: float, low: float, high: float
) -> None:
    found = pooled_figure(metric, [Score(v, v, v, 2, "lower") for v in values], list("abc")[: len(values)])
    assert found.value == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_runs_that_agree_are_not_certain() -> None:
    """Without any spread between the runs the interval is the mean of theirs."""
    found = pooled_figure("g_eval", [Score(1.0, 1.0, high, 20, "lower") for high in (1.4, 1.2)], ["a", "b"])
    assert (found.value, found.low, found.high, found.n) == pytest.approx((1.0, 1.0, 1.3, 40))


def test_perplexity_of_a_row_is_at_least_one() -> None:
    def entry(seed: int, value: float) -> Entry:
        ppl = {"value": value, "low": value, "high": value, "n": 9, "better": "lower"}
        return Entry("ga", "a", seed, results={"models": {"unlearned": {"fluency_ppl": ppl}}})

    row = make_matrix("world", "report", [entry(0, 1.1), entry(1, 1.9)]).rows[0]
    assert row.metrics["fluency_ppl"].value == pytest.approx(1.5)
    assert row.metrics["fluency_ppl"].low == 1.0
