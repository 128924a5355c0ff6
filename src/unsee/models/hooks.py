"""Hooks: what acts when the model answers and changes no weight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unsee.models.load import VLM


class Hook(Protocol):
    """Something that changes a model's answers while it is installed."""

    name: str

    def install(self, vlm: VLM) -> VLM:
        """The model with this hook acting; ``adapter_off`` switches it off."""

    def save(self, folder: Path) -> None:
        """Write everything that :func:`load_hook` needs, without pickle."""
