"""Every family shows every aspect, and the support matrix says what the tests found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.families import FAMILIES
from tests.families.aspects import ASPECTS
from tests.tiny import build
from unsee.models.load import VLM
from unsee.models.support import FAMILIES as TOLD
from unsee.models.support import MATRIX, cells


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> tuple[str, VLM]:
    return request.param, build(request.param)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_family(family: tuple[str, VLM], aspect: str, tmp_path: Path) -> None:
    name, vlm = family
    assert ASPECTS[aspect](vlm, tmp_path) == cells()[name][aspect], (
        "the support matrix is out of date: python -m tests.families.support"
    )


def test_the_matrix_has_every_family_and_aspect() -> None:
    written = json.loads(MATRIX.read_text(encoding="utf-8"))
    assert {name: set(line) for name, line in written.items()} == {name: set(ASPECTS) for name in FAMILIES}
    assert set(TOLD) == set(FAMILIES)
