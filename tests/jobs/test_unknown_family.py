"""A run with a model whose family is not known says what was found, and keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unsee.config import resolve
from unsee.jobs.forget import forget
from unsee.jobs.outcome import Outcome
from unsee.packs.families import KNOWN


def test_what_was_inferred_is_said_and_kept(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(KNOWN, "llava")
    done = forget(resolve({**given, "out": str(tmp_path / "run"), "method": "ga"}))
    kept = json.loads((done.folder / "environment.json").read_text())["model"]
    assert (kept["family"], kept["inferred"], kept["form"]) == ("llava", True, "pack")
    assert kept["vision"] == "model.vision_tower"
    assert kept["decoder"] == "model.language_model"
    told = (done.folder / "log.txt").read_text(encoding="utf-8")
    assert "the family llava is not among the tested ones" in told


def test_a_known_family_is_kept_without_a_word(finished: Outcome) -> None:
    kept = json.loads((finished.folder / "environment.json").read_text())["model"]
    assert (kept["family"], kept["inferred"]) == ("llava", False)
    assert "tested ones" not in (finished.folder / "log.txt").read_text(encoding="utf-8")
