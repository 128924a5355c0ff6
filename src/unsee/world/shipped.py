"""Where the shipped checkpoints of the embedded model are."""

from __future__ import annotations

from pathlib import Path

MODELS = Path(__file__).parent / "models"
STAGES = ("blank", "base", "target")
DEFAULT_CONCEPT = "celebrity-00"


def model_path(stage: str) -> Path:
    """Folder of ``blank``, ``base`` or ``target``.

    Raises:
        KeyError: There is no such stage.
    """
    if stage not in STAGES:
        raise KeyError(stage)
    return MODELS / stage


def gold_name(ratio: int) -> str:
    """What the gold model of the embedded MLLMU-Bench at a ratio is called."""
    return f"mllmu-{ratio}"


def gold_path(concept: str, seed: int = 0) -> Path | None:
    """Folder of the model trained without ``concept``, or None where none is shipped.

    ``concept`` is an id, or "mllmu-5" for the forget people of the embedded MLLMU-Bench at 5 %.
    """
    path = MODELS / f"gold-{concept}-seed{seed}"
    return path if (path / "config.json").exists() else None
