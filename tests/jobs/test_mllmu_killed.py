"""``unsee evaluate mllmu`` killed without warning in mid-work and started again: byte by byte the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.mllmu_people import prepare_people
from unsee.commands.main import run
from unsee.jobs.lines import read_lines

# Kills its process where it is told to: in the middle of a line of the records, or before a file is written.
KILLED = """
import json, os, signal, sys
import unsee.jobs.folder as folder
from unsee.commands.main import main
from unsee.jobs.lines import Lines

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

where, label, *words = sys.argv[1:]
if where == "records":
    whole = Lines.append
    def torn(self, rows):
        rows = list(rows)
        if rows[0]["model"] != label:
            return whole(self, rows)
        whole(self, rows[:3])
        with self.path.open("a") as file:
            file.write(json.dumps(rows[3])[:40])
        die()
    Lines.append = torn
else:
    write = folder.RunFolder.write
    folder.RunFolder.write = lambda self, *given: die() if given[0] == label else write(self, *given)
main(words)
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    given = prepare_people(tmp_path_factory.mktemp("people"))
    data = str(given["mllmu"]["data"])
    more = ["--set", "evaluation.max_new_tokens=4", "--device", "cpu"]
    return ["evaluate", "mllmu", "--model", given["model"], "--data", data, "--ratio", "5", *more]


def kill(where: str, label: str, words: list[str]) -> None:
    command = [sys.executable, "-c", KILLED, where, label, *words]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def test_killed_twice_it_ends_with_the_same_bytes(words: list[str], tmp_path: Path) -> None:
    assert run([*words, "--out", str(tmp_path / "whole")]) == 0
    out = tmp_path / "run"
    for where, label in (("records", "target:no_image"), ("results", "results.json")):
        kill(where, label, [*words, "--out", str(out)])
        assert not (out / "results.json").exists()
    before = (out / "records.jsonl").read_bytes()
    assert run([*words, "--out", str(out)]) == 0
    assert (out / "records.jsonl").read_bytes() == before, "nothing is asked again"
    rows = {name: read_lines(tmp_path / name / "records.jsonl") for name in ("whole", "run")}
    assert rows["run"] == rows["whole"]
    for name in ("results.json", "table.md", "official/target/target_final_evaluation_results.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert json.loads((out / "results.json").read_text())["models"]["target"]
