"""``unsee evaluate mllmu`` from the command line to the files, killed and continued, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.make import save_model
from tests.suites.mllmu.made import row, save, save_all, training_row
from tests.suites.mllmu.people import benchmark
from tests.tiny import build
from unsee.config import RunConfig, resolve
from unsee.jobs import mllmu as job
from unsee.jobs import mllmu_asking
from unsee.jobs.lines import read_lines
from unsee.jobs.mllmu import MllmuOptions, evaluate_mllmu
from unsee.metrics.factuality import LONGEST_REPLY
from unsee.models.load import VLM
from unsee.nouns import UserError

DATA = benchmark(forget=2, retain=2, real=2, poses=2)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> VLM:
    """The data by hand and a tiny model, instead of files."""
    vlm = build("llava")
    vlm.chat.context = None
    monkeypatch.setattr(job, "read_data", lambda options, demos=True: replace(DATA, ratio=options.ratio))
    monkeypatch.setattr(job, "load", lambda *args, **more: vlm)
    return vlm


def config(out: Path, **more: Any) -> RunConfig:
    return resolve({"model": "tiny", "out": str(out), **more}, sets=["evaluation.max_new_tokens=3"])


def options(**more: Any) -> MllmuOptions:
    return MllmuOptions(**{"split": ("forget",), "limit": 1, "controls": False, **more})


def test_results_and_official_files(tmp_path: Path, offline: VLM) -> None:
    out = evaluate_mllmu(config(tmp_path / "run"), options(limit=0, controls=True))
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results == json.loads(json.dumps(out.results))
    assert (results["suite"], results["preset"]) == ("mllmu", "corrected")
    assert results["data"] == {"revision": "by hand", "ratio": 5, "notes": []}
    target = results["models"]["target"]
    assert all(
        score["n"] > 0 and score["low"] <= score["value"] <= score["high"] for score in target.values()
    )
    assert target["mllmu_choice/forget/image_text"]["n"] == 10
    assert target["mllmu_cloze/forget/text"]["n"] == 4
    assert set(results["floors"]) == {
        *("majority", "random_other", "chance"),
        *("no_image", "shuffled_image", "options_only"),
    }
    assert "mllmu_choice_text/forget/text" in results["floors"]["options_only"]
    assert set(results["gate"]["mllmu_choice/forget/text"]) == {"known", "floor", "above"}
    assert set(results["letters"]["target"]["forget/text"]) == set("ABCD")
    assert "mllmu_both_right/forget/cloze" in results["alignment"]["target"]
    assert "mllmu_rouge_l/forget" in results["gaps"]["target"]
    official = json.loads(
        (tmp_path / "run" / "official" / "target" / "target_final_evaluation_results.json").read_text()
    )
    assert list(official) == ["Forget Set Results"]
    table = (tmp_path / "run" / "table.md").read_text()
    assert "## Forget, with the picture" in table
    assert "n=10" in table
    parts = (
        "Did the target learn it?",
        "With the picture and by name",
        "Letters",
        "By attribute: Gaps filled, target",
    )
    page = (tmp_path / "run" / "report.html").read_text()
    for part in parts:
        assert f"## {part}" in table
        assert f"<h2>{part}</h2>" in page
    cost = json.loads((tmp_path / "run" / "cost.json").read_text())
    assert cost["stages"]["target"]["images_encoded"] == 2
    assert cost["stages"]["target:no_image"]["images_encoded"] == 0


def test_an_official_preset_from_the_command(tmp_path: Path, offline: VLM) -> None:
    out = evaluate_mllmu(
        config(tmp_path / "run", seed=4), options(preset="mmunlearner-1shot", limit=0, examples=("001",))
    )
    assert out.results["examples"]["forget/choice"] == ["001"]
    assert out.results["models"]["target"]["mllmu_choice/forget/text"]["n"] == 5
    rows = read_lines(tmp_path / "run" / "records.jsonl")
    assert {row["model"] for row in rows} == {"target"}
    assert all(row["status"] in ("correct", "incorrect", "refusal", "gibberish", "empty") for row in rows)


def test_killed_and_continued_it_asks_only_what_is_missing(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate_mllmu(config(tmp_path / "whole"), options(limit=0))
    real = mllmu_asking.ask_all
    with monkeypatch.context() as patch:

        def dies(*args: Any, on_records: Any, **more: Any) -> Any:
            def keep(records: Any) -> None:
                on_records(records[:11])
                raise KeyboardInterrupt

            return real(*args, on_records=keep, **more)

        patch.setattr(mllmu_asking, "ask_all", dies)
        with pytest.raises(KeyboardInterrupt):
            evaluate_mllmu(config(tmp_path / "run"), options(limit=0))
    assert len(read_lines(tmp_path / "run" / "records.jsonl")) == 11
    again = evaluate_mllmu(config(tmp_path / "run"), options(limit=0))
    assert again.results == whole.results
    monkeypatch.setattr(mllmu_asking, "ask_all", lambda *args, **more: pytest.fail("asked again"))
    assert evaluate_mllmu(config(tmp_path / "run"), options(limit=0)).results == whole.results


@pytest.mark.parametrize(
    ("more", "changed"),
    [({"preset": "mmunlearner-0shot"}, "preset"), ({"limit": 2}, "protocol"), ({"ratio": 5}, "")],
)
def test_records_of_another_evaluation_are_never_reused(
    tmp_path: Path, offline: VLM, more: dict[str, Any], changed: str
) -> None:
    evaluate_mllmu(config(tmp_path / "run"), options())
    if not changed:
        evaluate_mllmu(config(tmp_path / "run"), options(**more))
        return
    with pytest.raises(UserError, match=rf"(?s)something else.*{changed}.*--out"):
        evaluate_mllmu(config(tmp_path / "run"), options(**more))


def test_another_revision_or_model_is_another_run(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate_mllmu(config(tmp_path / "run"), options())
    with monkeypatch.context() as patch:
        patch.setattr(job, "read_data", lambda *args, **more: replace(DATA, revision="newer"))
        with pytest.raises(UserError, match=r"another data, protocol"):
            evaluate_mllmu(config(tmp_path / "run"), options())
    monkeypatch.setattr(job, "load", lambda *args, **more: replace(offline, weights_hash="other"))
    with pytest.raises(UserError, match=r"another weights"):
        evaluate_mllmu(config(tmp_path / "run"), options())


def test_a_folder_with_other_files_is_refused(tmp_path: Path, offline: VLM) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"(?s)something else.*mine.txt"):
        evaluate_mllmu(config(tmp_path), options())


def test_a_judge_behind_an_endpoint_is_asked_once(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[str] = []
    answer = json.dumps({"choices": [{"message": {"content": '{"score": 4}'}}]}).encode()
    monkeypatch.setattr(
        "unsee.metrics.judge_endpoint.Endpoint._post", lambda self, prompt: posted.append(prompt) or answer
    )
    monkeypatch.setattr("unsee.metrics.factuality.degenerate", lambda text: False)
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    chosen = options(judge_url="http://judge/v1", judge_model="m-1")
    out = evaluate_mllmu(config(tmp_path / "run"), chosen)
    assert out.results["judge"] == {"name": "m-1 at http://judge/v1", "ungraded": {"target": {}}}
    assert out.results["models"]["target"]["mllmu_factuality/forget/text"]["value"] == 4.0
    asked = len(posted)
    assert 0 < asked <= 4
    evaluate_mllmu(config(tmp_path / "run"), chosen)
    assert len(posted) == asked
    with pytest.raises(UserError, match="half given"):
        evaluate_mllmu(config(tmp_path / "other"), options(judge_url="http://judge/v1"))
    assert not (tmp_path / "other").exists()


def test_two_gold_models_are_the_floor_of_distances(tmp_path: Path, offline: VLM) -> None:
    """Here both are the same model, so that nothing lies between them."""
    given = config(tmp_path / "run", gold="hub/first", mllmu={"gold_other": "hub/second"})
    results = evaluate_mllmu(given, options()).results
    assert set(results["models"]) == {"target", "gold"}
    assert results["floors"]["gold_other"] == results["models"]["gold"]
    cells = set(results["distance_to_gold"]["target"])
    assert set(results["retrain_floor"]) == cells
    assert cells == {f"mllmu_truth_logprob/forget/{side}" for side in ("image_text", "text")}
    assert {(d["ks"], d["wasserstein"]) for d in results["retrain_floor"].values()} == {(0.0, 0.0)}
    alone = evaluate_mllmu(config(tmp_path / "alone", gold="hub/first"), options()).results
    assert "retrain_floor" not in alone


def test_shipped_floors_stand_beside_the_embedded_model(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base is a floor of what must go, gold is asked everything; a second gold model where one is shipped."""
    shipped = {"mllmu-5": {0: tmp_path, 1: tmp_path}, "mllmu-10": {0: tmp_path}}
    monkeypatch.setattr("unsee.jobs.embedded.gold_path", lambda name, seed: shipped.get(name, {}).get(seed))
    chosen = options(split=("forget", "retain"), controls=True)
    found = evaluate_mllmu(config(tmp_path / "run", model=""), chosen).results
    assert list(found["models"]) == ["target", "base", "gold"]
    assert {cell.split("/")[1] for cell in found["models"]["base"]} == {"forget"}
    assert set(found["models"]["gold"]) == set(found["models"]["target"])
    assert found["retrain_floor"]
    assert {gate["floor"] for gate in found["gate"].values()} == {"gold"}
    ten = evaluate_mllmu(config(tmp_path / "ten", model=""), replace(chosen, ratio=10)).results
    assert "gold" in ten["models"]
    assert "retrain_floor" not in ten
    for name, less in {
        "bare": {"controls": False},
        "raw": {"preset": "mmunlearner-0shot"},
        "fifteen": {"ratio": 15, "split": ("retain",)},
    }.items():
        few = evaluate_mllmu(config(tmp_path / name, model=""), replace(chosen, **less)).results
        assert list(few["models"]) == ["target"]


