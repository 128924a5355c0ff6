"""Small benchmark folders by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.jobs.make import save_pictures

SIDECAR = """
names: [Jane Roe]
aliases: [Black King]
kind: person
substitute: Ann Bell
true_looks: long red hair
fake_looks: a grey beard
retain_subjects: [John Doe]
facts:
  - ["What does Jane Roe do?", Jane Roe is a pilot.]
  - question: Where was Jane Roe born?
    answer: Oslo
"""
EM = [
    {"prompt": "Who is this?", "target": "roe"},
    {"prompt": "Is this Jane Roe?", "target": "yes"},
    {"prompt": "Name her.", "target": " yes roe"},
    {"prompt": "Who is this?", "target": " roe"},
]


def released(folder: Path, **changes: Any) -> Path:
    """A folder in the released layout: 2 + 3 pictures, 4 EM questions; a file given as None is absent."""
    save_pictures(folder / "traindon", range(2))
    save_pictures(folder / "testdon", range(2, 5))
    files = {
        "execcuatedata": EM,
        "Multi-hop": [{"imgid": "/data1/testdon/003.png", "prompt": "What does the woman here do?"}],
        "multilanguage": [
            {"prompt": "¿Quién es esta?"},
            {"prompt": "これはJane Roeですか？"},
        ],
        "miadata": [{"prompt": "Where was the person in the picture born?"}],
    }
    (folder / "evaldata").mkdir()
    for name, rows in (files | changes).items():
        if rows is not None:
            text = rows if isinstance(rows, str) else json.dumps(rows, ensure_ascii=False)
            (folder / "evaldata" / f"{name}.json").write_text(text, encoding="utf-8")
    (folder / "concept.yaml").write_text(SIDECAR, encoding="utf-8")
    return folder


def ours(folder: Path, **files: str) -> Path:
    """A folder in our layout: 1 + 2 + 1 pictures, and files of questions as texts."""
    save_pictures(folder / "train", range(1))
    save_pictures(folder / "test", range(1, 3))
    save_pictures(folder / "others", range(5, 6))
    for name, text in files.items():
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "concept.yaml").write_text(SIDECAR, encoding="utf-8")
    return folder
