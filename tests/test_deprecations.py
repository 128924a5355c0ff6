from __future__ import annotations

import pytest
from transformers.utils import logging

from tests.conftest import listen_for_deprecations


@pytest.mark.parametrize("way", ["warning", "warning_once"])
@pytest.mark.parametrize(("words", "heard"), [("`x` is deprecated and will go", 1), ("all is well", 0)])
def test_what_transformers_logs_as_deprecated_is_heard(way: str, words: str, heard: int) -> None:
    for _ in range(2):  # the second test that does it must fail as the first
        with listen_for_deprecations() as messages:
            getattr(logging.get_logger("transformers.models.llava"), way)(words)
        assert len(messages) == heard
    # what was said here is meant; keep it from failing this very test
    for handler in logging.get_logger("transformers").handlers:
        getattr(handler, "seen", []).clear()
