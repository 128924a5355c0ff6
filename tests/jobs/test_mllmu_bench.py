"""``unsee bench mllmu`` end to end on a few people and a tiny model, killed and continued, and refused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.jobs.mllmu_people import FORGET, prepare_people
from unsee.commands.main import run
from unsee.config import merge
from unsee.jobs import mllmu_asking, mllmu_cell
from unsee.jobs.bench_plan import Ask, cells_of
from unsee.jobs.lines import read_json, read_lines
from unsee.jobs.mllmu_bench import PeopleBench, bench_people, best_text
from unsee.jobs.mllmu_matrix import averaged
from unsee.jobs.mllmu_rows import check_apart, formless
from unsee.methods.registry import get, methods
from unsee.nouns import Example, UserError
from unsee.suites.mllmu.load import load

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return prepare_people(tmp_path_factory.mktemp("people"))


def bench(given: dict[str, Any], out: Path, methods: str = "grad_diff", **more: Any) -> PeopleBench:
    ask = Ask("mllmu", methods, concepts=more.pop("ratios", "5"), given=given, **more)
    return bench_people(ask, out, jobs=1, say=lambda line: None)


@pytest.fixture(scope="module")
def done(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> PeopleBench:
    out = tmp_path_factory.mktemp("bench") / "out"
    gold = str(shutil.copytree(given["model"], out.parent / "gold-5"))
    with_gold = {**given, "gold": gold.replace("gold-5", "gold-{ratio}"), "mllmu": {**given["mllmu"]}}
    with_gold["mllmu"]["base"] = given["model"]
    return bench(with_gold, out, "grad_diff,siu,asru", seeds="0,1", forms="image_text,text")


def test_a_cell_forgets_all_people_at_once(done: PeopleBench) -> None:
    rows = read_lines(done.folder / "grad_diff" / "forget_5-seed0" / "examples.jsonl")
    people = {role: {row["id"][:3] for row in rows if row["role"] == role} for role in ("original", "retain")}
    assert people == {"original": set(FORGET), "retain": {"003", "004", "005"}}
    assert len(rows) == 15
    assert all(row["picture"] for row in rows)
    siu = read_lines(done.folder / "siu" / "forget_5-seed0" / "examples.jsonl")
    told = {row["role"]: row["names"] for row in siu if row["id"].startswith("002/")}
    assert told["T1"] == told["T2"] == ["Bo Kim"], "each person's rows mask that person's name"
    kept = {row["prompt"] for row in siu if row["id"].startswith("001/T3")}
    assert kept >= {"What does Ann Lee do?", "Where was Ann Lee born?"}


def test_the_text_form_shows_no_picture(done: PeopleBench) -> None:
    rows = read_lines(done.folder / "grad_diff" / "forget_5-text-seed0" / "examples.jsonl")
    assert {row["picture"] for row in rows} == {None}
    forget = [row["prompt"] for row in rows if row["role"] == "original"]
    assert forget == [
        *("What does Ann Lee do?", "Where was Ann Lee born?"),
        *("What does Bo Kim do?", "Where was Bo Kim born?"),
    ]


def test_models_that_no_method_changes_are_asked_once(done: PeopleBench) -> None:
    asked = [file.parent.name for file in (done.folder / "shared" / "answers").glob("*/records.jsonl")]
    assert len(asked) == 6, "target, three controls, base and gold, once for all eight cells"
    cells = [read_json(file) for file in sorted(done.folder.glob("grad_diff/*/environment.json"))]
    assert all(set(cell["answers"].values()) == set(asked) for cell in cells)
    first = read_json(done.folder / "grad_diff" / "forget_5-seed0" / "cost.json")["stages"]
    second = read_json(done.folder / "grad_diff" / "forget_5-seed1" / "cost.json")["stages"]
    assert "shared target" in first
    assert not any(name.startswith("shared") for name in second)


def test_results_of_a_cell(done: PeopleBench) -> None:
    found = read_json(done.folder / "grad_diff" / "forget_5-seed0" / "results.json")
    assert set(found["models"]) == {"target", "unlearned", "base", "gold"}
    assert set(found["floors"]) == {
        *("majority", "random_other", "chance"),
        *("no_image", "shuffled_image", "options_only"),
    }
    assert (found["method"], found["modality"], found["data"]["ratio"]) == ("grad_diff", "image_text", 5)
    assert found["normalised"]["unlearned"]["mllmu_cloze/forget/text"]["within_noise"] is True
    official = done.folder / "grad_diff" / "forget_5-seed0" / "official"
    assert (official / "unlearned_final_evaluation_results.json").is_file()


def test_the_table(done: PeopleBench) -> None:
    found = read_json(done.folder / "results.json")
    assert (found["schema"], found["suite"], found["preset"]) == (1, "mllmu", "corrected")
    assert [(r["method"], r["modality"], r["seeds"]) for r in found["rows"]] == [
        ("grad_diff", "image_text", [0, 1]),
        ("grad_diff", "text", [0, 1]),
        ("siu", "image_text", [0, 1]),
        ("asru", "image_text", []),
        ("asru", "text", []),
    ]
    row = found["rows"][0]
    score = row["models"]["unlearned"]["mllmu_choice_text/retain/image_text"]
    assert (score["n"], score["better"]) == (3, "higher")
    assert score["low"] <= score["value"] <= score["high"]
    assert row["cost"]["training_lm_tokens"] > 0
    assert {"p", "holm", "difference"} == set(row["against_target"]["mllmu_cloze/forget/text"])
    assert [(row["method"], row["modality"]) for row in found["left_out"]] == [("siu", "text")] * 2
    assert found["left_out"][0]["reason"].startswith("siu has no text-only form")
    assert not (done.folder / "siu" / "forget_5-text-seed0").exists()
    assert "mllmu_cloze/forget/text" in found["forms"]["5"]["grad_diff"]
    table = (done.folder / "table.md").read_text()
    assert "### 5 %, asked with the picture" in table
    assert "| `grad_diff` |" in table
    assert "| `grad_diff (text only)` |" in table
    assert "siu has no text-only form" in table
    assert "| `asru` (failed) |" in table
    assert "| 4 | `asru` | failed: " in table
    assert found["rows"][3]["failures"]
    assert "mllmu_truth_logprob/forget/text" in row["distance_to_gold"]
    assert "mllmu_rlr/retain/generation" in row["alignment"]
    assert "mllmu_cloze/forget" in row["gaps"]
    assert "### 5 %, distance from gold" in table
    assert "### 5 %, with the picture and by name" in table
    assert "Gate: the target is above the floor (gold) in " in table
    lines = list(csv.DictReader(io.StringIO((done.folder / "table.csv").read_text())))
    assert {line["model"] for line in lines} >= {"target", "gold", "base", "majority", "grad_diff", "siu"}
    assert not done.complete


def test_the_page_holds_every_row_and_reason(done: PeopleBench) -> None:
    page = (done.folder / "report.html").read_text()
    assert page.count("<svg") == 1
    for text in ("grad_diff (text only)", "asru (failed)", "siu has no text-only form", "5 %, ranking"):
        assert text in page
    assert "`" not in page.partition("</style>")[2]
    assert "<script" not in page


def test_methods_without_a_text_only_form() -> None:
    told = {name: formless(get(name), "text") for name in methods()}
    without = {name for name, reason in told.items() if reason}
    assert without == {"siu", "pava", "manu", "mllmeraser", "po_pd", "router"}
    assert told["manu"].endswith("it looks at what the concept's picture does inside the model")
    assert "asks the forget prompts about other pictures" in told["po_pd"]
    assert not any(formless(get(name), form) for name in methods() for form in ("image_text", "both"))


def test_a_form_that_no_method_has_is_refused_before_any_work(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="siu has no text-only form"):
        bench(given, tmp_path / "out", "siu,pava", forms="text")
    assert not (tmp_path / "out").exists()


def test_the_best_settings_are_written_for_the_next_run(given: dict[str, Any], tmp_path: Path) -> None:
    few = merge(given, {"mllmu": {"controls": False, "limit": 1}, "training": {"passes": 1}})
    found = bench(few, tmp_path / "out", "ga", grid=("training.lr=1e-9,1e-1",))
    best = yaml.safe_load((tmp_path / "out" / "best.yaml").read_text())
    ranks = {row["settings"]["training.lr"]: row["standing"]["distance"] for row in found.results["rows"]}
    least = min(ranks, key=lambda key: ranks[key])
    assert best == {"methods": {"ga": {"training": {"lr": float(least)}}}}


def test_the_best_settings_by_hand() -> None:
    def row(lr: str, ratio: int, status: str, distance: float) -> dict[str, Any]:
        stands = {"status": status, "distance": distance}
        return {"method": "ga", "ratio": ratio, "settings": {"training.lr": lr}, "standing": stands}

    rows = [
        *(row("1e-3", 5, "success", 0.01), row("1e-3", 10, "collapse", 0.02)),
        *(row("2e-3", 5, "short", 0.30), row("2e-3", 10, "success", 0.05)),
        *(row("4e-3", 5, "short", 0.10), row("4e-3", 10, "short", 0.10)),
        {"method": "ga", "ratio": 5, "settings": {"training.lr": "8e-3"}, "failures": ["x"]},
    ]
    text = best_text({"split": "selection", "rows": rows})
    assert yaml.safe_load(text) == {"methods": {"ga": {"training": {"lr": 4e-3}}}}
    assert "# falls short, distance 0.100" in text


def test_figures_are_means_over_seeds(done: PeopleBench) -> None:
    cells = [
        read_json(done.folder / "grad_diff" / f"forget_5-seed{seed}" / "results.json")["models"]["unlearned"]
        for seed in (0, 1)
    ]
    both = done.results["rows"][0]["models"]["unlearned"]
    for name, score in both.items():
        parts = [cell[name]["value"] for cell in cells if name in cell]
        if len(parts) == 2 and not name.startswith("mllmu_factuality"):
            assert score["value"] == pytest.approx(sum(parts) / 2), name


def test_averages_over_seeds_by_hand() -> None:
    assert averaged([{"a": {"x": 1.0, "y": 0.0}}, {"a": {"x": 0.0}, "b": {"x": 1.0}}]) == {
        "a": {"x": 0.5, "y": 0.0},
        "b": {"x": 1.0},
    }


def test_finished_cells_are_left_alone(
    done: PeopleBench, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mllmu_cell, "_load", lambda *args: pytest.fail("a model was loaded"))
    more = yaml.safe_load((done.folder / "grad_diff" / "forget_5-seed0" / "run.yaml").read_text())
    again = {**given, "gold": more["gold"].replace("gold-5", "gold-{ratio}")}
    again["mllmu"] = {**given["mllmu"], "base": given["model"]}
    found = bench(again, done.folder, "grad_diff", seeds="0,1", forms="image_text,text")
    assert found.complete
    assert found.results["rows"] == [
        {**row, **{key: new[key] for key in ("against_target", "against_gold")}}
        for row, new in zip(done.results["rows"][:2], found.results["rows"], strict=True)
    ]


def test_killed_while_asking_it_asks_only_what_is_missing(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench(given, tmp_path / "whole")
    real = mllmu_asking.ask_all
    for label in ("target", "unlearned"):

        def dies(*args: Any, on_records: Any, stop: str = label, **more: Any) -> Any:
            def keep(records: Any) -> None:
                on_records(records[:3])
                raise KeyboardInterrupt

            return real(*args, on_records=keep if args[3] == stop else on_records, **more)

        with monkeypatch.context() as patch:
            patch.setattr(mllmu_asking, "ask_all", dies)
            with pytest.raises(KeyboardInterrupt):
                bench(given, tmp_path / "run")
        part = [read_lines(file) for file in (tmp_path / "run").rglob("records.jsonl")]
        assert any([row["model"] for row in rows] == [label] * 3 for rows in part)
    bench(given, tmp_path / "run")
    ends = [read_json(tmp_path / name / "grad_diff/forget_5-seed0/results.json") for name in ("whole", "run")]
    assert ends[0] == ends[1]


@pytest.mark.parametrize("key", ["mllmu.protocol", "mllmu.limit", "training.lr"])
def test_a_folder_of_another_run_is_refused(done: PeopleBench, given: dict[str, Any], key: str) -> None:
    section, name = key.split(".")
    value = {"protocol": "mmunlearner-0shot", "limit": 1, "lr": 0.5}[name]
    with pytest.raises(UserError, match="another run"):
        bench(merge(given, {section: {name: value}}), done.folder, "grad_diff")


def test_other_data_behind_the_same_path_are_noticed(given: dict[str, Any], tmp_path: Path) -> None:
    data = Path(shutil.copytree(given["mllmu"]["data"], tmp_path / "data"))
    here = merge(given, {"mllmu": {"data": str(data), "controls": False}})
    bench(here, tmp_path / "out")
    told = read_json(tmp_path / "out" / "grad_diff" / "forget_5-seed0" / "environment.json")
    file = tmp_path / "out" / "grad_diff" / "forget_5-seed0" / "environment.json"
    file.write_text(json.dumps({**told, "inputs": {**told["inputs"], "data": "others"}}))
    with pytest.raises(UserError, match="another data"):
        bench(here, tmp_path / "out")


def test_people_whom_the_target_does_not_know_are_refused(given: dict[str, Any], tmp_path: Path) -> None:
    found = bench({**given, "force": False}, tmp_path / "out")
    assert not found.complete
    assert "does not know the people" in found.results["rows"][0]["failures"][0]
    assert not (tmp_path / "out" / "grad_diff" / "forget_5-seed0" / "adapter").exists()


def test_ratios_and_forms_make_the_cells(given: dict[str, Any], tmp_path: Path) -> None:
    cells = cells_of(Ask("mllmu", "ga", concepts="5,15", given=given, forms="text,both"), tmp_path)
    assert [(c.concept, c.config.mllmu.ratio, c.config.mllmu.modality) for c in cells] == [
        ("forget_5-text", 5, "text"),
        ("forget_5-both", 5, "both"),
        ("forget_15-text", 15, "text"),
        ("forget_15-both", 15, "both"),
    ]
    embedded = cells_of(Ask("mllmu", "ga", concepts="all"), tmp_path)
    assert [c.config.mllmu.ratio for c in embedded] == [5, 10, 15]
    assert embedded[0].config.preset == "mllmu"
    assert embedded[0].config.world.stage == "target"


def test_a_second_gold_is_a_floor_of_cell_and_matrix(given: dict[str, Any], tmp_path: Path) -> None:
    mllmu = {**given["mllmu"], "gold_other": given["model"], "controls": False}
    found = bench({**given, "gold": given["model"], "mllmu": mllmu}, tmp_path / "out", "ga")
    cell = read_json(next((tmp_path / "out").glob("ga/*/results.json")))
    for results in (cell, found.results["ratios"]["5"]):
        assert {d["ks"] for d in results["retrain_floor"].values()} == {0.0}  # both are one model
        assert results["floors"]["gold_other"] == results["models"]["gold"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ratios", "7"], "no such split"),
        (["--ratios", "five"], "not a number"),
        (["--modality", "video"], "no such form"),
        (["--preset", "best"], "no such protocol"),
        (["--preset", "release-2411"], "do not fit"),
        (["--concepts", "3"], "do not belong"),
        (["--name", "Ann"], "do not belong"),
        (["--split", "selection", "--ratios", "10"], "no reported forget set"),
        (["--split", "dev"], "no such split"),
        (["--methods", "nothing"], "no such method"),
        (["--data", "nowhere"], "nowhere"),
        (["--set", "mllmu.ratio=5"], "what the matrix is made of"),
        (["--judge-url", "http://x"], "half given"),
        (["--gold", "/nowhere/gold-{ratio}"], "/nowhere/gold-5"),
        (["--set", "mllmu.gold_other=/nowhere/other-{ratio}"], "/nowhere/other-5"),
    ],
)
def test_wrong_input_ends_with_2(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["bench", "mllmu", "--methods", "ga", *words, "--out", str(tmp_path / "out")])
    assert code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_options_of_mllmu_are_refused_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "world", "--ratios", "5", "--out", str(tmp_path / "out")]) == 2
    assert "--ratios" in capsys.readouterr().err


def test_a_row_about_a_test_picture_or_a_forget_person_to_keep_is_impossible(given: dict[str, Any]) -> None:
    data = load(given["mllmu"]["data"], 5, training=True)
    check_apart(data, [Example("003/retain-0", "q", "a", "retain", data.retain[0].pictures[0])])
    with pytest.raises(AssertionError, match="test pictures"):
        check_apart(data, [Example("003/retain-0", "q", "a", "retain", data.test[0].pictures[0])])
    with pytest.raises(AssertionError, match="forget people"):
        check_apart(data, [Example("001/retain-0", "q", "a", "retain")])
