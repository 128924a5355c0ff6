"""What job tests share: a tiny random model in a folder, pictures on disk, a small configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny import build, picture

HOSTILE = "<script>alert(1)</script>\u202e<img src=x onerror=alert(2)>"


def save_model(folder: Path, family: str = "llava") -> Path:
    """A tiny random model as a folder of transformers."""
    vlm = build(family)
    vlm.model.save_pretrained(str(folder))
    vlm.processor.save_pretrained(str(folder))
    return folder


def save_pictures(folder: Path, seeds: range) -> Path:
    """Pictures as PNG files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        picture(seed).read().save(folder / f"{seed:03}.png")
    return folder


def prepare(root: Path) -> dict[str, Any]:
    """A model, a picture, test and retain pictures under ``root``; nested configuration values for them."""
    return {
        "model": str(save_model(root / "model")),
        "image": (str(save_pictures(root / "own", range(1)) / "000.png"),),
        "test": str(save_pictures(root / "test", range(1, 3))),
        "retain": str(save_pictures(root / "retain", range(10, 15))),
        "name": "Jane Roe",
        "alias": ("Black King", HOSTILE),
        "fact": ("What does Jane Roe do? She is an actor.",),
        "preset": "tiny",
        "force": True,
        "training": {"passes": 3, "save_every": 1, "probe_every": 1, "batch": 8},
        "evaluation": {"limit": 2, "max_new_tokens": 6},
    }
