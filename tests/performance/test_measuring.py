"""Shapes, counters, the order of timed runs, and the command."""

from __future__ import annotations

import copy
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import performance.__main__ as command
import performance.curves as curves
import performance.gpu as gpu
import performance.llava as llava
import performance.page as page
import pytest
import torch
from performance.cases import CASES, option_texts
from performance.compare import compare
from performance.counting import counted
from performance.curves import Curve
from performance.goals import GOALS
from performance.one import run
from performance.peers.rows import pad_rows
from performance.shapes import SHAPES, THIN, TINY, build, picture
from performance.texts import CORPUS, training_examples
from performance.timing import Times, interleave

from unsee.packs.rows import make_rows

SMALL = replace(THIN, name="small", image_tokens=64)


def test_tiny_has_the_sizes_it_promises() -> None:
    assert (TINY.image_tokens, TINY.hidden, TINY.layers, TINY.vocabulary) == (576, 256, 4, 32_064)
    assert TINY.side == 336


@pytest.mark.parametrize("family", ["llava", "qwen"])
@pytest.mark.parametrize("image_tokens", [64, 576])
def test_a_built_model_has_the_shape(family: str, image_tokens: int) -> None:
    shape = replace(THIN, family=family, image_tokens=image_tokens)
    vlm = build(shape)
    row = vlm.chat.encode("Who is it?", picture=picture(shape, 0))
    assert row.ids.count(vlm.chat.image_token_id) == image_tokens
    assert vlm.base.get_output_embeddings().weight.shape == (2048, 32)
    assert len(vlm.tokenizer) == 2048
    assert not any(weight.requires_grad for weight in vlm.model.parameters())


def test_rows_do_not_depend_on_the_width_of_the_model() -> None:
    small = build(SMALL).tokenizer
    large = build(replace(SMALL, vocabulary=3000)).tokenizer
    for text in CORPUS:
        assert small.tokenize(text) == large.tokenize(text)


@pytest.mark.parametrize(
    ("name", "share"),
    [("share-llava-7b", 0.020), ("share-qwen-7b", 0.077), ("share-qwen-3b", 0.10), ("share-smolvlm", 0.20)],
)
def test_the_head_has_the_share_of_the_real_one(name: str, share: float) -> None:
    with torch.device("meta"):
        family = importlib.import_module(f"performance.{SHAPES[name].family}")
        model = family.model(SHAPES[name], family.processor(SHAPES[name]).tokenizer)
    head = model.get_output_embeddings().weight.numel()
    layers = sum(w.numel() for n, w in model.named_parameters() if "language_model.layers" in n)
    assert head / (head + layers) == pytest.approx(share, rel=0.02)


def test_real7b_is_llava_1_5_7b() -> None:
    """Its parts are known to add up to 7.06 billion weights."""
    shape = SHAPES["real7b"]
    with torch.device("meta"):
        model = llava.model(shape, llava.processor(shape).tokenizer)
    assert sum(w.numel() for w in model.parameters()) == pytest.approx(7.06e9, rel=0.01)


def test_same_seed_same_model() -> None:
    assert build(SMALL).weights_hash == build(SMALL).weights_hash != build(SMALL, seed=1).weights_hash


def test_counters_see_every_call() -> None:
    vlm = build(SMALL)
    batch = pad_rows(vlm, make_rows(vlm, training_examples(picture(SMALL, 0))))
    rows, length = batch.shape
    other = copy.deepcopy(vlm.base)
    with torch.no_grad(), counted(vlm) as counters:
        vlm.model(**batch.inputs)
        assert counters.model_copies == 0
        for _ in range(2):
            other(**batch.inputs, logits_to_keep=1)
    assert counters.as_json() == {
        "lm_tokens": 3 * rows * length,
        "images_encoded": 3 * rows,
        "head_rows": rows * length + 2 * rows,
        "forwards": 3,
        "model_copies": 1,
    }
    with torch.no_grad():
        vlm.model(**batch.inputs)
    assert counters.forwards == 3  # nothing is counted outside the block


def test_padded_rows_label_the_answers() -> None:
    vlm = build(SMALL)
    rows = make_rows(vlm, training_examples(picture(SMALL, 0)))
    batch = pad_rows(vlm, rows)
    for b, row in enumerate(rows):
        assert batch.inputs["attention_mask"][b].sum() == len(row.ids)
        assert tuple(batch.labels[b][batch.labels[b] != -100].tolist()) == row.labels
        assert batch.keep[b].sum() == sum(row.keep) < len(row.labels)  # the token mask drops something
    assert "Martin Hale" not in vlm.tokenizer.decode(batch.labels[0][batch.keep[0]])


def test_sides_take_turns_and_swap() -> None:
    calls: list[tuple[str, int]] = []
    checked: list[tuple[int, int]] = []

    def work(side: str, number: int) -> int:
        calls.append((side, number))
        return number if side == "ours" else -number

    ours, peer = interleave(
        lambda n: work("ours", n), lambda n: work("peer", n), lambda a, b: checked.append((a, b)), repeats=3
    )
    assert checked == [(1, -1), (2, -2), (3, -3)]
    assert calls == [("ours", 1), ("peer", 1), ("peer", 2), ("ours", 2), ("ours", 3), ("peer", 3)]
    assert len(ours.wall) == len(ours.process) == len(peer.wall) == len(peer.process) == 3


