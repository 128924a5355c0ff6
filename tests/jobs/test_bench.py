"""The matrix: cells, shared answers, failures, a kill at any moment, and what is refused before any work."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import unsee.jobs.forget as forgetting
from tests.jobs.dying import die_once
from tests.jobs.make import HOSTILE
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs.bench import bench, finished
from unsee.jobs.bench_plan import Ask, cells_of, points
from unsee.jobs.bench_pool import run_cells
from unsee.jobs.lines import read_lines
from unsee.jobs.outcome import Outcome
from unsee.methods.registry import methods
from unsee.nouns import UserError
from unsee.training.losses import TrainingStopped

pytestmark = pytest.mark.usefixtures("one_thread")
SHORT = ("training.passes=1", "evaluation.limit=1")


def ask(given: dict[str, Any], methods: str = "ga,po", **more: Any) -> Ask:
    return Ask("concept", methods, given=given, **more)


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def without_cost(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    for row in found["methods"].values():
        del row["cost"]
    return found


def heard() -> tuple[list[str], Any]:
    lines: list[str] = []
    return lines, lines.append


@pytest.fixture(scope="module")
def done(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished matrix of two methods and two seeds on a tiny random model."""
    out = tmp_path_factory.mktemp("bench") / "out"
    lines, say = heard()
    assert bench(ask(given, seeds="0,1"), out, jobs=1, command="unsee bench", say=say).complete
    assert lines[0] == "4 cells, 0 of them finished"
    assert [line.split("]")[0] for line in lines[1:]] == ["[1/4", "[2/4", "[3/4", "[4/4"]
    return out


def test_every_file_is_there(done: Path) -> None:
    there = {entry.name for entry in done.iterdir()}
    made = {"bench.yaml", "bench.lock", "shared", "ga", "po"}
    assert there == made | {"table.md", "table.csv", "results.json", "report.html"}
    results = json.loads((done / "results.json").read_text())
    assert set(results["methods"]) == {"ga", "po"}
    assert (results["schema"], results["suite"], results["seeds"]) == (1, "concept", [0, 1])
    assert set(results["floors"]) == {"target", "blind"}  # a model of the user's has no gold
    for row in results["methods"].values():
        assert row["status"] in ("unknown", "collapse")  # a random model knows nobody
        assert [entry["done"] for entry in row["runs"]] == [True, True]
        assert row["cost"]["lm_tokens"] > 0
        assert all((done / entry["folder"] / "run.yaml").is_file() for entry in row["runs"])


def test_a_cell_is_the_run_that_forget_makes(done: Path, given: dict[str, Any], tmp_path: Path) -> None:
    alone = forgetting.forget(resolve({**given, "method": "ga", "seed": 1, "out": str(tmp_path / "alone")}))
    cell = next((done / "ga").glob("*-seed1"))
    for name in ("results.json", "examples.jsonl"):
        assert (cell / name).read_bytes() == (alone.folder / name).read_bytes(), name
    lines = [read_lines(folder / "train.jsonl") for folder in (cell, alone.folder)]
    losses = [[line["loss"] for line in found if line["step"]] for found in lines]
    assert losses[0] == losses[1]
    assert len(losses[0]) > 1
    assert read_lines(cell / "records.jsonl") == read_lines(alone.folder / "records.jsonl")


def test_what_no_method_changes_is_asked_once(done: Path) -> None:
    costs = [json.loads(path.read_text())["stages"] for path in sorted(done.glob("*/*/cost.json"))]
    for model in ("target", "blind"):
        assert sorted(cost[model]["lm_tokens"] > 0 for cost in costs) == [False, False, False, True]
    assert all(cost["unlearned"]["lm_tokens"] > 0 for cost in costs)


def test_the_same_command_touches_no_cell(done: Path, given: dict[str, Any]) -> None:
    before = {name: files_of(done / name) for name in ("ga", "po", "shared")}
    table = (done / "table.md").read_bytes()
    lines, say = heard()
    assert bench(ask(given, seeds="0,1"), done, jobs=1, command="unsee bench", say=say).complete
    assert lines == ["4 cells, 4 of them finished"]
    assert {name: files_of(done / name) for name in ("ga", "po", "shared")} == before
    assert (done / "table.md").read_bytes() == table


def test_a_cell_with_other_settings_is_refused_and_left_alone(done: Path, given: dict[str, Any]) -> None:
    before = files_of(done)
    with pytest.raises(UserError, match="holds another run"):
        bench(ask(given, sets=["training.lr=1e-5"]), done, jobs=1)
    with pytest.raises(UserError, match="holds another comparison"):
        bench(Ask("world", "ga"), done, jobs=1)
    assert files_of(done) == before


@pytest.fixture
def one_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = forgetting.forget

    def fail(config: Any, shared: Any = None) -> Outcome:
        if config.method == "po":
            raise TrainingStopped(f"Step 2: the loss of term x is not finite {HOSTILE}")
        return real(config, shared)

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "forget", fail)
        yield


