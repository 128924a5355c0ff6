"""Counters read off the model itself, the same for both sides of a comparison.

Hooks see every call of the decoder, the vision tower and the head, whoever makes it, and every further copy
of the model that computes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from unsee.models.load import VLM


@dataclass
class Counters:
    """What a piece of work put through a model; padding included.

    Attributes:
        lm_tokens: Positions through the language model.
        images_encoded: Pictures through the vision tower.
        head_rows: Positions through the vocabulary head.
        forwards: Passes of the language model.
        model_copies: Other copies of the model that computed something.
    """

    lm_tokens: int = 0
    images_encoded: int = 0
    head_rows: int = 0
    forwards: int = 0
    model_copies: int = 0

    def as_json(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


@contextmanager
def counted(vlm: VLM) -> Iterator[Counters]:
    """Count everything that models of the class of ``vlm`` do inside the block."""
    counters = Counters()
    parts: dict[nn.Module, str] = {}
    known: list[nn.Module] = []

    def know(model: nn.Module) -> None:
        if not any(model is other for other in known):
            known.append(model)
            counters.model_copies = len(known) - 1
            for path in (vlm.roles.decoder, vlm.roles.vision, vlm.roles.head):
                parts[model.get_submodule(path)] = path

    def before(module: nn.Module, inputs: Any) -> None:
        if type(module) is type(vlm.base):
            know(module)

    def after(module: nn.Module, inputs: Any, named: dict[str, Any], output: Any) -> None:
        part = parts.get(module)
        if part == vlm.roles.decoder:
            counters.forwards += 1
            counters.lm_tokens += output.last_hidden_state.shape[:2].numel()
        elif part == vlm.roles.vision:
            grid = named.get("grid_thw")  # Qwen's tower gets all pictures in one sequence
            counters.images_encoded += output.last_hidden_state.shape[0] if grid is None else len(grid)
        elif part == vlm.roles.head:
            counters.head_rows += output.shape[:-1].numel()

    know(vlm.base)
    hooks = (register_module_forward_pre_hook(before), register_module_forward_hook(after, with_kwargs=True))
    try:
        yield counters
    finally:
        for hook in hooks:
            hook.remove()
