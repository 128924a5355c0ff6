"""Training as a whole: log, resume after a kill, NaN stop, full fine-tuning, collapse."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from tests.tiny import build
from tests.training.rows import examples, settings, weights
from unsee.methods.parts import Method, Term
from unsee.methods.registry import get
from unsee.models.adapters import attach
from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.training.losses import TrainingStopped
from unsee.training.trainer import train

DROPOUT = Scope(rank=4, alpha=8, dropout=0.2)
KILLED = """
import os, signal, sys
from tests.tiny import build
from tests.training.rows import examples, settings
from tests.training.test_trainer import DROPOUT
from unsee.methods.registry import get
from unsee.training.trainer import train

def kill(line):
    if line["step"] == 6:
        os.kill(os.getpid(), signal.SIGKILL)

train(build("llava"), get("siu"), examples(), settings(passes=8, save_every=4, probe_every=4, scope=DROPOUT),
      sys.argv[1], on_step=kill)
"""


def losses(folder):
    lines = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.mark.slow
def test_killed_run_ends_like_an_undisturbed_one(tmp_path):
    """8 steps straight equal, bit for bit, 6 steps, kill -9, and the rest from the checkpoint at step 4."""
    wanted = settings(passes=8, save_every=4, probe_every=4, scope=DROPOUT)
    straight = train(build("llava"), get("siu"), examples(), wanted, tmp_path / "straight")
    broken = tmp_path / "broken"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", KILLED, str(broken)], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert losses(broken)[-1]["step"] == 6
    torch.manual_seed(99)
    resumed = train(build("llava"), get("siu"), examples(), wanted, broken)
    assert (resumed.resumed_from, resumed.steps, straight.steps) == (4, 8, 8)
    assert [line["step"] for line in losses(broken)] == list(range(9))
    assert losses(broken) == losses(tmp_path / "straight")
    one, two = weights(straight.vlm), weights(resumed.vlm)
    assert all(torch.equal(one[name], two[name]) for name in one)
    again = train(build("llava"), get("siu"), examples(), wanted, broken)
    assert again.steps == 8
    assert again.cost.backwards == 0
    assert all(torch.equal(one[name], weight) for name, weight in weights(again.vlm).items())


def test_log_has_one_line_per_step_with_every_term(tmp_path):
    seen = []
    method = get("siu")
    wanted = settings(passes=2, probe_every=2)
    result = train(build("llava"), method, examples(), wanted, tmp_path, on_step=seen.append)
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert lines == seen == list(result.lines)
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert lines[0]["probe"]["forget"] < 0
    assert "probe" not in lines[1]
    for line in lines[1:]:
        total = sum(term.weight * line["terms"][term.name] for term in method.terms)
        assert line["loss"] == pytest.approx(total)
        assert line["grad_norm"] > 0
        assert line["seconds"] > 0
    # adapter = reference before the first step
    assert lines[1]["terms"]["dmk"] == pytest.approx(0, abs=1e-6)
    assert lines[1]["lr"] == pytest.approx(3e-3)
    assert result.cost.backwards >= 2
    assert result.cost.images_encoded == 2
    assert not any(p.requires_grad and p.grad is not None for p in result.vlm.model.parameters())
    assert not result.vlm.model.training


def test_nothing_is_drawn_without_a_terminal(tmp_path, capfd):
    train(build("llava"), get("ga"), examples(), settings(passes=1), tmp_path)
    out, err = capfd.readouterr()
    assert out == ""
    assert "forgetting" not in err


def test_progress_bar(tmp_path, capfd):
    train(build("llava"), get("ga"), examples(), settings(passes=1), tmp_path, progress=True)
    assert "forgetting" in capfd.readouterr().err


def bad_method(loss):
    return Method("bad", "bad", "none", "none", None, (Term("broken", frozenset({"T1"}), 1.0, loss),))


def test_nan_names_step_term_and_example(tmp_path):
    def loss(table, reference):
        value = table.mean_by_row(table.logp)
        return torch.stack(
            [v * float("nan") if r.example == "T1-1" else v for v, r in zip(value, table.rows, strict=True)]
        )

    with pytest.raises(TrainingStopped, match="Step 1: term broken is nan on example T1-1"):
        train(build("llava"), bad_method(loss), examples(), settings(), tmp_path)
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))


def test_infinite_gradient_is_named(tmp_path):
    def loss(table, reference):
        return torch.sqrt(table.mean_by_row(table.logp) * 0)  # value 0, slope infinite times zero = NaN

    with pytest.raises(TrainingStopped, match="Step 1: the gradient of .*lora_"):
        train(build("llava"), bad_method(loss), examples(), settings(), tmp_path)


def test_folder_of_another_run_is_refused(tmp_path):
    train(build("llava"), get("ga"), examples(), settings(passes=1), tmp_path)
    with pytest.raises(UserError, match="another training run"):
        train(build("llava"), get("ga"), examples(), settings(passes=2), tmp_path)
    with pytest.raises(UserError, match="another training run"):
        train(build("llava"), get("po"), examples(), settings(passes=1), tmp_path)


def test_no_row_for_the_method(tmp_path):
    rows = [example for example in examples() if example.role == "T1"]
    with pytest.raises(UserError, match="no training row for ga"):
        train(build("llava"), get("ga"), rows, settings(), tmp_path)


def test_attached_adapter_is_refused(tmp_path):
    vlm = attach(build("llava"), DROPOUT, seed=0)
    with pytest.raises(UserError, match="adapter already"):
        train(vlm, get("ga"), examples(), settings(), tmp_path)


def test_full_fine_tuning_keeps_its_reference(tmp_path):
    """The masked KL starts at 0 and grows: the reference holds the original weights, not the trained ones."""
    target = build("llava")
    before = weights(target)
    wanted = settings(passes=2, lr=1e-3, scope=Scope(parts=("language.mlp[0]", "projector"), full=True))
    kept = train(target, get("siu"), examples(), wanted, tmp_path / "kept")
    terms = [line["terms"]["dmk"] for line in kept.lines]
    assert terms[0] == pytest.approx(0, abs=1e-6)
    assert terms[1] > 1e-5
    after = weights(kept.vlm)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    roles = {kept.vlm.roles.role_of(name) for name in changed}
    assert roles <= {"language.mlp[0]", "projector"}
    anew = replace(wanted, reference_bytes=0)
    computed = train(build("llava"), get("siu"), examples(), anew, tmp_path / "anew")
    for one, two in zip(kept.lines, computed.lines, strict=True):
        assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)


def test_many_forward_passes_equal_one(tmp_path):
    whole = train(build("llava"), get("siu"), examples(), settings(passes=2), tmp_path / "whole")
    cut = settings(passes=2, forward_tokens=1, pack_tokens=80, checkpointing=True)
    parts = train(build("llava"), get("siu"), examples(), cut, tmp_path / "parts")
    assert parts.cost.backwards > whole.cost.backwards
    for one, two in zip(whole.lines, parts.lines, strict=True):
        assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)
        assert one["grad_norm"] == pytest.approx(two["grad_norm"], rel=1e-3)


def test_collapse_is_reported_and_can_stop(tmp_path):
    wanted = settings(passes=8, lr=0.1, probe_every=1, collapse=1.5, stop_on_collapse=True)
    result = train(build("llava"), get("ga"), examples(), wanted, tmp_path)
    assert result.collapsed
    assert result.steps < result.planned == 8
    points = [line["probe"] for line in result.lines]
    assert [point["collapsed"] for point in points] == [False] * (len(points) - 1) + [True]


@pytest.mark.parametrize(("name", "terms"), [("ga_kl", ["retain_kl"]), ("scrub", ["forget_kl", "retain_kl"])])
def test_released_variants_compare_with_the_target_at_every_position(name, terms, tmp_path):
    """The divergence is 0 while the model is the target, and grows when it moves; small passes add up."""
    method = get(name, {"variant": "released_code"})
    changes = {"passes": 3, "lr": 3e-2, "anchors_per_step": 2}
    done = train(build("llava"), method, examples(), settings(**changes), tmp_path / "one")
    for term in terms:
        values = [line["terms"][term] for line in done.lines if term in line.get("terms", {})]
        assert abs(values[-1]) > 1e-3, (term, values)
    cut = train(
        build("llava"),
        method,
        examples(),
        settings(forward_tokens=64, pack_tokens=64, **changes),
        tmp_path / "cut",
    )
    for one, two in zip(done.lines, cut.lines, strict=True):
        assert two.get("terms", {}) == pytest.approx(one.get("terms", {}), rel=2e-3, abs=1e-5)
    assert done.cost.reference_forwards > 0