def test_a_failed_cell_is_recorded_and_does_not_end_the_others(
    given: dict[str, Any], tmp_path: Path, one_fails: None
) -> None:
    lines, say = heard()
    made = bench(ask(given, "po,ga", sets=SHORT), tmp_path / "out", jobs=1, say=say)
    assert not made.complete
    assert [row.status for row in made.matrix.rows][-1] == "failed"
    assert "failed: Step 2" in lines[1]
    failed = json.loads(next((tmp_path / "out").glob("po/*/failed.json")).read_text())
    assert (failed["schema"], failed["kind"]) == (1, "TrainingStopped")
    assert "Traceback" in failed["trace"]
    table = (tmp_path / "out/table.md").read_text()
    assert "failed (1 of 1 runs)" in table
    assert "<script" not in table + (tmp_path / "out/report.html").read_text()


def test_a_failed_cell_is_tried_again(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    cell = cells_of(ask(given, "ga", sets=SHORT), out)[0]
    cell.path.mkdir(parents=True)
    (cell.path / "failed.json").write_text('{"schema": 1, "kind": "X", "message": "earlier"}')
    (out / "bench.yaml").write_text("suite: concept\nsplit: report\n")
    assert bench(ask(given, "ga", sets=SHORT), out, jobs=1, say=heard()[1]).complete
    assert not (cell.path / "failed.json").exists()
    assert finished(cell)


def test_grid_runs_every_combination_and_names_the_best(given: dict[str, Any], tmp_path: Path) -> None:
    grid = ("training.lr=1e-4,1e-3", "knobs.weight=2")
    made = bench(ask(given, grid=grid, sets=SHORT), tmp_path / "out", jobs=1, say=heard()[1])
    found = {(row.method, row.settings) for row in made.matrix.rows}
    assert found == {  # ga has no knob "weight"
        ("ga", (("training.lr", "1e-4"),)),
        ("ga", (("training.lr", "1e-3"),)),
        ("po", (("training.lr", "1e-4"), ("knobs.weight", "2"))),
        ("po", (("training.lr", "1e-3"), ("knobs.weight", "2"))),
    }
    best = yaml.safe_load((tmp_path / "out/best.yaml").read_text())["methods"]
    assert set(best) == {"ga", "po"}
    config = resolve({**given, "method": "po"}, file=tmp_path / "out/best.yaml")
    assert config.knobs == {"weight": 2}
    assert config.training.lr == best["po"]["training"]["lr"]
    written = [yaml.safe_load(path.read_text()) for path in (tmp_path / "out").glob("*/*/run.yaml")]
    assert {values["training"]["lr"] for values in written} == {1e-4, 1e-3}


def test_redact_keeps_the_name_out_of_the_tables(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines, say = heard()
    hidden = ask({**given, "redact": True}, "ga", sets=SHORT)
    bench(hidden, out, jobs=1, command="unsee --name 'Jane Roe'", say=say)
    assert "jane" not in "".join(lines).lower()
    for name in ("table.md", "table.csv", "results.json", "report.html"):
        text = (out / name).read_text().lower()
        assert "jane" not in text, name


def test_cells_of_the_world(tmp_path: Path) -> None:
    made = cells_of(Ask("world", "all", "0,1", "2"), tmp_path)
    assert len(made) == len(methods()) * 2 * 2
    assert len({cell.path for cell in made}) == len(made)
    assert {cell.concept for cell in made} == {"celebrity-00", "celebrity-02"}
    assert made[0].path == tmp_path / made[0].method / "celebrity-00-seed0"
    assert [cell.seed for cell in made] == sorted(cell.seed for cell in made)


def test_selection_has_other_people_and_other_questions(tmp_path: Path) -> None:
    chosen = cells_of(Ask("world", "ga", concepts="all", split="selection"), tmp_path)
    reported = cells_of(Ask("world", "ga", concepts="all"), tmp_path)
    assert not {cell.concept for cell in chosen} & {cell.concept for cell in reported}
    assert {cell.config.world.split for cell in chosen} == {"selection"}
    one = forgetting.check(reported[0].config)
    other = forgetting.check(resolve(reported[0].config.model_dump() | {"world": {"split": "selection"}}))
    assert one.world is not None
    assert other.world is not None
    assert one.concept == other.concept
    assert one.picture.hash == other.picture.hash
    asked, others = (
        {q.picture.hash for q in r.world.questionnaire.questions if q.picture and q.split != "efficacy"}
        for r in (one, other)
    )
    assert not asked & others


def test_private_people_are_forgotten_from_the_stage_that_knows_them(tmp_path: Path) -> None:
    made = cells_of(Ask("world", "ga", concepts="celebrity-00,private-004"), tmp_path)
    assert [cell.config.world.stage for cell in made] == ["base", "target"]


def test_knobs_of_the_grid_apply_where_they_exist() -> None:
    grid = {"training.lr": ("1", "2"), "knobs.weight": ("3",)}
    assert list(points("ga", grid)) == [(("training.lr", "1"),), (("training.lr", "2"),)]
    assert len(list(points("po", grid))) == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["wrld", "--methods", "ga"], "did you mean world?"),
        (["world", "--methods", "gaa"], "did you mean ga?"),
        (["world", "--methods", " , "], "--methods"),
        (["world", "--methods", "ga", "--seeds", ""], "--seeds"),
        (["world", "--methods", "ga", "--seeds", "-1"], "0 or more"),
        (["world", "--methods", "ga", "--seeds", "x"], "0 or more"),
        (["world", "--methods", "ga", "--concepts", "0"], "1 to"),
        (["world", "--methods", "ga", "--concepts", "999"], "1 to"),
        (["world", "--methods", "ga", "--concepts", "celebrty-00"], "did you mean celebrity-00?"),
        (["world", "--methods", "ga", "--concepts", "celebrity-01"], "--split selection"),
        (["world", "--methods", "ga", "--split", "test"], "report or selection"),
        (["world", "--methods", "ga", "--set", "method=po"], "--methods"),
        (["world", "--methods", "ga", "--set", "training.lrr=1"], "did you mean training.lr?"),
        (["world", "--methods", "ga", "--set", "knobs.bond=1"], "did you mean bound?"),
        (["world", "--methods", "ga", "--set", "scope.parts=languag"], "languag"),
        (["world", "--methods", "ga", "--grid", "lr=1,2"], "did you mean training.lr?"),
        (["world", "--methods", "ga", "--grid", "training.lr="], "--grid training.lr"),
        (["world", "--methods", "ga", "--grid", "knobs.weigth=1"], "knobs.bound"),
        (["world", "--methods", "ga", "--grid", "scope.parts=language,projector"], "one value"),
        (["world", "--methods", "ga", "--model", "some/model"], "unsee bench concept"),
        (["concept", "--methods", "ga"], "--model"),
        (["concept", "--methods", "ga", "--model", "some/model", "--name", "A"], "--image"),
        (
            ["concept", "--methods", "ga", "--model", "m", "--name", "A", "--split", "selection"],
            "--split report",
        ),
    ],
)
def test_wrong_input_ends_with_2_before_any_work(
    arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert hint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_with_values_for_an_unknown_method_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    file.write_text("methods: {npoo: {training: {lr: 1e-3}}}")
    with pytest.raises(UserError, match="did you mean npo"):
        bench(Ask("world", "npo", file=file), tmp_path / "out")
    file.write_text("methods: {npo: {training: {lr: 7e-3}}}")
    made = cells_of(Ask("world", "npo,ga", file=file), tmp_path / "out")
    assert [cell.config.training.lr == 7e-3 for cell in made] == [True, False]


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="holds other files"):
        bench(Ask("world", "ga"), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_missing_out_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "world", "--methods", "ga"]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_process_that_dies_takes_no_other_cell_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cells = cells_of(Ask("world", "ga", seeds="1,0,2"), tmp_path)
    ended = {cell.seed: failure for cell, failure in run_cells(cells, tmp_path / "shared", 2, die_once)}
    assert (ended[0], ended[1]) == (None, None)
    assert ended[2] is not None
    assert ended[2].kind == "ProcessDied"
    assert json.loads((cells[-1].path / "failed.json").read_text())["kind"] == "ProcessDied"


