from __future__ import annotations

from collections import Counter

import pytest
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from tests.tiny import build
from unsee.models.load import VLM
from unsee.models.roles import find_roles
from unsee.nouns import UserError

# Written out by hand from the module names of transformers; the code under test never looks at leaf names.
ATTENTION = ("self_attn", "attn")
MLP = ("mlp",)


def _by_names(name: str) -> str:
    """An independent answer, from the names of these four families."""
    steps = name.split(".")
    if "merger" in steps or "multi_modal_projector" in steps or "connector" in steps:
        return "projector"
    if name.startswith("lm_head"):
        return "head"
    if "embed_tokens" in steps:
        return "language.embeddings"
    vision = any(step in ("vision_tower", "visual", "vision_model") for step in steps)
    tower = "vision" if vision else "language"
    numbers = [step for step in steps if step.isdigit()]
    if not numbers:
        return f"{tower}.{'other' if vision else 'norm'}"
    kind = "attention" if set(steps) & set(ATTENTION) else "mlp" if set(steps) & set(MLP) else "norm"
    return f"{tower}.{kind}[{numbers[0]}]"


def test_every_weight_has_the_role_its_name_tells(vlm: VLM) -> None:
    names = [name for name, _ in vlm.model.named_parameters()]
    assert {n: vlm.roles.role_of(n) for n in names} == {n: _by_names(n) for n in names}
    assert len(names) > 40


def test_roles_are_the_same_through_an_adapter(vlm: VLM) -> None:
    for name, _ in vlm.model.named_parameters():
        inner = name.replace(".weight", ".lora_A.default.weight")
        assert vlm.roles.role_of("base_model.model." + inner) == vlm.roles.role_of(name)


def test_qwen_merger_is_the_projector_though_it_lies_in_the_tower() -> None:
    roles = build("qwen2_5_vl").roles
    assert roles.vision == "model.visual"
    assert roles.projector == ("model.visual.merger",)


def test_layer_lists_are_as_long_as_the_configuration_says(vlm: VLM) -> None:
    for path in (vlm.roles.layers, vlm.roles.vision_layers):
        assert len(vlm.model.get_submodule(path)) == 2
    counts = Counter(vlm.roles.role_of(n).split("[")[0] for n, _ in vlm.model.named_parameters())
    assert counts["language.mlp"] == 2 * 3


def test_a_model_without_vision_is_refused() -> None:
    config = LlamaConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=16
    )
    with pytest.raises(UserError, match="no vision tower"):
        find_roles(LlamaForCausalLM(config))


def test_something_else_is_refused() -> None:
    with pytest.raises(UserError, match="no language decoder"):
        find_roles(nn.Linear(2, 2))
