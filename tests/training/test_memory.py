"""Predicted memory against what tiny models really hold."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tests.families import FAMILIES
from tests.tiny import build, picture
from unsee.models.attach import attach
from unsee.models.scopes import Scope
from unsee.models.skeleton import size, skeleton
from unsee.nouns import Example
from unsee.packs.pack import Batch, build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.memory import NF4_BYTES, activations, predict
from unsee.training.settings import TrainSettings

SCOPES = (Scope(("language",), rank=4), Scope(("language.mlp", "projector"), full=True))


def config_of(family: str, folder: Path) -> Path:
    build(family).model.config.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("family", ["llava", "qwen3_vl", "gemma3", "mllama"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_gradients_and_optimizer_are_exact(
    family: str, scope: Scope, dtype: torch.dtype, tmp_path: Path
) -> None:
    settings = TrainSettings(scope=scope, forward_tokens=256)
    found = predict(skeleton(config_of(family, tmp_path), dtype).vlm, settings)
    vlm = build(family)
    for parameter in vlm.model.parameters():  # as from_pretrained does: buffers keep their type
        parameter.data = parameter.data.to(dtype)
    buffers = sum(b.nbytes for b in vlm.base.buffers())
    assert sum(found.roles.values()) == sum(p.numel() for p in vlm.base.parameters())
    assert abs(found.weights - size(vlm.base)) <= min(8, buffers)  # a scale may be kept in either type
    attached = attach(vlm, scope, seed=0)
    trained = [p for p in attached.model.parameters() if p.requires_grad]
    rows = make_rows(attached, [Example("0", "Who is this?", "Jane Roe.", "T1", picture(1))])
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    for p in trained:
        p.grad = torch.ones_like(p)
    optimizer.step()
    states = [v for s in optimizer.state.values() for v in s.values() if v.dim()]
    assert found.optimizer == sum(v.nbytes for v in states)
    assert found.gradients == sum(p.grad.nbytes for p in trained if p.grad is not None)
    assert found.originals == sum(t.nbytes for t in attached.originals.values())
    extra = {n: p for n, p in attached.model.named_parameters() if ".lora_" in n}
    assert found.adapter == sum(p.nbytes for p in extra.values())
    assert all(p.dtype == torch.float32 for p in extra.values())
    assert len(rows) == 1


def _worked(family: str, batch: Batch) -> int:
    """Tokens of a pass; state-space layers fill every row up to whole chunks of 64."""
    rows, length = batch.input_ids.shape
    return rows * math.ceil(length / 64) * 64 if family == "qwen3_5" else batch.tokens


@pytest.mark.parametrize("family", FAMILIES)
def test_activations_bound_what_a_real_pass_keeps(family: str, tmp_path: Path) -> None:
    """What autograd saves in one pass over a real pack: never more than predicted, nor less than a third."""
    scope = Scope(("language",), rank=4)
    vlm = attach(build(family), scope, seed=0)
    prompts = ("Who is this person?", "Is this Jane Roe?", "Describe the picture.")
    rows = [Example(str(i), p, "This is Jane Roe.", "T1", picture(1)) for i, p in enumerate(prompts)]
    batch = collate(vlm, build_packs(vlm, make_rows(vlm, rows)))
    weights = {p.untyped_storage()._cdata for p in vlm.model.parameters()}
    seen: dict[int, int] = {}
    alive = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage()._cdata not in weights:
            seen[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        table = forward(vlm, batch)
        assert table.logits.requires_grad
    counted = sum(seen.values())
    bare = attach(skeleton(config_of(family, tmp_path), torch.float32).vlm, scope, seed=0)
    predicted = activations(bare, _worked(family, batch)) + 4 * table.logits.nbytes
    assert counted / 3 <= predicted, (predicted, counted)
    assert counted <= 1.1 * predicted, (predicted, counted)


def test_checkpointing_and_smaller_passes_need_less(tmp_path: Path) -> None:
    folder = config_of("llava", tmp_path)

    def total(**settings: object) -> int:
        made = TrainSettings(scope=SCOPES[0], **settings)  # type: ignore[arg-type]
        return predict(skeleton(folder, torch.bfloat16).vlm, made).activations

    assert total(checkpointing=True) < 0.6 * total()  # of two layers one is kept
    assert total(forward_tokens=2048) * 4 == pytest.approx(total(), rel=0.01)


def test_copies_reference_and_four_bits(tmp_path: Path) -> None:
    folder = config_of("llava", tmp_path)
    settings = TrainSettings(scope=SCOPES[0], forward_tokens=256, batch=4, anchors_per_step=0)

    def made(**options: object) -> object:
        return predict(skeleton(folder, torch.bfloat16).vlm, settings, **options)  # type: ignore[arg-type]

    plain, copied = made(), made(copies=1)
    assert (plain.copies, copied.copies) == (0, plain.weights)
    vocabulary = len(build("llava").tokenizer)
    assert plain.reference == 4 * 48 * vocabulary * 4
    assert made(reference=False).reference == 0
    vlm = build("llava")
    linear = sum(
        m.weight.numel()
        for n, m in vlm.base.named_modules()
        if isinstance(m, torch.nn.Linear) and n != "lm_head"
    )
    saved = plain.weights - made(quantised=True).weights
    assert saved == pytest.approx(linear * (2 - NF4_BYTES), rel=0.01)