def test_a_budget_ends_the_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, *[t for n in range(9) for t in (n, n, n, n, n + 0.5)]])
    monkeypatch.setattr("performance.timing.time.perf_counter", lambda: next(clock))
    seen: list[int] = []
    ours, peer = interleave(
        lambda n: n, lambda n: n, lambda a, b: None, before=seen.append, repeats=9, budget=1.6
    )
    assert seen == [1, 2, 3]
    assert len(ours.wall) == len(peer.wall) == 3


def test_medians() -> None:
    times = Times([3.0, 1.0, 2.0], [9.0, 1.0, 4.0])
    assert (times.wall_median, times.process_median) == (2.0, 4.0)


def here(case: str, shape: str, *, repeats: int, budget: float | None) -> dict[str, Any]:
    """A comparison in this process, on a small model."""
    small = replace(SMALL, name=shape)
    return compare(CASES[case](small), small, repeats=repeats, budget=budget)


@pytest.fixture
def _one_small_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (command, page):
        monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(command, "run", here)


@pytest.mark.usefixtures("_one_small_run")
def test_nothing_is_written_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--case", "T4", "--repeats", "1"]) == 0
    assert "reference = adapter off" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("repeats", ["0", "-1", "many"])
def test_repeats_are_checked(repeats: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--repeats", repeats])
    assert "not a whole number" in capsys.readouterr().err


@pytest.mark.usefixtures("_one_small_run")
def test_written_result(tmp_path: Path) -> None:
    assert command.main(["--case", "T4", "--repeats", "1", "--write"]) == 0
    (file,) = (tmp_path / "results").iterdir()
    result = json.loads(file.read_text())
    assert file.name == "T4-tiny.json"
    line = next(line for line in (tmp_path / "performance.md").read_text().splitlines() if "| T4 |" in line)
    assert f"**{result['ratios']['process']:.1f}x** | 12x" in line
    assert result["shape"]["image_tokens"] == 64
    assert result["ours"]["counters"]["head_rows"] == result["labelled_rows"]
    tokens = [result[side]["counters"]["lm_tokens"] for side in ("peer", "ours")]
    assert result["ratios"]["lm_tokens"] == tokens[0] / tokens[1]
    assert {"versions", "hardware"} <= result["environment"].keys()
    assert len(result["peer"]["all_wall_seconds"]) == result["repeats"] == 1
    assert result["ours"]["memory_bytes"] > 0
    assert result["receipt"]["row_by_row"]["model_copies"] == 1


def test_a_comparison_in_a_process_of_its_own() -> None:
    result = run("E4", "thin", repeats=1, budget=0.0)
    assert (result["case"], result["shape"]["name"], result["threads"]) == ("E4", "thin", 1)
    with pytest.raises(RuntimeError, match="invalid choice: 'none'"):
        run("E4", "none")


def test_every_comparison_is_in_the_sets() -> None:
    assert {case for case, _ in command.QUICK} == set(CASES)
    assert all(shape in SHAPES for _, shape in command.FULL)
    assert all(case in CASES and shape in SHAPES for case, shape in GOALS)


def test_the_rehearsal_of_the_gpu_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "COMPARED", ("E4", "T4"))
    monkeypatch.setattr(gpu, "SHAPES", {"small": SMALL})
    out = tmp_path / "gpu.json"
    assert gpu.main(["--shape", "small", "--repeats", "1", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert (found["siu"]["rows"], found["siu"]["steps"]) == (25, gpu.PASSES)
    assert found["siu"]["receipt"]["images_encoded"] == 1
    assert found["siu"]["receipt"]["backwards"] == gpu.PASSES
    assert (found["choices"], found["agreement"]) == (14, 1.0)
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    text = page.page()
    assert "SIU on the resident base, 25 rows" in text
    assert "100.0% of 14 questions" in text


def test_without_a_gpu_the_large_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit):
        gpu.main([])
    assert "there is no GPU here" in capsys.readouterr().err


def test_a_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Curve("Scoring", "questions", (1, 4), lambda x: option_texts.prepare(SMALL, questions=x, options=1))
    monkeypatch.setattr(curves, "CURVES", {"questions": few})
    monkeypatch.setattr(curves, "RESULTS", tmp_path)
    monkeypatch.setattr(curves, "REPEATS", 1)
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    assert curves.main(["--write"]) == 0
    found = json.loads((tmp_path / "curves.json").read_text())
    one, four = found["curves"][0]["points"]
    assert one["ours"]["lm_tokens"] == one["peer"]["lm_tokens"]
    assert four["peer"]["lm_tokens"] > 3.9 * one["peer"]["lm_tokens"]
    assert four["ours"]["lm_tokens"] < 2 * one["ours"]["lm_tokens"]
    assert "### Scoring" in (tmp_path / "performance.md").read_text()


def test_the_page_is_that_of_the_results() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page()
    assert "Not measured yet" in page.page() or (page.RESULTS / page.GPU).exists()
