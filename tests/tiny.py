"""Tiny random models of every supported family, built in memory in a fraction of a second.

Weights are larger than the default initialisation, so that outputs depend on the input: with the default,
equality tests compare near-constants and cannot fail.
"""

from __future__ import annotations

from importlib import import_module

import torch

from tests.families.common import WIDTH, boost, picture
from unsee.models.load import VLM, wrap

# Those on which everything is tested; tests/models/test_families.py goes through all of ``tests.families``.
FAMILIES = ("llava", "qwen2_5_vl", "idefics3", "smolvlm")

__all__ = ["FAMILIES", "WIDTH", "build", "picture"]


def build(family: str, seed: int = 0) -> VLM:
    """A tiny random model of a family (a module of ``tests.families``); float32, eval mode."""
    made = import_module(f"tests.families.{family}")
    # The processors are made anew each time, so that no test sees what another did to one.
    processor = made.processor()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = made.model(processor)
        boost(model)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return wrap(model.eval(), processor, name=f"tiny-{family}")
