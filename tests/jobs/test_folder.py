from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unsee.config import RunConfig, resolve
from unsee.jobs.folder import check_free, open_run, read_config
from unsee.nouns import UserError

ENVIRONMENT = {"inputs": {"weights": "abc", "picture": "def"}}


def start(path: Path, config: RunConfig, environment: dict[str, object] | None = None) -> None:
    with open_run(path, config) as folder:
        folder.claim(config, environment or ENVIRONMENT)


def test_the_same_command_comes_back_and_another_is_refused(tmp_path: Path) -> None:
    config = resolve({"name": "A"})
    start(tmp_path / "run", config)
    start(tmp_path / "run", config)
    assert read_config(tmp_path / "run") == config
    before = sorted(p.name for p in (tmp_path / "run").iterdir())
    with pytest.raises(UserError, match="holds another run") as caught:
        start(tmp_path / "run", resolve({"name": "A", "seed": 1}))
    assert "seed: 0 there, 1 here" in caught.value.got
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == before


def test_redact_may_change_and_is_written_down(tmp_path: Path) -> None:
    start(tmp_path, resolve({"name": "A"}))
    start(tmp_path, resolve({"name": "A", "redact": True}))
    assert read_config(tmp_path).redact


def test_changed_files_are_another_run(tmp_path: Path) -> None:
    config = resolve({"name": "A"})
    start(tmp_path, config)
    with pytest.raises(UserError, match="other inputs") as caught:
        start(tmp_path, config, {"inputs": {"weights": "other", "picture": "def"}})
    assert "weights" in caught.value.got


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="other files"):
        start(tmp_path, resolve({}))
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_run_that_was_refused_leaves_only_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError),
        open_run(tmp_path / "run", resolve({})),
    ):
        raise UserError("no", got="x", expected="y", remedy="z")
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert left == {"log.txt"}
    assert "refused: no" in (tmp_path / "run" / "log.txt").read_text()
    start(tmp_path / "run", resolve({"seed": 5}))  # such a folder is still free


@pytest.mark.parametrize("place", ["file", "below_file"])
def test_not_writable(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    out = tmp_path / "file" if place == "file" else tmp_path / "file" / "run"
    with pytest.raises(UserError, match="cannot be written"):
        check_free(out, resolve({}))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"):
        check_free(tmp_path / "run", resolve({}))


def test_two_processes_in_one_folder(tmp_path: Path) -> None:
    config = resolve({})
    script = (
        "from pathlib import Path\nfrom unsee.config import resolve\n"
        "from unsee.jobs.folder import open_run\n"
        f"with open_run(Path({str(tmp_path / 'run')!r}), resolve({{}})):\n    pass"
    )
    with open_run(tmp_path / "run", config):
        inside = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    after = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Another process is working" in inside.stderr
    assert after.returncode == 0, after.stderr
