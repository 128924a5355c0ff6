"""Bad input of MLLMU-Bench on the command line: refused with file, row and remedy, and nothing is written."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.jobs.make import save_model
from tests.suites.mllmu.made import Row, altered_row, row, save, save_all
from unsee.commands.main import run

pytestmark = pytest.mark.usefixtures("one_thread")
FILE = "train-00000-of-00001.parquet"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 238000000\n"
VERBS = {
    "evaluate": ["evaluate", "mllmu"],
    "bench": ["bench", "mllmu", "--methods", "po", "--ratios", "5", "--jobs", "1"],
    "target": ["train", "target"],
    "gold": ["train", "gold"],
}
EVERYWHERE = tuple(VERBS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_model(tmp_path_factory.mktemp("model") / "model"))


def half_a_jpeg() -> Row:
    """Its header is whole, its pixels are not: only decoding shows it."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "JPEG")
    return {"bytes": buffer.getvalue()[:900], "path": "x.jpg"}


def without_column(data: Path) -> None:
    save(data, "forget_5", [{key: value for key, value in row("010").items() if key != "Mask_Task"}])


def without_option(data: Path) -> None:
    changed = row("010")
    question = changed["Classification_Task"]["Pure_Text_Questions"][3]
    question["Options"][question["Correct_Answer"]] = None
    save(data, "forget_5", [row("016"), changed])


def stranger(data: Path) -> None:
    save(data, "forget_5", [row("010"), row("999")])


def broken_header(data: Path) -> None:
    save(data, "forget_5", [row("016"), row("010") | {"image": {"bytes": b"no picture", "path": "x.png"}}])


def broken_body(data: Path) -> None:
    save(data, "forget_5", [row("016"), row("010") | {"image": half_a_jpeg()}])


def broken_test_picture(data: Path) -> None:
    altered = altered_row("010")
    altered["images"][1] = half_a_jpeg()
    save(data, "Test_Set", [altered_row("016"), altered])


def pointer(data: Path) -> None:
    (data / "Test_Set" / FILE).write_bytes(POINTER)


CASES: dict[str, tuple[Callable[[Path], None], str, tuple[str, ...]]] = {
    "column": (without_column, f"forget_5/{FILE}: missing column Mask_Task", EVERYWHERE),
    "option": (without_option, rf"forget_5/{FILE}, row 1 \(ID 010\): the right option of", EVERYWHERE),
    "stranger": (stranger, rf"forget_5/{FILE}, row 1 \(ID 999\): this ID does not belong", EVERYWHERE),
    "header": (broken_header, rf"forget_5/{FILE}, row 1 \(ID 010\): the picture does not", EVERYWHERE),
    # A gold model never looks at the pictures of forget people.
    "body": (broken_body, rf"forget_5/{FILE}, row 1 \(ID 010\): the picture does not", EVERYWHERE[:3]),
    "test picture": (
        broken_test_picture,
        rf"Test_Set/{FILE}, row 1 \(ID 010\): the picture does not",
        EVERYWHERE[:2],
    ),
    "pointer": (pointer, f"Test_Set/{FILE} is a Git LFS pointer", EVERYWHERE),
}


@pytest.mark.parametrize(("case", "verb"), [(case, verb) for case in CASES for verb in CASES[case][2]])
def test_broken_data_are_refused(
    case: str, verb: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message, _ = CASES[case]
    data, out = save_all(tmp_path / "data"), tmp_path / "out"
    change(data)
    words = [*VERBS[verb], "--data", str(data), "--model", model, "--device", "cpu", "--out", str(out)]
    assert run(words) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(message, said), said
    assert "expected:" in said
    assert "remedy:" in said
    assert not out.exists()


def test_examples_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The questions alone fit, and are asked."""
    data, small = save_all(tmp_path / "data"), save_model(tmp_path / "small")
    file = small / "config.json"
    file.write_text(
        re.sub(r'"max_position_embeddings": \d+', '"max_position_embeddings": 400', file.read_text())
    )
    common = ["--data", str(data), "--model", str(small), "--device", "cpu", "--limit", "1"]
    for verb in ("evaluate", "bench"):
        words = [*VERBS[verb], *common, "--preset", "mmunlearner-1shot", "--out", str(tmp_path / verb)]
        assert run(words) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "do not fit the model's context" in said
        assert "at most 400 tokens" in said
        assert "mmunlearner-0shot" in said
        assert not (tmp_path / verb).exists()
    bare = [*VERBS["evaluate"], *common, "--preset", "mmunlearner-0shot", "--split", "forget"]
    assert run([*bare, "--out", str(tmp_path / "bare")]) == 0