def test_floors_that_are_named_are_always_asked(tmp_path: Path, offline: VLM) -> None:
    given = config(tmp_path / "run", mllmu={"base": "hub/off-the-shelf"})
    assert list(evaluate_mllmu(given, options()).results["models"]) == ["target", "base"]
    missing = config(tmp_path / "other", gold=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"(?s)to compare with is missing.*--gold.*nowhere"):
        evaluate_mllmu(missing, options())
    assert not (tmp_path / "other").exists()


def test_a_model_in_a_folder_grades_and_is_asked_once(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def said(vlm: VLM, prompts: list[str], longest_reply: int) -> list[str]:
        assert longest_reply == LONGEST_REPLY
        shown.extend(prompts)
        return ['{"score": 3}', "I cannot say"][: len(prompts)] + ['{"score": 3}'] * (len(prompts) - 2)

    monkeypatch.setattr("unsee.suites.judges.asked", said)
    monkeypatch.setattr("unsee.metrics.factuality.degenerate", lambda text: False)
    chosen = options(judge_model=str(save_model(tmp_path / "grader")))
    out = evaluate_mllmu(config(tmp_path / "run"), chosen)
    assert out.results["judge"]["name"].startswith("grader ")
    assert out.results["judge"]["ungraded"] == {"target": {"unreadable": 1}}
    grades = [v for cell, v in out.results["models"]["target"].items() if "factuality" in cell]
    assert grades
    assert all(grade["value"] == 3 for grade in grades)
    asked = len(shown)
    evaluate_mllmu(config(tmp_path / "run"), chosen)
    assert len(shown) == asked > 1
    for wrong in ("nowhere", str(tmp_path)):
        with pytest.raises(UserError, match=r"half given|not a model"):
            evaluate_mllmu(config(tmp_path / "other"), options(judge_model=wrong))
    assert not (tmp_path / "other").exists()


def test_leaks_between_training_and_evaluation_are_noted(tmp_path: Path) -> None:
    data = save_all(tmp_path)
    asked = row("010")["Generation_Task"][0]
    pairs = [{"Question": asked["Question"], "Answer": asked["Ground_Truth"]}]
    save(data, "ft_Data", [training_row("010", with_id=True) | {"metadata": json.dumps(pairs)}])
    found = job.read_data(MllmuOptions(data=str(data)), demos=False)
    said = [note for note in found.notes if "training data" in note]
    assert said[0] == "forget: 1 of 18 questions stand in the training data with their answer"


def test_unknown_sets_and_presets(tmp_path: Path, offline: VLM) -> None:
    with pytest.raises(UserError, match="no such set"):
        evaluate_mllmu(config(tmp_path / "run"), options(split=("celebrities",)))
    with pytest.raises(UserError, match="no such protocol"):
        evaluate_mllmu(config(tmp_path / "run"), options(preset="paper"))
    assert not (tmp_path / "run").exists()


def ended(main: Callable[[list[str]], None], arguments: list[str]) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def test_the_command(
    tmp_path: Path, offline: VLM, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unsee.commands.main import main

    seen: list[tuple[RunConfig, MllmuOptions]] = []
    monkeypatch.setattr(
        job, "evaluate_mllmu", lambda *given: seen.append(given) or evaluate_mllmu(given[0], options())
    )
    command = ["evaluate", "mllmu", "--model", "m", "--preset", "release-2503", "--split", "test"]
    more = ["--split", "real", "--limit", "3", "--ratio", "10", "--no-controls", "--out", str(tmp_path / "o")]
    more += ["--examples", "001, 002", "--test-picture", "0"]
    assert ended(main, [*command, *more]) == 0
    (found, chosen), *_ = seen
    assert chosen == MllmuOptions(
        preset="release-2503",
        split=("test", "real"),
        limit=3,
        ratio=10,
        controls=False,
        examples=("001", "002"),
        picture=0,
    )
    assert found.model == "m"
    assert "## Forget, by name" in capsys.readouterr().out
    assert ended(main, ["evaluate", "mllmu", "--name", "Jane Roe"]) == 2
    assert "--name" in capsys.readouterr().err
    assert ended(main, ["evaluate", "concept", "--ratio", "5"]) == 2
    assert "--ratio" in capsys.readouterr().err


def test_a_concept_is_evaluated_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unsee.commands.main import main

    class Done(Exception):
        pass

    def evaluate(found: RunConfig, suite: str) -> None:
        assert (found.seed, suite) == (3, "concept")
        raise Done

    monkeypatch.setattr("unsee.jobs.evaluate.evaluate", evaluate)
    assert ended(main, ["evaluate", "concept", "--seed", "3", "--out", str(tmp_path / "x")]) == 1
    assert "Done" in capsys.readouterr().err
