"""What can be added to a run of MMUBench: local utility suites, and a judge behind an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.jobs.mmubench_folder import utility_files, values
from unsee.commands.main import run
from unsee.config import RunConfig, resolve
from unsee.jobs import mmubench_asking as asking
from unsee.jobs.bench import bench
from unsee.jobs.bench_plan import Ask
from unsee.jobs.lines import read_json, read_lines
from unsee.jobs.mmubench import evaluate_mmubench
from unsee.jobs.mmubench_cell import forget_mmubench


@pytest.fixture(scope="module", autouse=True)
def _small_portions(one_thread: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "PORTION", 6)
        yield


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return values(tmp_path_factory.mktemp("mmubench"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return utility_files(tmp_path_factory.mktemp("utility"))


def cell_config(given: dict[str, Any], out: Path, **section: Any) -> RunConfig:
    own = {**given["mmubench"], "concepts": ("jane",), **section}
    return resolve({**given, "mmubench": own, "out": str(out), "force": True})


# --- Local utility suites ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def useful(given: dict[str, Any], files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed cell with two local suites."""
    out = tmp_path_factory.mktemp("cell") / "run"
    forget_mmubench(cell_config(given, out, utility=files))
    return out


def test_target_and_model_after_are_asked(useful: Path) -> None:
    results = read_json(useful / "results.json")
    for model in ("target", "unlearned"):
        found = results["models"][model]
        assert found["pope_accuracy"]["n"] == 4
        assert found["vqa_accuracy:own"]["n"] == 2
        mean = (found["pope_accuracy"]["value"] + found["vqa_accuracy:own"]["value"]) / 2
        assert found["specificity_local"]["value"] == pytest.approx(mean)
    assert "pope_accuracy" not in results["models"]["blind"]
    asked = [row for row in read_lines(useful / "records.jsonl") if row["question"].startswith("pope/")]
    assert {row["model"] for row in asked} == {"target", "unlearned"}
    assert {row["split"] for row in asked} == {"pope"}
    assert "Objects: right yes or no (POPE)" in (useful / "report.html").read_text(encoding="utf-8")


def test_the_difference_to_the_target_is_paired(useful: Path) -> None:
    results = read_json(useful / "results.json")
    told = results["utility"]["pope"]
    assert (told["questions"], told["pictures"]) == (4, 2)
    after, before = (results["models"][m]["pope_accuracy"]["value"] for m in ("unlearned", "target"))
    assert told["difference"]["value"] == pytest.approx(after - before)
    assert told["difference"]["low"] <= told["difference"]["value"] <= told["difference"]["high"]
    assert 0 <= told["difference"]["p"] <= 1
    assert results["utility"]["vqa-own"]["questions"] == 2


def test_the_readings_are_the_published_rule_and_ours(useful: Path) -> None:
    results = read_json(useful / "results.json")
    for reading in ("paper", "released_code"):
        found = results["readings"][reading]["target"]
        assert found["pope_undecided"]["value"] == 0  # the published rule makes noise a yes
        assert found["pope_accuracy"]["value"] == 0.5
    assert results["models"]["target"]["pope_undecided"]["value"] > 0.5  # the model is random


