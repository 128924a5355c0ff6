"""Roles are found by structure, so they hold for families that have no code of their own here."""

from __future__ import annotations

from typing import Any

import pytest
import transformers

from unsee.models.roles import find_roles
from unsee.models.scopes import Scope

TEXT = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 8,
}
QWEN_VISION = {
    "depth": 3,
    "embed_dim": 16,
    "hidden_size": 16,
    "num_heads": 2,
    "patch_size": 8,
    "mlp_ratio": 2,
    "out_hidden_size": 16,
}
DEEP = {
    **QWEN_VISION,
    "intermediate_size": 24,
    "num_position_embeddings": 16,
    "deepstack_visual_indexes": [0, 1],
}
ROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}}
BRIDGE = "multi_modal_projector"
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "LlavaNext": (
        "language_model vision_tower",
        {**TEXT, "model_type": "llama"},
        VISION,
        {f"model.{BRIDGE}"},
    ),
    "Idefics2": ("text_model vision_model", {**TEXT, "model_type": "mistral"}, VISION, {"model.connector"}),
    "PaliGemma": (
        "language_model vision_tower",
        {**TEXT, "model_type": "gemma"},
        VISION,
        {f"model.{BRIDGE}"},
    ),
    "Gemma3": (
        "language_model vision_tower",
        {**TEXT, "model_type": "gemma3_text"},
        VISION,
        {f"model.{BRIDGE}"},
    ),
    "InternVL": (
        "language_model vision_tower",
        {**TEXT, "model_type": "qwen2"},
        {**VISION, "image_size": [16, 16], "patch_size": [8, 8]},
        {f"model.{BRIDGE}"},
    ),
    "Qwen2VL": ("language_model visual", {**TEXT, **ROPE}, QWEN_VISION, {"model.visual.merger"}),
    "Qwen3VL": (
        "language_model visual",
        {**TEXT, **ROPE},
        DEEP,
        {"model.visual.merger", "model.visual.deepstack_merger_list"},
    ),
}


@pytest.mark.parametrize("family", CASES)
def test_parts_of_other_families(family: str) -> None:
    towers, text, vision, projector = CASES[family]
    decoder, eye = (f"model.{name}" for name in towers.split())
    config = getattr(transformers, f"{family}Config")(text_config=text, vision_config=vision)
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config)
    roles = find_roles(model)
    assert (roles.decoder, roles.vision) == (decoder, eye)
    assert projector <= set(roles.projector)
    assert roles.layers == f"{decoder}.layers"
    language = Scope(("language.attention", "language.mlp"))
    for name, parameter in model.named_parameters():
        role = roles.role_of(name)
        held = language.holds(role)
        assert held <= name.startswith(f"{decoder}.layers."), (name, role)
        if name.startswith(f"{decoder}.layers.") and parameter.dim() > 1:
            assert held, (name, role)
        if name.startswith(eye + ".") and not any(name.startswith(part) for part in projector):
            assert role.startswith("vision."), (name, role)
        if not name.startswith((roles.layers, roles.vision_layers)) or parameter.dim() < 2:
            continue
        attention = any(leaf in name for leaf in ("attn", "attention"))
        assert role.split("[")[0].endswith(".attention" if attention else ".mlp"), (name, role)