def start(given: dict[str, Any], out: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own, with two workers."""
    values = out.with_suffix(".yaml")
    values.write_text(json.dumps(given))
    arguments = ["bench", "concept", "--methods", "ga,po", "--seeds", "0,1", "--jobs", "2"]
    code = "import sys; from unsee.commands.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments, "--config", str(values), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)


def wait_for(process: subprocess.Popen[bytes], reached: Any, seconds: float = 600) -> None:
    limit = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < limit
        time.sleep(0.01)


def workers(group: int) -> list[int]:
    """Processes of a group that are still alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_killed_at_any_moment_it_goes_on_and_redoes_nothing(
    done: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    """The parent alone is killed, which is harder than the whole group: its workers must end with it."""
    whole, out = ask(given, seeds="0,1"), tmp_path / "killed"
    cells = cells_of(whole, out)
    process = start(given, out)
    try:
        wait_for(process, lambda: any(finished(cell) for cell in cells))
        process.kill()
        limit = time.monotonic() + 30
        while workers(process.pid):
            assert time.monotonic() < limit, "a worker outlived its parent"
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = {cell.path: files_of(cell.path) for cell in cells if finished(cell)}
    assert 0 < len(kept) < len(cells)

    assert bench(whole, out, jobs=1, say=heard()[1]).complete
    for path, files in kept.items():
        assert files_of(path) == files, path
    for cell in cells:
        undisturbed = done / cell.path.relative_to(out)
        for name in ("results.json", "examples.jsonl"):
            assert (cell.path / name).read_bytes() == (undisturbed / name).read_bytes(), cell.path
        assert read_lines(cell.path / "records.jsonl") == read_lines(undisturbed / "records.jsonl")
    texts = [(folder / "results.json").read_text() for folder in (out, done)]
    assert without_cost(texts[0]) == without_cost(texts[1])
