"""What is handed over: checked, asked again, described, uploaded, and usable without unsee."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub.errors import HfHubHTTPError
from transformers import pipeline

from tests.tiny import picture
from unsee.commands.main import run
from unsee.jobs import export as export_module
from unsee.jobs.export import export
from unsee.jobs.outcome import Outcome
from unsee.models.adapters import load_adapter, merge, probe_logits
from unsee.models.load import load, wrap

README = Path(__file__).parents[2] / "README.md"


def python_of(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def whole(finished: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(finished.folder, tmp_path_factory.mktemp("export") / "whole", whole=True)


def test_the_exported_model_gives_the_figures_of_the_run(finished: Outcome, whole: Path) -> None:
    checked = json.loads((whole / "verification.json").read_text())
    asked = [
        row for row in (finished.folder / "records.jsonl").read_text().splitlines() if "unlearned" in row
    ]
    assert checked["asked"] == len(asked) > 0
    assert checked["same_replies"] == checked["asked"]
    assert checked["equal"]
    told = {name: score["value"] for name, score in finished.results["models"]["unlearned"].items()}
    assert {name: pair["run"] for name, pair in checked["metrics"].items()} == told
    assert checked["logit_gap"] <= 1e-3
    assert not list(whole.glob("*.bin"))
    assert (whole / "model.safetensors").is_file()


def test_its_card_tells_base_results_and_how_to_verify(finished: Outcome, whole: Path) -> None:
    text = (whole / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---\n")[1])
    assert (head["library_name"], head["pipeline_tag"]) == ("transformers", "image-text-to-text")
    metrics = head["model-index"][0]["results"][0]["metrics"]
    told = finished.results["models"]["unlearned"]
    assert {m["type"]: m["value"] for m in metrics} == {k: round(v["value"], 6) for k, v in told.items()}
    for part in ("## Intended use", "## How to verify", "## Limits", "## Licence", "read back and answered"):
        assert part in text
    assert "<script>alert" not in text


def test_the_lines_of_its_card_run_in_plain_transformers(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [lines] = python_of((whole / "README.md").read_text(encoding="utf-8"))
    assert "unsee" not in lines
    picture(1).read().save(tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(lines.replace("PATH_OF_THIS_FOLDER", str(whole)), "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert said.strip()


def test_the_pipeline_says_what_we_say(whole: Path) -> None:
    from unsee.answering import answer
    from unsee.nouns import Question

    vlm = load(whole)
    reply = answer(vlm, [Question("0", "Who is this?", "open", picture(1))], max_new_tokens=8)[0]
    turn = {
        "role": "user",
        "content": [
            {"type": "image", "image": picture(1).read()},
            {"type": "text", "text": "Who is this?"},
        ],
    }
    ask = pipeline("image-text-to-text", model=str(whole))
    told = ask(text=[turn], max_new_tokens=8, do_sample=False, return_full_text=False)
    assert told[0]["generated_text"].strip() == reply.text


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")
def test_the_adapter_loads_in_the_five_lines_of_the_readme(finished: Outcome, given: dict[str, Any]) -> None:
    [lines] = [block for block in python_of(README.read_text(encoding="utf-8")) if "peft" in block]
    assert len([line for line in lines.splitlines() if line.strip()]) == 5
    assert "unsee" not in lines
    here = lines.replace("my-model", given["model"]).replace("runs/jane/adapter", str(finished.adapter))
    space: dict[str, Any] = {}
    exec(compile(here, "README.md", "exec"), space)
    theirs = wrap(space["model"].get_base_model().eval(), space["processor"])
    ours = load_adapter(load(given["model"]), finished.folder / "adapter")
    assert torch.equal(probe_logits(theirs), probe_logits(ours))


def test_figures_that_differ_are_told(finished: Outcome, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    results = json.loads((folder / "results.json").read_text())
    metric = next(iter(results["models"]["unlearned"]))
    results["models"]["unlearned"][metric]["value"] = 0.123
    (folder / "results.json").write_text(json.dumps(results))
    out = export(folder, tmp_path / "out", whole=True)
    checked = json.loads((out / "verification.json").read_text())
    assert not checked["equal"]
    assert checked["metrics"][metric]["run"] == 0.123
    assert "the figures that differ" in (out / "README.md").read_text(encoding="utf-8")


def test_a_merge_is_done_in_float32(given: dict[str, Any], finished: Outcome) -> None:
    half = load_adapter(load(given["model"], dtype="bfloat16"), finished.folder / "adapter")
    name, layer = next((n, m) for n, m in half.model.named_modules() if hasattr(m, "lora_A"))
    weight = layer.base_layer.weight.detach().float()
    change = layer.get_delta_weight("default").float()
    merged = merge(half)
    found = merged.model.get_submodule(name.removeprefix("base_model.model.")).weight
    assert torch.equal(found, (weight + change).to(torch.bfloat16))


class Hub:
    """Stands where the hub would be."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuses = False

    def create_repo(self, repo: str, **options: Any) -> None:
        if self.refuses:
            raise HfHubHTTPError("403 Forbidden", response=_Forbidden())  # type: ignore[arg-type]
        self.calls.append((repo, options))

    def upload_folder(self, **options: Any) -> None:
        files = sorted(file.name for file in Path(options["folder_path"]).iterdir())
        self.calls.append((options["repo_id"], {"files": files}))


class _Forbidden:
    headers: dict[str, str] = {}
    request = None
    status_code = 403


def test_push(finished: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setattr(export_module, "HfApi", lambda: hub)
    line = ["export", str(finished.folder), "--push", "me/model", "--out"]
    monkeypatch.setattr(export_module, "get_token", lambda: None)
    assert run([*line, str(tmp_path / "a")]) == 2
    assert not (tmp_path / "a").exists()
    monkeypatch.setattr(export_module, "get_token", lambda: "secret")
    assert run([*line, str(tmp_path / "a")]) == 0
    (made, options), (uploaded, held) = hub.calls
    assert made == uploaded == "me/model"
    assert options == {"private": True, "exist_ok": True}
    assert {"README.md", "adapter_model.safetensors", "adapter_config.json"} <= set(held["files"])
    hub.refuses = True
    assert run([*line, str(tmp_path / "b")]) == 2
    assert (tmp_path / "b" / "adapter_model.safetensors").is_file()


def test_the_licence_is_that_of_the_base(given: dict[str, Any]) -> None:
    from unsee.config import resolve
    from unsee.jobs.export import licence_of

    assert licence_of(resolve({})) == "apache-2.0"
    assert licence_of(resolve({"model": given["model"]})) == ""
    card = Path(given["model"]) / "README.md"
    card.write_text("---\nlicense: mit\n---\n# A model\n", encoding="utf-8")
    try:
        assert licence_of(resolve({"model": given["model"]})) == "mit"
    finally:
        card.unlink()
