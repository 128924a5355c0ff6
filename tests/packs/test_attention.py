"""Who sees whom, as a dense mask and as the rule of FlexAttention; which kernel is chosen, and why."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_mask, flex_attention
from transformers.integrations import flex_attention as integration

from tests.packs.test_exact import examples
from tests.packs.test_tables import batch_of
from tests.tiny import build
from unsee.models.load import VLM
from unsee.packs import attention
from unsee.packs.attention import block_mask, choices, dense, kernel_of, rule
from unsee.packs.cost import Cost
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward

FLEXIBLE = ("llava", "idefics3", "gemma3", "paligemma", "internvl")


def by_rows(vlm: VLM, window: int | None = None) -> tuple[Tensor, Tensor]:
    """The mask worked out row by row in plain loops, and that of the batch."""
    packs = build_packs(vlm, make_rows(vlm, examples()))
    batch = collate(vlm, packs)
    seen = torch.zeros((len(packs), *batch.input_ids.shape[1:] * 2), dtype=torch.bool)
    family, image = vlm.base.config.model_type, vlm.chat.image_token_id
    for b, pack in enumerate(packs):
        for row, path in zip(pack.rows, pack.paths, strict=True):
            for i, query in enumerate(path):
                for j, key in enumerate(path):
                    near = j <= i and (window is None or i - j < window)
                    both = family == "gemma3" and row.ids[i] == row.ids[j] == image
                    both |= family == "paligemma" and i < row.answer_start and j < row.answer_start
                    seen[b, query, key] |= near or both
        for t in range(len(pack), seen.shape[1]):
            seen[b, t, t] = True
    return seen, dense(batch.sight, window)


@pytest.mark.parametrize("window", [None, 1, 7])
@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "gemma3", "paligemma"])
def test_the_mask_is_that_of_every_row_alone(family: str, window: int | None) -> None:
    wanted, found = by_rows(build(family), window)
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("window", [None, 7])
@pytest.mark.parametrize("family", ["llava", "gemma3"])
def test_the_rule_of_flex_attention_is_the_dense_mask(family: str, window: int | None) -> None:
    batch = batch_of(build(family))
    packs, length = batch.input_ids.shape
    made = create_mask(rule(batch.sight, window), packs, None, length, length, device="cpu")
    assert torch.equal(made[:, 0], dense(batch.sight, window))
    blocks = block_mask(batch.sight, window)
    assert blocks.shape == (packs, 1, length, length)


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """FlexAttention as plain tensor operations; the list gets the mask of every call."""
    seen: list[Any] = []

    def plain(query: Tensor, key: Tensor, value: Tensor, training: bool = False, **options: Any) -> Any:
        seen.append(options["block_mask"])
        return flex_attention(query, key, value, **options)

    monkeypatch.setattr(integration, "compile_friendly_flex_attention", plain)
    return seen


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("family", FLEXIBLE)
def test_flex_attention_gives_what_sdpa_gives(family: str, uncompiled: list[Any]) -> None:
    vlm = build(family)
    rows = make_rows(vlm, [e for e in examples()])
    batch, cost = collate(vlm, build_packs(vlm, rows)), Cost()
    with torch.no_grad():
        expected = forward(vlm, batch).logits
        assert not uncompiled
        vlm.attention = "flex"
        found = forward(vlm, batch, cost=cost).logits
        again = vlm.base.config.get_text_config()._attn_implementation
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    layers = len(vlm.base.get_submodule(vlm.roles.layers))
    assert len(uncompiled) == layers, "every layer of the decoder, and the vision tower not"
    assert all(mask is not None for mask in uncompiled)
    assert cost.notes["attention"] == "flex, block mask"
    assert again == "sdpa"


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_each_kind_of_layer_has_its_own_block_mask(uncompiled: list[Any]) -> None:
    vlm = build("gemma3")
    vlm.base.config.text_config.sliding_window = 9
    batch = batch_of(vlm)
    with torch.no_grad():
        expected = forward(vlm, batch).logits
        vlm.attention = "flex"
        torch.testing.assert_close(forward(vlm, batch).logits, expected, rtol=1e-4, atol=1e-5)
    sliding, full = (mask.mask_mod for mask in uncompiled)
    places = torch.arange(batch.input_ids.shape[1])
    for found, window in ((sliding, 9), (full, None)):
        made = found(torch.tensor(0), torch.tensor(0), places[:, None], places[None])
        assert torch.equal(made, dense(batch.sight, window)[0])


def on_cuda(vlm: VLM, monkeypatch: pytest.MonkeyPatch) -> VLM:
    """The model as if its weights lay on a GPU; only what is chosen can be asked."""
    monkeypatch.setattr(VLM, "device", property(lambda self: torch.device("cuda")))
    monkeypatch.setattr(attention, "LEAST_HEAD", 8)
    monkeypatch.setattr(attention, "find_spec", lambda name: name)
    return vlm


def test_what_is_chosen_on_the_cpu() -> None:
    vlm = build("llava")
    with torch.no_grad():
        assert kernel_of(vlm) == ("sdpa", "")
        vlm.attention = "flex"
        assert kernel_of(vlm) == ("flex", "")
        vlm.attention = "sdpa"
        assert kernel_of(vlm) == ("sdpa", "")
    vlm.attention = "flex"
    assert kernel_of(vlm) == ("sdpa", "flex not used: it has no backward pass on the CPU")
    vlm.model.set_attn_implementation("eager")
    assert kernel_of(vlm) == ("eager", "")


def test_what_is_chosen_on_cuda_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = on_cuda(build("llava"), monkeypatch)
    assert kernel_of(vlm) == ("flex", "")
    assert choices(vlm)["attention"] == "flex, block mask"
    vlm.attention = "sdpa"
    assert kernel_of(vlm) == ("sdpa", "")
    for family, reason in (
        ("qwen2_5_vl", "the family does not have it"),
        ("mllama", "text looks at pictures through layers of their own"),
    ):
        assert kernel_of(build(family)) == ("sdpa", f"flex not used: {reason}")
        assert reason in choices(build(family))["attention"]
    vlm = build("llava")
    vlm.base.config.text_config.attention_dropout = 0.1
    vlm.model.train()
    for layer in vlm.base.get_submodule(vlm.roles.decoder).modules():
        if hasattr(layer, "config"):
            layer.config.attention_dropout = 0.1
    assert kernel_of(vlm) == ("sdpa", "flex not used: attention has dropout")
    vlm = build("llava")
    vlm.base.get_submodule(vlm.roles.layers)[0].gradient_checkpointing = True
    assert kernel_of(vlm) == ("sdpa", "flex not used: activations are computed again")
    with torch.no_grad():
        assert kernel_of(vlm) == ("flex", "")
    monkeypatch.setattr(attention, "LEAST_HEAD", 16)
    assert kernel_of(build("llava")) == ("sdpa", "flex not used: heads of 8 numbers are too narrow")
    monkeypatch.setattr(attention, "find_spec", lambda name: None)
    assert kernel_of(build("llava")) == ("sdpa", "flex not used: triton is not installed")
