"""MMUBench end to end on a tiny random model and two concepts by hand: asked, killed, continued, compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.make import save_pictures
from tests.jobs.mmubench_folder import values
from unsee.commands.main import run
from unsee.config import RunConfig, resolve
from unsee.jobs import mmubench_asking as asking
from unsee.jobs.bench import Bench, bench
from unsee.jobs.bench_plan import Ask, cells_of
from unsee.jobs.lines import read_json, read_lines
from unsee.jobs.mmubench import evaluate_mmubench
from unsee.jobs.mmubench_cell import forget_mmubench
from unsee.jobs.mmubench_data import read_paper, request_of
from unsee.jobs.training import method_of
from unsee.nouns import Picture, UserError
from unsee.packs import features
from unsee.packs.vision import encode_pictures
from unsee.suites.mmubench import run as running


@pytest.fixture(scope="module", autouse=True)
def _small_portions(one_thread: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "PORTION", 6)  # many small portions, so that there are places to be killed at
        yield


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return values(tmp_path_factory.mktemp("mmubench"))


def config(given: dict[str, Any], out: Path, *sets: str, **more: Any) -> RunConfig:
    return resolve({**given, "out": str(out), **more}, sets=sets)


def cell_config(given: dict[str, Any], out: Path, *sets: str, **more: Any) -> RunConfig:
    return config(given, out, "mmubench.concepts=jane", *sets, **{"force": True, **more})


@pytest.fixture(scope="module")
def forgotten(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed cell: SIU on one concept, although the random model never knew it."""
    out = tmp_path_factory.mktemp("cell") / "run"
    forget_mmubench(cell_config(given, out))
    return out


def die_after(count: int, patch: pytest.MonkeyPatch, label: str = "") -> None:
    """The process ends when so many portions were asked of a model, or of any."""
    real, seen = asking.ask, [0]

    def dies(who: Any, *args: Any, **more: Any) -> Any:
        if label in ("", who.label):
            if seen[0] == count:
                raise KeyboardInterrupt
            seen[0] += 1
        return real(who, *args, **more)

    patch.setattr(asking, "ask", dies)


