"""One prepared input and one undisturbed run, shared by all tests of the session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.make import prepare
from unsee.config import resolve
from unsee.jobs.forget import forget
from unsee.jobs.outcome import Outcome


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Configuration values for a tiny random model and pictures on disk."""
    return prepare(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def finished(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """An undisturbed run."""
    out: Path = tmp_path_factory.mktemp("runs") / "undisturbed"
    return forget(resolve({**given, "out": str(out)}))
