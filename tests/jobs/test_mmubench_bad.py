"""Bad input of MMUBench on the command line, in the released layout: refused, or a marked row."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.jobs.make import save_model
from tests.suites.mmubench.folders import released
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs import embedded
from unsee.jobs.lines import read_json
from unsee.jobs.mmubench_data import read_paper, request_of

pytestmark = pytest.mark.usefixtures("one_thread")
VERBS = (["evaluate", "mmubench"], ["bench", "mmubench", "--methods", "po", "--jobs", "1"])
SHORT = [f"--set=evaluation.{key}" for key in ("limit=1", "max_new_tokens=3")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_model(tmp_path_factory.mktemp("model") / "model"))


def cut_short(folder: Path) -> None:
    file = folder / "testdon" / "003.png"
    file.write_bytes(file.read_bytes()[:60])


def not_there(folder: Path) -> None:
    (folder / "testdon" / "003.png").unlink()


def no_training_picture(folder: Path) -> None:
    shutil.rmtree(folder / "traindon")
    (folder / "traindon").mkdir()


def no_json(folder: Path) -> None:
    rows = '[{"prompt": "Who is this?", "target": "roe"},\n{"prompt": "Who?", target: "roe"}]\n'
    (folder / "evaldata" / "execcuatedata.json").write_text(rows, encoding="utf-8")


def no_yaml(folder: Path) -> None:
    (folder / "concept.yaml").write_text("names: [Jane Roe]\nkind: [person\n", encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS, ids=["evaluate", "bench"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut_short, "003.png"),
        (not_there, "Multi-hop.json:1"),
        (no_training_picture, "no picture to train on"),
        (no_json, "execcuatedata.json is malformed in line 2"),
        (no_yaml, "concept.yaml is malformed in line"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    model: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: list[str],
    spoil: object,
    said: str,
) -> None:
    folder = released(tmp_path / "jane")
    assert callable(spoil)
    spoil(folder)
    command = [*verb, "--model", model, "--data", str(folder), "--concepts", "all"]
    assert run([*command, *SHORT, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_in_no_question_marks_the_row(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = released(tmp_path / "jane")
    text = (folder / "concept.yaml").read_text(encoding="utf-8").replace("Jane Roe", "Zora Quint")
    (folder / "concept.yaml").write_text(text, encoding="utf-8")
    rows = [{"prompt": "Who is this?", "target": "mario"}, {"prompt": "Is this Mario?", "target": "yes"}]
    (folder / "evaldata" / "execcuatedata.json").write_text(json.dumps(rows), encoding="utf-8")
    command = ["evaluate", "mmubench", "--model", model, "--data", str(folder), *SHORT]
    assert run([*command, "--out", str(tmp_path / "out")]) == 0
    assert "is this the folder of another concept?" in capsys.readouterr().err
    found = read_json(tmp_path / "out" / "results.json")
    assert any("in no EM question" in text for text in found["concepts"]["zora-quint"]["checks"])
    assert found["gate"]["known"] is False


def test_one_picture_only_and_a_concept_never_known_are_marked_rows(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = released(tmp_path / "data" / "jane")
    shutil.rmtree(folder / "testdon")
    (folder / "evaldata" / "Multi-hop.json").unlink()
    command = [*VERBS[1], "--model", model, "--data", str(tmp_path / "data"), "--concepts", "all", *SHORT]
    assert run([*command, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "generality cannot be measured" in said.err
    assert "never known" in said.out
    found = read_json(next((tmp_path / "out" / "po").iterdir()) / "results.json")
    assert "unlearned" not in found["models"]
    assert not {"em", "em_name", "naming_rate"} & found["models"]["target"].keys()


def test_a_folder_is_read_by_the_embedded_model_where_none_is_given(tmp_path: Path) -> None:
    config = resolve({"mmubench": {"data": str(released(tmp_path / "jane"))}})
    paper = read_paper(config)
    request = request_of(config, paper.sheets[0].entry, paper, tmp_path)
    assert request.model == str(embedded.model_path(config.world.stage))
