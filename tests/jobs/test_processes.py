"""``unsee evaluate`` and ``unsee forget`` in two processes (gloo, CPU): the files of one, written by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import yaml

from tests.jobs.make import save_model
from tests.jobs.mllmu_people import prepare_people
from tests.jobs.mmubench_folder import values as folder_values
from tests.jobs.small_portions import COUNTED, make_small
from tests.pair import Ended, both_done, environment, run_pair
from unsee.commands.main import run
from unsee.jobs.lines import read_lines
from unsee.jobs.outcome import Outcome
from unsee.models.adapters import save_adapter
from unsee.models.attach import Scope, attach
from unsee.models.load import choose_device, load
from unsee.nouns import UserError

OWN = ("cost.json", "environment.json", "log.txt", "report.html", "run.yaml")  # tell place, time or cost
BEGUN = ("environment.json", "run.yaml")
EXACT = 1e-5
pytestmark = pytest.mark.usefixtures("finished", "one_thread")  # the run of all modules first


def config_file(values: dict[str, Any], out: Path) -> str:
    """A run's options as a file; the values of job tests are nested as in ``run.yaml``."""
    file = out.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(json.loads(json.dumps({**values, "out": str(out)}))))
    return str(file)


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_lines(folder / "train.jsonl") if "loss" in line]


def save_lora(model: str, folder: Path) -> str:
    """An adapter that changes the model, untrained."""
    vlm = attach(load(model, device="cpu"), Scope(rank=4, alpha=8), seed=0)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in vlm.model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn(parameter.shape, generator=random)
    save_adapter(vlm, folder)
    return str(folder)


def words_of(suite: str, given: dict[str, Any], root: Path) -> list[str]:
    """The command without --out. The benchmarks have an adapter, a gold model and a judge here."""
    if suite == "concept":
        values = {key: value for key, value in given.items() if key not in ("training", "force")}
        return ["evaluate", suite, "--config", config_file(values, root / "given")]
    values = prepare_people(root) if suite == "mllmu" else folder_values(root)
    model = values["model"]
    more = ["--ratio", "5"] if suite == "mllmu" else ["--limit", "2"]
    return [
        *("evaluate", suite, "--model", model, "--data", str(values[suite]["data"]), *more),
        *(
            "--adapter",
            save_lora(model, root / "adapter"),
            "--gold",
            str(save_model(root / "gold", "llava_next")),
        ),
        *("--judge-model", model, "--set", "evaluation.max_new_tokens=4", "--device", "cpu"),
    ]


def cut(folder: Path, whole: Path, lines: int) -> None:
    """A run that was killed in the middle of a line."""
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        file.unlink()
    folder.mkdir(exist_ok=True)
    for name in BEGUN:
        if (whole / name).exists():
            (folder / name).write_bytes((whole / name).read_bytes())
    kept = (whole / "records.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "records.jsonl").write_bytes(b"".join(kept[:lines]) + kept[lines][:20])


def one_process(words: list[str], out: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        assert run([*words, "--out", str(out)]) == 0


class Asked(NamedTuple):
    """The same questions put by one process, and by two that find a run which was killed in the middle."""

    words: list[str]
    one: Path
    two: Path
    ended: list[Ended]
    forwards: list[int]


@pytest.fixture(scope="module", params=["concept", "mllmu", "mmubench"])
def asked(
    request: pytest.FixtureRequest, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Asked:
    root = tmp_path_factory.mktemp(request.param)
    one, two, words = root / "one", root / "two", words_of(request.param, given, root)
    one_process(words, one)
    cut(two, one, 2)
    counted = root / "forwards"
    ended = run_pair(
        ["-m", "tests.jobs.small_portions", *words, "--out", str(two)], **{COUNTED: str(counted)}
    )
    both_done(ended)
    return Asked(words, one, two, ended, [int(Path(f"{counted}-{n}").read_text()) for n in range(2)])


def contents(folder: Path) -> dict[str, bytes]:
    """What a run found out, by file; of files that tell place, time or cost only the name."""
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    return {name: b"" if name in OWN else file.read_bytes() for name, file in files.items()}


def test_two_processes_write_the_files_of_one(asked: Asked) -> None:
    one, two = contents(asked.one), contents(asked.two)
    assert one["results.json"]
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_one_process_goes_on_where_two_were_killed(asked: Asked, tmp_path: Path) -> None:
    begun = tmp_path / "run"
    many = len(read_lines(asked.two / "records.jsonl"))
    cut(begun, asked.two, 2 * many // 3)
    one_process(asked.words, begun)
    assert contents(begun) == contents(asked.one)


def test_one_process_speaks_and_what_all_did_is_counted(asked: Asked) -> None:
    first, second = asked.ended
    assert "results.json" in first.out or "report" in first.out
    assert second.out == second.err == ""
    one, two = (json.loads((folder / "cost.json").read_text()) for folder in (asked.one, asked.two))
    for count in ("lm_tokens", "forwards", "head_rows"):
        assert two[count] == one[count] > 0
    assert 2 * one["images_encoded"] > two["images_encoded"] >= one["images_encoded"] > 0
    assert min(asked.forwards) > sum(asked.forwards) / 4, "both had something to do"


@pytest.mark.slow
def test_torchrun_forgets_as_one_process_does(
    given: dict[str, Any], finished: Outcome, tmp_path: Path
) -> None:
    file = config_file(given, tmp_path / "run")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "unsee", "forget", "--config", file],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("report   ") == 1
    run = tmp_path / "run"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["run", "run.yaml"]
    assert {p.name for p in run.iterdir()} == {p.name for p in finished.folder.iterdir()}
    assert (run / "examples.jsonl").read_bytes() == (finished.folder / "examples.jsonl").read_bytes()
    assert losses(run) == pytest.approx(losses(finished.folder), abs=EXACT)
    records = [read_lines(folder / "records.jsonl") for folder in (run, finished.folder)]
    assert [(r["model"], r["question"], r["reply"]) for r in records[0]] == [
        (r["model"], r["question"], r["reply"]) for r in records[1]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["forget", "evaluate mllmu", "evaluate mmubench"])
def test_wrong_input_is_told_once_and_ends_both_with_2(
    verb: str, given: dict[str, Any], tmp_path: Path
) -> None:
    values = {
        key: value for key, value in given.items() if verb == "forget" or key in ("model", "evaluation")
    }
    if verb == "forget":
        values["image"] = (str(tmp_path / "missing.png"),)
    more = [] if verb == "forget" else ["--data", str(tmp_path / "missing")]
    first, second = run_pair(
        ["-m", "unsee", *verb.split(), "--config", config_file(values, tmp_path / "run"), *more]
    )
    assert first.code == second.code == 2
    assert first.err.count("error:") == 1
    assert "missing" in first.err
    assert second.err == ""
    assert not (tmp_path / "run").exists()


def test_other_verbs_run_in_one_process(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    from unsee.jobs.folder import locked

    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert run(["bench", "mmubench"]) == 2
    assert "unsee bench runs in one process" in capsys.readouterr().err
    with pytest.raises(UserError, match="This runs in one process"), locked(tmp_path / "log.txt"):
        pass
    with pytest.raises(UserError, match="cannot share one graphics card"):
        choose_device("cuda:0")