def test_a_model_is_evaluated_from_the_command_line(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["evaluate", "mmubench", "--model", given["model"], "--data", given["mmubench"]["data"]]
    more = ["--limit", "1", "--preset", "paper", "--set", "evaluation.max_new_tokens=4", "--out", str(out)]
    assert run([*command, *more]) == 0
    assert "2 concepts" in capsys.readouterr().out
    results = read_json(out / "results.json")
    assert (results["schema"], results["suite"], results["preset"]) == (1, "mmubench", "paper")
    assert set(results["readings"]) == {"corrected", "released_code"}
    assert set(results["concepts"]) == {"jane", "john"}
    assert set(results["models"]) == {"target", "blind"}
    for score in results["models"]["target"].values():
        assert set(score) == {"value", "low", "high", "n", "better"}
        assert score["low"] <= score["value"] <= score["high"]
    assert results["models"]["target"]["efficacy"]["n"] == 4  # two concepts, one question of each form
    assert results["gate"]["known"] is False
    assert results["gate"]["unknown"] == ["jane", "john"]
    assert "few_pictures" not in str(results["concepts"]["jane"]["checks"])
    assert any("the paper has 50" in text for text in results["concepts"]["jane"]["checks"])
    assert (out / "report.html").exists()
    assert read_json(out / "cost.json")["stages"]["target"]["images_encoded"] == 8


def test_one_concept_and_some_sets(given: dict[str, Any], tmp_path: Path) -> None:
    chosen = config(given, tmp_path / "run", "mmubench.concepts=john", "mmubench.splits=generality")
    results = evaluate_mmubench(chosen).results
    assert set(results["concepts"]) == {"john"}
    assert "efficacy" not in results["models"]["target"]
    assert "em_name" in results["models"]["target"]


def test_a_cell_has_every_figure(forgotten: Path) -> None:
    results = read_json(forgotten / "results.json")
    assert results["method"] == "siu"
    assert set(results["models"]) == {"target", "blind", "unlearned"}
    wanted = {
        *("efficacy", "em", "em_name", "em_yes_no", "yes_no_balanced", "naming_rate", "multilingual"),
        *("others_named", "others_yes_no", "specificity", "fluency_ppl", "diversity", "distinct_1", "c_dis"),
        *("mia_loss", "mia_min_k_pp", "mia_suspicious", "degenerate_rate", "refusal_rate"),
    }
    assert wanted <= set(results["models"]["unlearned"])
    assert results["models"]["target"]["c_dis"]["value"] == 0
    assert results["concepts"]["jane"]["verdict"]["outcome"] == "never_known"
    for reading in ("paper", "released_code"):
        assert {"c_dis", "fluency_ppl", "diversity"} <= set(results["readings"][reading]["unlearned"])
    roles = [row["role"] for row in read_lines(forgotten / "examples.jsonl")]
    assert {role: roles.count(role) for role in ("T1", "T2", "T3")} == {"T1": 2, "T2": 2, "T3": 1}
    assert (forgotten / "adapter" / "README.md").exists()


def test_every_picture_is_encoded_once_per_model(forgotten: Path, given: dict[str, Any]) -> None:
    stages = read_json(forgotten / "cost.json")["stages"]
    paper = read_paper(cell_config(given, forgotten))
    shown = {q.picture.hash for q in paper.questions if q.picture is not None}
    assert stages["target"]["images_encoded"] == len(shown)
    assert stages["blind"]["images_encoded"] == 0
    opened = {q.picture.hash for q in paper.pool if q.split == "open" and q.picture is not None}
    # The target reads the replies of the model after: it has seen their pictures.
    assert opened
    assert stages["unlearned"]["images_encoded"] == len(shown)


def test_a_picture_of_several_portions_is_encoded_by_itself(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features must not depend on which portions were asked before, or by another process."""
    together: list[set[str]] = []

    def encode(vlm: Any, pictures: Sequence[Picture], **more: Any) -> Any:
        together.append({picture.hash for picture in pictures})
        return encode_pictures(vlm, pictures, **more)

    monkeypatch.setattr(features, "encode_pictures", encode)
    chosen = config(given, tmp_path / "run")
    evaluate_mmubench(chosen)
    paper = read_paper(chosen)
    asked = [*(sheet.questions for sheet in paper.sheets), paper.pool]
    shown = [
        {q.picture.hash for q in part if q.picture}
        for questions in asked
        for part in running.portions(questions, 6)
    ]
    often = {key for part in shown for key in part if sum(key in other for other in shown) > 1}
    assert often
    assert [pictures for pictures in together if pictures & often and len(pictures) > 1] == []


def test_who_finds_the_answers_of_the_target_encodes_what_it_reads_once(
    matrix: tuple[Path, Bench], given: dict[str, Any]
) -> None:
    out, _ = matrix
    paper = read_paper(cell_config(given, out))
    shown = {q.picture.hash for q in paper.questions if q.picture is not None}
    opened = {q.picture.hash for q in paper.pool if q.split == "open" and q.picture is not None}
    stages = read_json(out / "siu" / "jane-seed0" / "cost.json")["stages"]
    assert stages["target"]["images_encoded"] == 0
    assert stages["unlearned"]["images_encoded"] == len(shown) + len(opened)


@pytest.mark.parametrize(("count", "label"), [(1, ""), (1, "blind"), (2, "unlearned")])
def test_killed_and_continued_it_ends_with_the_same_figures(
    given: dict[str, Any],
    forgotten: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    label: str,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        die_after(count, patch, label)
        with pytest.raises(KeyboardInterrupt):
            forget_mmubench(cell_config(given, out))
    rows = read_lines(out / "records.jsonl")
    assert rows
    (out / "records.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[:-1]), encoding="utf-8"
    )
    assert forget_mmubench(cell_config(given, out)).results == read_json(forgotten / "results.json")
    with monkeypatch.context() as patch:
        die_after(0, patch)
        forget_mmubench(cell_config(given, out))


def test_portions_never_divide_a_picture(given: dict[str, Any], tmp_path: Path) -> None:
    questions = read_paper(config(given, tmp_path)).questions
    parts = list(running.portions(questions, 3))
    assert sorted(q.id for part in parts for q in part) == sorted(q.id for q in questions)
    places: dict[str, set[int]] = {}
    for place, part in enumerate(parts):
        for question in part:
            if question.picture is not None:
                places.setdefault(question.picture.hash, set()).add(place)
    assert len(parts) > 3
    assert all(len(found) == 1 for found in places.values())


def test_a_concept_that_was_never_known_is_a_marked_row(given: dict[str, Any], tmp_path: Path) -> None:
    lines: list[str] = []
    ask = Ask("mmubench", "po", concepts="jane", given=given)
    done = bench(ask, tmp_path / "out", jobs=1, say=lines.append)
    assert done.complete
    assert done.matrix.rows[0].status == "unknown"
    results = read_json(tmp_path / "out" / "po" / "jane-seed0" / "results.json")
    assert results["gate"]["known"] is False
    assert "unlearned" not in results["models"]
    assert not (tmp_path / "out" / "po" / "jane-seed0" / "adapter").exists()
    assert "never known" in (tmp_path / "out" / "table.md").read_text()


@pytest.fixture(scope="module")
def matrix(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bench]:
    """Two methods on two concepts."""
    out = tmp_path_factory.mktemp("matrix") / "out"
    ask = Ask("mmubench", "po,siu", concepts="all", given={**given, "force": True})
    return out, bench(ask, out, jobs=1, say=lambda line: None)


def test_a_matrix_shares_what_no_method_changes(matrix: tuple[Path, Bench]) -> None:
    out, done = matrix
    assert done.complete
    assert [cell.name for cell in sorted((out / "po").iterdir())] == ["jane-seed0", "john-seed0"]
    first, second = (read_json(out / m / "jane-seed0" / "results.json") for m in ("po", "siu"))
    assert first["models"]["target"] == second["models"]["target"]
    assert first["models"]["unlearned"] != second["models"]["unlearned"]
    assert read_json(out / "siu" / "jane-seed0" / "cost.json")["stages"]["target"]["images_encoded"] == 0
    # The second concept finds the answers of the pool: only its own pictures are encoded.
    assert read_json(out / "po" / "john-seed0" / "cost.json")["stages"]["target"]["images_encoded"] == 4


def test_several_concepts_in_one_run(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "run"
    chosen = config(given, out, "mmubench.concepts=jane,john", force=True)
    results = forget_mmubench(chosen).results
    assert set(results["concepts"]) == {"jane", "john"}
    rows = read_lines(out / "examples.jsonl")
    assert {row["id"].partition("/")[0] for row in rows} == {"jane", "john"}
    for row in rows:
        if row["names"]:
            assert row["names"] == [{"jane": "Jane Roe", "john": "John Doe"}[row["id"].partition("/")[0]]]
        if row["role"] == "T4":  # John Doe is kept for Jane's sake elsewhere, but not where he is forgotten
            assert "John Doe" not in row["prompt"]
    assert results["concept"]["name"] == "2 concepts"


def test_requests_one_after_the_other(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = ("mmubench.concepts=jane,john", "mmubench.sequential=true")
    whole = forget_mmubench(config(given, tmp_path / "whole", *sets, force=True)).results
    course = whole["sequence"]
    assert course["order"] == ["jane", "john"]
    assert course["models"] == ["after-1", "unlearned"]
    assert [len(line) for line in course["matrix"]] == [1, 2]
    assert {len(course[key]) for key in ("immediate", "at_the_end", "rebound")} == {2}
    with monkeypatch.context() as patch:
        die_after(1, patch, "after-1")
        with pytest.raises(KeyboardInterrupt):
            forget_mmubench(config(given, tmp_path / "run", *sets, force=True))
    assert (tmp_path / "run" / "requests" / "01-jane" / "adapter").is_dir()
    assert forget_mmubench(config(given, tmp_path / "run", *sets, force=True)).results == whole


@pytest.mark.parametrize("method", ["prompt", "router", "mllmeraser"])
def test_requests_of_methods_that_change_no_weight(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    retain = str(save_pictures(tmp_path / "retain", range(40, 44)))
    sets = ("mmubench.concepts=jane,john", "mmubench.sequential=true", "mmubench.splits=generality,others")
    more = {"force": True, "method": method, "retain": retain}
    whole = forget_mmubench(config(given, tmp_path / "whole", *sets, **more)).results
    assert whole["sequence"]["models"] == ["after-1", "unlearned"]
    hooks = [
        folder / "adapter" / "hook.json" for folder in sorted((tmp_path / "whole" / "requests").iterdir())
    ]
    assert [hook.exists() for hook in hooks] == [True, True]
    with monkeypatch.context() as patch:
        die_after(0, patch, "unlearned")
        with pytest.raises(KeyboardInterrupt):
            forget_mmubench(config(given, tmp_path / "run", *sets, **more))
    assert forget_mmubench(config(given, tmp_path / "run", *sets, **more)).results == whole


def test_groups_of_concepts(given: dict[str, Any], tmp_path: Path) -> None:
    ask = Ask("mmubench", "siu", concepts="all", given=given, sets=("mmubench.together=2",))
    assert [cell.concept for cell in cells_of(ask, tmp_path)] == ["together-2-jane"]
    ask = Ask("mmubench", "siu", concepts="all", given=given, sets=("mmubench.sequential=true",))
    assert [cell.concept for cell in cells_of(ask, tmp_path)] == ["sequence-2-jane"]
    ask = Ask("mmubench", "siu", concepts="all", given=given)
    assert [cell.config.mmubench.concepts for cell in cells_of(ask, tmp_path)] == [("jane",), ("john",)]


def test_the_grid_goes_over_targets_and_masks(given: dict[str, Any], tmp_path: Path) -> None:
    grid = ("data.mixture=4+0+0+0,4+4+4+4", "knobs.token_mask=true,false", "training.passes=1,12")
    ask = Ask("mmubench", "siu", concepts="1", given=given, grid=grid)
    cells = cells_of(ask, tmp_path)
    assert len({cell.path for cell in cells}) == len(cells) == 8
    assert {cell.config.data.mixture for cell in cells} == {(4, 0, 0, 0), (4, 4, 4, 4)}
    assert {cell.config.knobs["token_mask"] for cell in cells} == {True, False}
    assert {cell.config.training.passes for cell in cells} == {1, 12}


@pytest.mark.parametrize("by_grid", [True, False])
def test_released_variants_of_the_baselines_stand_beside_the_corrected_ones(
    given: dict[str, Any], tmp_path: Path, by_grid: bool
) -> None:
    methods = "po,ga,ga_kl,siu"
    if by_grid:
        both = Ask("mmubench", methods, given=given, grid=("knobs.variant=corrected,released_code",))
        cells = cells_of(both, tmp_path)
    else:
        cells = cells_of(Ask("mmubench", methods, given=given), tmp_path)
        released = Ask("mmubench", methods, given=given, sets=("knobs.variant=released_code",))
        cells += cells_of(released, tmp_path)
    made = {(cell.method, cell.config.knobs.get("variant", "corrected")): cell for cell in cells}
    assert len(made) == 8
    for name in methods.split(","):
        ours, theirs = (method_of(made[name, variant].config) for variant in ("corrected", "released_code"))
        assert (ours.knobs.variant, theirs.knobs.variant) == ("corrected", "released_code")
        assert ours.reduction != theirs.reduction
    po = method_of(made["po", "released_code"].config)
    assert "refusal" not in {role for term in po.terms for role in term.roles}  # CLEAR's code
    ga_kl = method_of(made["ga_kl", "released_code"].config)
    assert {term.everywhere for term in ga_kl.terms if term.name == "retain_kl"} == {"kl"}


def test_targets_can_be_switched_off(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "run"
    forget_mmubench(cell_config(given, out, "data.mixture=2,0,0,0"))
    assert {row["role"] for row in read_lines(out / "examples.jsonl")} == {"T1"}


def test_the_paper_trains_on_no_picture_of_others(given: dict[str, Any], tmp_path: Path) -> None:
    retain = str(save_pictures(tmp_path / "retain", range(40, 44)))
    for variant, there in (("paper", False), ("released_code", False), ("corrected", True)):
        chosen = cell_config(given, tmp_path / "x", f"knobs.variant={variant}", retain=retain)
        paper = read_paper(chosen)
        found = request_of(chosen, paper.sheets[0].entry, paper, tmp_path / "x")
        assert bool(found.anchor_pictures) is there


def broken(given: dict[str, Any], root: Path, what: str) -> Path:
    """A copy of the folder with one thing wrong."""
    shutil.copytree(given["mmubench"]["data"], root)
    if what == "no training picture":
        shutil.rmtree(root / "jane" / "train")
    if what == "damaged picture":
        (root / "jane" / "test" / "011.png").write_bytes(b"not a picture")
    if what == "malformed":
        with (root / "jane" / "questions.jsonl").open("a") as file:
            file.write('{"prompt": \n')
    return root


@pytest.mark.parametrize(
    ("what", "said"),
    [("no training picture", "train"), ("damaged picture", "011.png"), ("malformed", "line 5")],
)
def test_broken_data_is_refused(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, said: str
) -> None:
    folder = broken(given, tmp_path / "data", what)
    command = ["evaluate", "mmubench", "--model", given["model"], "--data", str(folder)]
    assert run([*command, "--out", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_unknown_concepts_sets_and_options_are_refused(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "mmubench", "--model", given["model"], "--data", given["mmubench"]["data"]]
    to = ["--out", str(tmp_path / "run")]
    for more, said in (
        (["--concepts", "jane,jhon"], "did you mean john?"),
        (["--concepts", "3"], "1 to 2"),
        (["--split", "generalty"], "no such set"),
        (["--preset", "official"], "corrected"),
        (["--ratio", "5"], "--ratio"),
    ):
        assert run([*command, *more, *to]) == 2
        assert said in capsys.readouterr().err
    assert run(["evaluate", "mmubench", "--model", given["model"], *to]) == 2
    assert "--data" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_one_picture_only_leaves_generality_out(given: dict[str, Any], tmp_path: Path) -> None:
    folder = broken(given, tmp_path / "data", "")
    shutil.rmtree(folder / "jane" / "test")
    chosen = config({**given, "mmubench": {"data": str(folder)}}, tmp_path / "run", "mmubench.concepts=jane")
    results = evaluate_mmubench(chosen).results
    assert "em" not in results["models"]["target"]
    assert "efficacy" in results["models"]["target"]
    assert any("generality cannot be measured" in text for text in results["concepts"]["jane"]["checks"])


def test_another_question_is_another_run(given: dict[str, Any], tmp_path: Path) -> None:
    evaluate_mmubench(config(given, tmp_path / "run", "mmubench.concepts=john"))
    with pytest.raises(UserError, match="another run"):
        evaluate_mmubench(config(given, tmp_path / "run", "mmubench.concepts=jane"))


def test_the_tables_from_the_command_line(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = ["--out", str(tmp_path / "out")]
    for wrong in (
        ["world", "--table", "paper"],
        ["concept", "--data", "x"],
        ["mmubench", "--table", "latex", "--data", given["mmubench"]["data"], "--model", given["model"]],
        ["mmubench", "--set", "mmubench.concepts=jane"],
        ["mmubench", "--concepts", "99"],
        ["mmubench", "--concepts", "celebrity-01"],
    ):
        assert run(["bench", *wrong, "--methods", "po", *to]) == 2
    assert not (tmp_path / "out").exists()
    capsys.readouterr()
    sets = [f"--set=evaluation.{key}" for key in ("limit=1", "max_new_tokens=3")]
    where = ["--model", given["model"], "--data", given["mmubench"]["data"], "--concepts", "jane"]
    command = ["bench", "mmubench", "--methods", "po", "--table", "paper", "--jobs", "1"]
    assert run([*command, *where, *sets, *to]) == 0
    said = capsys.readouterr().out
    assert "# MMUBench" in said
    assert "*published*: SIU, LLaVA-7B" in said
    assert "| `po` | 0 | 0 | 0 | 0 | 1 |" in said  # never known


def test_the_embedded_preset_is_that_of_the_benchmark(tmp_path: Path) -> None:
    cells = cells_of(Ask("mmubench", "siu,ga", concepts="brand-0,style-0"), tmp_path)
    assert {cell.config.preset for cell in cells} == {"mmubench"}
    for cell in cells:
        training = cell.config.training
        assert (training.passes, training.batch, cell.config.data.mixture) == (6, 16, (4, 4, 4, 4))
    named = cells_of(Ask("mmubench", "siu", concepts="brand-0", given={"preset": "world"}), tmp_path)
    assert named[0].config.preset == "world"
    chosen = cells_of(Ask("mmubench", "siu", concepts="1", split="selection"), tmp_path)
    assert chosen[0].config.mmubench.concepts == ("celebrity-01",)
    assert chosen[0].config.world.split == "selection"
