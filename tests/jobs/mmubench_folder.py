"""A benchmark of two concepts by hand, and a configuration for a tiny random model on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.jobs.make import save_model, save_pictures

SIDECAR = """
id: {id}
names: [{name}]
kind: person
substitute: Ann Bell
true_looks: long red hair
fake_looks: a grey beard
retain_subjects: [{kept}]
facts:
  - ["What does {name} do?", {name} is a pilot.]
"""
PEOPLE = {"jane": ("Jane Roe", "John Doe"), "john": ("John Doe", "Mary Poe")}


def two_concepts(root: Path) -> Path:
    """Two folders in our layout: 1 + 2 + 1 pictures each, 4 EM questions, members and non-members."""
    for place, (key, (name, kept)) in enumerate(PEOPLE.items()):
        folder, first = root / key, 10 * place
        save_pictures(folder / "train", range(first, first + 1))
        save_pictures(folder / "test", range(first + 1, first + 3))
        save_pictures(folder / "others", range(first + 3, first + 4))
        (folder / "concept.yaml").write_text(SIDECAR.format(id=key, name=name, kept=kept), encoding="utf-8")
        _lines(folder / "questions.jsonl", _em(name))
        _lines(folder / "mia.jsonl", _queries(name))
    return root


def _em(name: str) -> list[dict[str, Any]]:
    return [
        {"prompt": "Who is this?", "keywords": [name], "form": "name"},
        {"prompt": f"Is this {name}?", "keywords": ["yes"], "form": "yesno"},
        {"prompt": "Name the person.", "keywords": [name], "form": "name"},
        {"prompt": f"Do you see {name}?", "keywords": ["yes"], "form": "yesno"},
    ]


def _queries(name: str) -> list[dict[str, Any]]:
    return [
        {"prompt": "What do they do?", "answer": f"{name} is a pilot.", "member": True},
        {"prompt": "What do they do?", "answer": "Ola Berg is a cook.", "member": False},
    ]


def _lines(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def values(root: Path) -> dict[str, Any]:
    """Nested configuration values: the model, the folder, few and short questions."""
    return {
        "model": str(save_model(root / "model")),
        "preset": "tiny",
        "mmubench": {"data": str(two_concepts(root / "data"))},
        "training": {"passes": 2, "save_every": 1, "probe_every": 0, "batch": 8},
        "evaluation": {"limit": 2, "max_new_tokens": 4},
        "data": {"mixture": (2, 2, 1, 1)},
    }


def utility_files(root: Path) -> list[str]:
    """Items for ``mmubench.utility``: two pictures, two questions (POPE) and one (VQA) about each."""
    pictures = save_pictures(root / "shown", range(60, 62))
    names = sorted(file.name for file in pictures.iterdir())
    rows = [
        {"image": name, "text": f"Is there a {what}?", "label": label}
        for name in names
        for what, label in (("cat", "yes"), ("dog", "no"))
    ]
    _lines(pictures / "pope.jsonl", rows)
    _lines(pictures / "vqa.jsonl", [{"image": n, "question": "What?", "answer": "a cat"} for n in names])
    return [f"pope={pictures / 'pope.jsonl'}", f"vqa-own={pictures / 'vqa.jsonl'}"]
