"""Fixtures for all tests; a deprecation message of transformers fails the test that caused it."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterator

import pytest
from transformers.utils import logging as transformers_logging

from tests.tiny import build
from unsee.models.load import VLM


def pytest_collection_finish() -> None:
    """Sets aside what the imports left, so that no collection of garbage walks over it again.

    Every training run ends with one, which takes a fifth of a second with torch and transformers loaded.
    """
    gc.collect()
    gc.freeze()


class _Deprecations(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if "deprecat" in message.lower():
            self.seen.append(message)


@contextlib.contextmanager
def listen_for_deprecations() -> Iterator[list[str]]:
    """Collect what transformers logs as deprecated; many deprecations are told there and nowhere else."""
    handler = _Deprecations()
    logger = transformers_logging.get_logger("transformers")
    # ``warning_once`` remembers what it said; without forgetting, only the first guilty test would fail.
    getattr(type(logger).warning_once, "cache_clear", lambda: None)()
    logger.addHandler(handler)
    try:
        yield handler.seen
    finally:
        logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def _no_deprecations() -> Iterator[None]:
    with listen_for_deprecations() as messages:
        yield
    assert not messages, f"transformers calls something deprecated: {messages}"


@pytest.fixture(params=("llava", "qwen2_5_vl", "idefics3", "smolvlm"))
def vlm(request: pytest.FixtureRequest) -> VLM:
    """A fresh tiny random model of each family, seed 0."""
    return build(request.param)
