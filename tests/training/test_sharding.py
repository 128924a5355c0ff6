"""Which trainings can be split over processes (FSDP2), and who decides; the trainings: test_processes.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tiny import build
from tests.training.courses import COURSES
from unsee.methods.registry import get
from unsee.nouns import UserError
from unsee.training import sharding
from unsee.training.sharding import check_shards


def test_what_cannot_be_split_is_refused() -> None:
    vlm = build("llava")
    check_shards(vlm, get("siu"), gated=False)
    check_shards(vlm, get("ga", {"variant": "released_code"}), gated=False)
    with pytest.raises(UserError, match="chosen entries"):
        check_shards(vlm, get("siu"), gated=True)
    with pytest.raises(UserError, match="at every position"):
        check_shards(vlm, get("ga_kl", {"variant": "released_code"}), gated=False)
    vlm.base.is_loaded_in_4bit = True
    with pytest.raises(UserError, match="4 bits"):
        check_shards(vlm, get("siu"), gated=False)


@pytest.mark.parametrize(
    ("processes", "set_", "launched", "expected"),
    [(1, True, "true", False), (2, None, "true", True), (2, None, "", False), (2, False, "true", False)],
)
def test_the_launcher_or_the_setting_decides(
    monkeypatch: pytest.MonkeyPatch, processes: int, set_: bool | None, launched: str, expected: bool
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", launched)
    monkeypatch.setattr(sharding, "count", lambda: processes)
    assert sharding.is_sharded(replace(COURSES["siu"][1], shard=set_)) is expected
