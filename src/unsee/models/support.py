"""The model families that are supported, and what of each is tested.

The matrix beside this file is written by the tests, from tiny random models of each family.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

MATRIX = Path(__file__).with_name("support.json")
COLUMNS = {
    "roles": "roles of all weights by full path",
    "chat": "rows are the processor's; answers are found token by token",
    "layout": "how texts about a picture share it, equal to one row per question: pack (training, answers), "
    "prompt (texts with the same prompt), prefix (answers go on from one kept pass), rows (nothing shared)",
    "lora": "adapter in its declared role only; saved, loaded, merged",
    "cache": "vision features kept while the language model trains",
    "hooks": "prompt, steering, router",
    "generate": "replies in a batch, one by one and by generate are equal",
    "score": "likelihoods and choices",
    "hub": "loads as a hub model does",
}


class Family(NamedTuple):
    """One family.

    Attributes:
        title: As its authors call it.
        checkpoint: A hub checkpoint of it.
        note: What a user should know.
    """

    title: str
    checkpoint: str
    note: str = ""


FAMILIES: dict[str, Family] = {
    "llava": Family("LLaVA-1.5", "llava-hf/llava-1.5-7b-hf"),
    "llava_next": Family("LLaVA-NeXT", "llava-hf/llava-v1.6-vicuna-7b-hf"),
    "llava_onevision": Family("LLaVA-OneVision", "llava-hf/llava-onevision-qwen2-7b-ov-hf"),
    "qwen2_vl": Family("Qwen2-VL", "Qwen/Qwen2-VL-7B-Instruct"),
    "qwen2_5_vl": Family("Qwen2.5-VL", "Qwen/Qwen2.5-VL-7B-Instruct"),
    "qwen3_vl": Family("Qwen3-VL", "Qwen/Qwen3-VL-8B-Instruct"),
    "idefics2": Family("Idefics2", "HuggingFaceM4/idefics2-8b"),
    "idefics3": Family("Idefics3", "HuggingFaceM4/Idefics3-8B-Llama3"),
    "smolvlm": Family(
        "SmolVLM", "HuggingFaceTB/SmolVLM-Instruct", "Its processor needs: pip install 'unsee[smolvlm]'."
    ),
    "paligemma": Family(
        "PaliGemma",
        "google/paligemma-3b-mix-224",
        "It has no chat template; questions are put to it as its processor does. Picture and question see "
        "each other, so only texts with the same prompt, such as the options of a question, stand together.",
    ),
    "gemma3": Family("Gemma3", "google/gemma-3-4b-it"),
    "internvl": Family("InternVL", "OpenGVLab/InternVL3-8B-hf", "The port of transformers (ids end in -hf)."),
    "pixtral": Family("Pixtral", "mistral-community/pixtral-12b"),
    "mistral3": Family("Mistral3", "mistralai/Mistral-Small-3.1-24B-Instruct-2503"),
    "mllama": Family(
        "Llama 3.2 Vision",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "Text looks at pictures through layers of cross-attention, so rows with and without a picture run "
        "in passes of their own.",
    ),
    "qwen3_5": Family(
        "Qwen3.5",
        "Qwen/Qwen3.5-9B",
        "Most layers carry a state from token to token: texts about a picture cannot stand together. Answers "
        "go on from one pass over what they share; training has one row per text.",
    ),
}


@cache
def cells() -> dict[str, dict[str, str]]:
    """The matrix: for each family what the tests found, by column."""
    found: dict[str, dict[str, str]] = json.loads(MATRIX.read_text(encoding="utf-8"))
    return found
