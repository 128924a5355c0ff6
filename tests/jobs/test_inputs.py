"""Bad input: each refused before work, with what, got, expected and remedy, and nothing written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.jobs.make import save_pictures
from tests.tiny import build
from unsee.commands.main import run
from unsee.config import resolve
from unsee.jobs.inputs import check, read_retain, with_absolute_paths
from unsee.nouns import UserError


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    return save_pictures(tmp_path / "p", range(1)) / "000.png"


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Runs a command that must be refused; returns what it says."""
    assert run(arguments) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("error: ", "got:", "expected:", "remedy:"))
    assert "Traceback" not in said
    return said


def missing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    Image.effect_noise((80, 80), 90).convert("RGB").save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:600])


def animated(path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def huge(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path, format="PNG")


def no_image(path: Path) -> None:
    path.write_text("<script>alert(1)</script>")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [missing, empty, truncated, animated, huge, no_image, folder])
def test_bad_pictures(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "x.png", tmp_path / "run"
    make(file)
    said = refused(
        ["forget", "--model", "m", "--image", str(file), "--name", "Jane", "--out", str(out)], capsys
    )
    assert "x.png" in said
    assert not out.exists()


def test_no_name_and_no_picture(picture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name is empty" in refused(["forget", "--model", "m", "--image", str(picture_file)], capsys)
    assert "No picture" in refused(["forget", "--model", "m", "--name", "Jane"], capsys)


def test_own_picture_without_a_model(picture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["forget", "--image", str(picture_file), "--name", "Jane"], capsys)
    assert "--image, --name" in said
    assert "--model" in said


@pytest.mark.parametrize(
    ("extra", "hint"),
    [
        (["--method", "sui"], "did you mean siu"),
        (["--set", "knobs.alhpa=1"], "did you mean alpha"),
        (["--set", "knobs.alpha=fast"], "float"),
        (["--set", "scope.parts=langage"], "langage"),
        (["--kind", "persn"], "kind"),
        (["--set", "evaluation.limits=3"], "did you mean evaluation.limit"),
    ],
)
def test_unknown_names_of_methods_knobs_and_parts(
    extra: list[str], hint: str, picture_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    base = ["forget", "--model", "m", "--image", str(picture_file), "--name", "Jane", "--out", str(out)]
    assert hint in refused([*base, *extra], capsys)
    assert not out.exists()


@pytest.mark.parametrize("kind", ["nowhere", "empty", "text_only", "pickle"])
def test_models_that_cannot_be_used(
    kind: str, picture_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = tmp_path / "model", tmp_path / "run"
    expected = make_bad_model(kind, model)
    said = refused(
        ["forget", "--model", str(model), "--image", str(picture_file), "--name", "Jane", "--out", str(out)],
        capsys,
    )
    assert expected in said
    assert not out.exists()


def make_bad_model(kind: str, model: Path) -> str:
    """Makes a folder that is no usable model; returns what the refusal must say."""
    if kind == "nowhere":
        return "no such model folder"
    model.mkdir()
    if kind == "empty":
        return "not a model"
    if kind == "text_only":
        from transformers import LlamaConfig, LlamaForCausalLM

        sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
        LlamaForCausalLM(LlamaConfig(vocab_size=16, **sizes)).save_pretrained(str(model))
        return "does not read pictures"
    vlm = build("llava")
    vlm.model.config.save_pretrained(str(model))
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    return "pickle"


def test_out_below_a_file(picture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = picture_file / "run"
    said = refused(
        ["forget", "--model", "m", "--image", str(picture_file), "--name", "Jane", "--out", str(out)], capsys
    )
    assert "cannot be written" in said


def test_retain_rows(tmp_path: Path) -> None:
    picture = save_pictures(tmp_path, range(1)) / "000.png"
    file = tmp_path / "rows.jsonl"
    lines = [{"image": picture.name, "prompt": "Who?", "answer": "Ann."}, {"prompt": "2+2?", "answer": "4"}]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    _, rows = read_retain(str(file))
    assert [(row.prompt, row.answer, row.role, row.picture is not None) for row in rows] == [
        ("Who?", "Ann.", "retain", True),
        ("2+2?", "4", "retain", False),
    ]


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[1]", '{"prompt": "a"}', '{"prompt": "a", "answer": ""}', '{"prompt": 1, "answer": "b"}']
    + ['{"prompt": "a", "answer": "b", "imgae": "x"}', '{"prompt": "a", "answer": "b", "image": "none.png"}'],
)
def test_bad_retain_rows(content: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(content)
    with pytest.raises(UserError):
        read_retain(str(file))


def test_retain_picture_of_the_concept_is_refused(tmp_path: Path) -> None:
    own = save_pictures(tmp_path / "own", range(1)) / "000.png"
    save_pictures(tmp_path / "retain", range(5, 7))
    shutil.copy(own, tmp_path / "retain" / "copy.png")
    values: dict[str, Any] = {"model": "m", "image": (str(own),), "name": "Jane"}
    with pytest.raises(UserError, match="retain picture is a picture of the concept"):
        check(resolve({**values, "retain": str(tmp_path / "retain")}))


def test_the_same_picture_twice_counts_once(tmp_path: Path) -> None:
    own = save_pictures(tmp_path / "own", range(3))
    files = tuple(str(path) for path in sorted(own.iterdir()))
    request = check(resolve({"model": "m", "image": files, "test": str(own), "name": "Jane"}))
    assert len(request.test_pictures) == 2
    assert request.picture.path == files[0]


def test_a_quarter_of_the_retain_pictures_is_held_out(tmp_path: Path) -> None:
    own = save_pictures(tmp_path / "own", range(1)) / "000.png"
    retain = save_pictures(tmp_path / "retain", range(10, 18))
    values = {"model": "m", "image": (str(own),), "name": "Jane", "retain": str(retain)}
    request = check(resolve(values))
    held, trained = request.held_out_pictures, request.anchor_pictures
    assert (len(held), len(trained)) == (2, 6)
    assert not {p.hash for p in held} & {p.hash for p in trained}


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_pictures(tmp_path, range(1))
    monkeypatch.chdir(tmp_path)
    request = check(resolve({"model": "m", "image": ("000.png",), "name": "Jane"}))
    assert request.config.image == (str(tmp_path / "000.png"),)
    assert request.config.model == "m"
    assert request.folder.parts[0] == "runs"


def test_a_gold_per_ratio_becomes_absolute_where_it_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gold-10").mkdir()
    monkeypatch.chdir(tmp_path)
    values = {"gold": "gold-{ratio}", "mllmu": {"ratio": 10, "gold_other": "me/other-{ratio}"}}
    config = with_absolute_paths(resolve(values))
    assert config.gold == str(tmp_path / "gold-{ratio}")
    assert config.mllmu.gold_other == "me/other-{ratio}", "a hub id"
