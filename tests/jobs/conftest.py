"""One prepared input and one undisturbed run, shared by all tests of the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

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


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread in this process, as in each of the processes of the command: rounding depends on the number.

    For modules that say so (``pytest.mark.usefixtures``). What all modules share is made before it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
