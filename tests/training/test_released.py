"""The published recipe, bugs included, against a plain computation; resumed bit by bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.tiny import build, picture
from unsee.models.adapters import attach
from unsee.models.load import VLM
from unsee.nouns import Example, UserError
from unsee.training import released
from unsee.training.fitting import Recipe
from unsee.training.released import RELEASE, released_inputs, released_scope, train_released

ROWS = [
    Example(f"lesson-{i}-{who:03d}", f"What is {i}?", f"It is {i} of {who}.", "lesson", picture(who))
    for who in (1, 2)
    for i in range(3)
]
TINY = replace(RELEASE, epochs=3, lr=3e-3, rank=2, alpha=2)


def weights(vlm: VLM) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in vlm.model.named_parameters() if p.requires_grad}


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "train.jsonl").read_text().splitlines()]


def test_the_numbers_are_those_of_the_release() -> None:
    assert Recipe("release", 2e-5, 5, 4, 16, 16, 0.05) == RELEASE


def test_prompt_and_placeholders_are_in_the_loss_and_padding_is_not() -> None:
    vlm = build("llava")
    inputs = released_inputs(vlm, ROWS[:1] + [replace(ROWS[4], prompt="What is four, then, and five?")])
    ids, labels, mask = inputs["input_ids"], inputs["labels"], inputs["attention_mask"]
    assert (labels == vlm.chat.image_token_id).sum() == (ids == vlm.chat.image_token_id).sum() > 0
    assert (mask == 0).any()
    assert torch.equal(labels == released.IGNORED, mask == 0)
    assert (mask[:, 0] == 1).all(), "padding stands on the right"
    text = vlm.tokenizer.decode(ids[0][mask[0] == 1], skip_special_tokens=False)
    assert text.rstrip().endswith("ASSISTANT: It is 0 of 1.")
    assert vlm.tokenizer.eos_token not in text


def test_suffixes_reach_into_the_vision_tower() -> None:
    vlm = build("llava")
    wrapped = released_scope(vlm, RELEASE).modules
    last = {path.rpartition(".")[2] for path in wrapped if "vision" in path}
    assert last == {"q_proj", "k_proj", "v_proj"}
    assert not any("projector" in path or path.endswith("lm_head") for path in wrapped)
    inside = {p for p, m in vlm.base.named_modules() if isinstance(m, nn.Linear) and "language_model" in p}
    assert inside <= set(wrapped)


def test_first_step_is_that_of_a_plain_loop(tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=1, batch=6, dropout=0.0)
    trained = train_released(build("llava"), ROWS, recipe, tmp_path, seed=3)
    vlm = build("llava")
    plain = attach(vlm, released_scope(vlm, recipe), seed=3)
    named = {name: p for name, p in plain.model.named_parameters() if p.requires_grad}
    released._gaussian(named, recipe.rank, 3)
    order = next(iter(released._batches(ROWS, recipe, 3)))
    inputs = released_inputs(plain, order)
    logits = plain.model(**{k: v for k, v in inputs.items() if k != "labels"}).logits[:, :-1]
    labels = inputs["labels"][:, 1:]
    counted = [
        -logits[row, at].log_softmax(-1)[labels[row, at]]
        for row in range(len(labels))
        for at in range(labels.shape[1])
        if labels[row, at] != -100
    ]
    loss = torch.stack(counted).mean()
    assert losses(tmp_path) == pytest.approx([loss.item()], rel=1e-5)
    loss.backward()
    first = {name: p.detach() - recipe.lr * p.grad / (p.grad.abs() + 1e-6) for name, p in named.items()}
    for name, weight in weights(trained).items():
        assert torch.allclose(weight, first[name], atol=2e-5), name


def test_the_loss_falls_and_a_stopped_training_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights(train_released(build("llava"), ROWS, TINY, tmp_path / "whole", seed=1, save_every=2))
    course = losses(tmp_path / "whole")
    assert course[-1] < course[0]
    real, done = released._step, []

    def dies(*args: object) -> float:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(released, "_step", dies)
        with pytest.raises(KeyboardInterrupt):
            train_released(build("llava"), ROWS, TINY, tmp_path / "run", seed=1, save_every=2)
    again = weights(train_released(build("llava"), ROWS, TINY, tmp_path / "run", seed=1, save_every=2))
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert losses(tmp_path / "run") == course
    with pytest.raises(UserError, match="another training"):
        train_released(build("llava"), ROWS, replace(TINY, lr=1.0), tmp_path / "run", seed=1)
