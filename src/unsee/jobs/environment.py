"""``environment.json``: what a run ran on, and the hashes of what it read."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

LIBRARIES = ("unsee", "torch", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow")


def environment(*, seed: int, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The content of ``environment.json``.

    Args:
        seed: The seed of the run.
        inputs: Hashes of the weights, pictures, questions and prompts, by what they are.
    """
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "hardware": _hardware(),
        "seed": seed,
        "inputs": dict(inputs),
    }


def _hardware() -> dict[str, Any]:
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "system": platform.platform(),
        "cpus": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "gpus": gpus,
    }
