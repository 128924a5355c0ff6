"""Qwen3.5: layers that carry a state from token to token, and a few with attention."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration, Qwen3VLProcessor

from tests.families.qwen import TOWER, WIDTH, build_processor, named, text


def processor() -> Any:
    return build_processor(Qwen3VLProcessor)


def model(processor: Any) -> Any:
    vision = {**TOWER, "intermediate_size": 40, "out_hidden_size": WIDTH, "num_position_embeddings": 36}
    decoder = text(processor) | {
        "head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    }
    decoder["rope_parameters"] = {**decoder["rope_parameters"], "partial_rotary_factor": 1.0}
    made = Qwen3_5ForConditionalGeneration(
        Qwen3_5Config(
            text_config=decoder,
            vision_config=vision,
            tie_word_embeddings=False,
            **named(processor),
        )
    )
    state = made.model.language_model.layers[0].linear_attn
    with torch.no_grad():  # a state that lasts and counts; else the newest tokens alone decide the next one
        state.A_log.fill_(-6.0)
        state.norm.weight.fill_(4.0)
    return made