def test_pictures_of_several_suites_are_encoded_once(
    given: dict[str, Any], useful: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    forget_mmubench(cell_config(given, plain))
    counts = {
        run: {stage: c["images_encoded"] for stage, c in read_json(run / "cost.json")["stages"].items()}
        for run in (plain, useful)
    }
    for stage, more in (("target", 2), ("blind", 0), ("unlearned", 2)):  # two pictures, six questions
        assert counts[useful][stage] == counts[plain][stage] + more
    before, after = (read_json(run / "results.json") for run in (plain, useful))
    assert "utility" not in before
    for model, figures in before["models"].items():  # what was asked before is unchanged
        assert figures == {k: v for k, v in after["models"][model].items() if k in figures}


@pytest.mark.parametrize("label", ["target", "unlearned"])
def test_killed_among_local_questions_and_continued(
    given: dict[str, Any],
    files: list[str],
    useful: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    label: str,
) -> None:
    config = cell_config(given, tmp_path / "run", utility=files)
    real = asking.ask

    def dies(who: Any, questions: Any, *args: Any, **more: Any) -> Any:
        if who.label == label and questions[0].split == "pope":
            raise KeyboardInterrupt
        return real(who, questions, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(asking, "ask", dies)
        with pytest.raises(KeyboardInterrupt):
            forget_mmubench(config)
    assert forget_mmubench(config).results == read_json(useful / "results.json")


def test_a_matrix_asks_the_target_once(given: dict[str, Any], files: list[str], tmp_path: Path) -> None:
    own = {**given, "mmubench": {**given["mmubench"], "utility": files}, "force": True}
    ask = Ask("mmubench", "po,ga", concepts="jane", given=own)
    assert bench(ask, tmp_path / "out", jobs=1, say=lambda line: None).complete
    cost = read_json(tmp_path / "out" / "ga" / "jane-seed0" / "cost.json")["stages"]
    assert cost["target"]["images_encoded"] == 0
    text = (tmp_path / "out" / "paper.md").read_text(encoding="utf-8")
    assert "## Specificity over local files" in text
    assert "| `ga` |" in text.partition("## Specificity over local files")[2]


def test_local_files_from_the_command_line(
    given: dict[str, Any], files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--concepts", "jane"]
    short = ["--split", "efficacy", "--set", "evaluation.max_new_tokens=3"]
    to = ["--out", str(tmp_path / "run")]
    pope = files[0].partition("=")[2]
    asked = ["--utility", f"pope-all={pope}", "--utility-pictures", f"pope-all={Path(pope).parent}"]
    assert run(["evaluate", "mmubench", *where, *short, *asked, *to]) == 0
    assert "pope_accuracy:all" in read_json(tmp_path / "run" / "results.json")["models"]["target"]
    capsys.readouterr()
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"image": "0.png", "text": "A cat?"}\n', encoding="utf-8")
    for verb in (["evaluate", "mmubench"], ["bench", "mmubench", "--methods", "po"]):
        for wrong, said in (
            ([f"--utility=pope={bad}"], "line 1"),
            (["--utility=gqa=x.jsonl"], "no such utility suite"),
            (["--utility=pope"], "a name and a path"),
            ([f"--utility=pope={pope}", f"--utility=pope={pope}"], "each name once"),
            (["--utility=vqa=nowhere.jsonl"], "no such file"),
            (["--utility-pictures=pope=x"], "belong to no utility suite"),
        ):
            assert run([*verb, *where, *wrong, "--out", str(tmp_path / "new")]) == 2
            assert said in capsys.readouterr().err
    for verb in (["evaluate", "mllmu"], ["bench", "world"], ["bench", "mllmu"], ["evaluate", "concept"]):
        assert run([*verb, "--utility", f"pope={pope}", "--out", str(tmp_path / "new")]) == 2
        assert "--utility" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


# --- A judge behind an endpoint ---------------------------------------------------------------------------


class Grader:
    """A chat endpoint on this machine that answers every question with one text, and counts."""

    def __init__(self, said: str) -> None:
        self.said, self.count = said, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.count += 1
                body = json.dumps({"choices": [{"message": {"content": outer.said}}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    made = Grader("4")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies of the random model count as language, so that they are shown to the judge."""
    monkeypatch.setattr("unsee.metrics.judging.degenerate", lambda text: False)


def judged(given: dict[str, Any], out: Path, url: str) -> RunConfig:
    own = {**given["mmubench"], "concepts": ("jane",), "judge_url": url, "judge_model": "m-1"}
    return resolve({**given, "mmubench": own, "out": str(out)})


@pytest.mark.usefixtures("readable")
def test_an_endpoint_grades_and_is_asked_once(
    given: dict[str, Any], tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unsee.metrics.agreement.reworded", lambda reply, names: f"{reply} indeed")
    results = evaluate_mmubench(judged(given, tmp_path / "run", grader.url)).results
    assert results["judge"] == f"m-1 at {grader.url}"
    told = results["judge_agreement"]  # of the rules, whoever grades: it costs no question
    assert told["judge"] == "rule-1"
    assert (told["value"], told["unscored"]) == (1.0, 0)
    assert told["n"] > 0
    for found in (results, *results["readings"].values()):
        models = found if "target" in found else found["models"]
        assert models["target"]["g_eval"]["value"] == 4
    kept = list((tmp_path / "run" / "judge").glob("*.json"))
    assert 0 < grader.count == len(kept)
    evaluate_mmubench(judged(given, tmp_path / "run", grader.url))
    assert grader.count == len(kept)


@pytest.mark.usefixtures("readable")
def test_what_the_judge_garbles_is_counted_and_not_scored(
    given: dict[str, Any], tmp_path: Path, grader: Grader
) -> None:
    grader.said = "Out of 5, I would say 2"
    results = evaluate_mmubench(judged(given, tmp_path / "run", grader.url)).results
    assert "g_eval" not in results["models"]["target"]
    assert results["models"]["target"]["g_eval_unscored"]["value"] == 1
    assert results["readings"]["released_code"]["target"]["g_eval"]["value"] == 5  # the first number


@pytest.mark.usefixtures("readable")
def test_cells_share_what_the_judge_said(given: dict[str, Any], tmp_path: Path, grader: Grader) -> None:
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--concepts", "jane"]
    short = [f"--set=evaluation.{key}" for key in ("limit=1", "max_new_tokens=3")]
    judge = ["--judge-url", grader.url, "--judge-model", "m-1"]
    command = ["bench", "mmubench", "--methods", "po", "--jobs", "1", *where, *short, *judge]
    assert run([*command, "--out", str(tmp_path / "out")]) == 0
    found = read_json(tmp_path / "out" / "po" / "jane-seed0" / "results.json")
    assert found["judge"].startswith("m-1 at ")
    assert len(list((tmp_path / "out" / "shared" / "judge").glob("*.json"))) == grader.count > 0


@pytest.mark.usefixtures("readable")
def test_a_model_in_a_folder_grades(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a random model says is no grade: counted, never scored; with grades they are the figures."""
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--concepts", "jane"]
    short = [f"--set=evaluation.{key}" for key in ("limit=1", "max_new_tokens=3")]
    command = ["evaluate", "mmubench", *where, *short, "--judge-model", given["model"]]
    assert run([*command, "--out", str(tmp_path / "noise")]) == 0
    found = read_json(tmp_path / "noise" / "results.json")
    assert found["judge"].startswith(f"{Path(given['model']).name} ")
    assert "g_eval" not in found["models"]["target"]
    assert found["models"]["target"]["g_eval_unscored"]["value"] == 1
    assert list((tmp_path / "noise" / "judge").glob("*.json"))
    monkeypatch.setattr("unsee.suites.judges.asked", lambda vlm, prompts, longest: ["2"] * len(prompts))
    assert run([*command, "--out", str(tmp_path / "graded")]) == 0
    assert read_json(tmp_path / "graded" / "results.json")["models"]["target"]["g_eval"]["value"] == 2


def test_half_a_judge_is_refused_before_any_work(
    given: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--out", str(tmp_path / "run")]
    for verb in (["evaluate", "mmubench"], ["bench", "mmubench", "--methods", "po"]):
        for wrong, said in (
            (["--judge-url", "http://x/v1"], "half given"),
            (["--judge-model", "m-1"], "half given"),
            (["--judge-model", str(tmp_path)], "not a model"),
            (["--judge-url", "http://x/v1", "--judge-model", "m-1"], "OPENAI_API_KEY"),
            (["--judge-url", "localhost:8000", "--judge-model", "m-1"], "http://"),
        ):
            assert run([*verb, *where, *wrong]) == 2
            assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
