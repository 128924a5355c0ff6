"""Which rows a job makes for a method and for its probe."""

from pathlib import Path

import pytest

from tests.jobs.make import prepare
from tests.tiny import build
from unsee.config import resolve
from unsee.jobs.data import mixture_of, probe_examples
from unsee.jobs.inputs import Request, check
from unsee.methods.registry import get
from unsee.nouns import Example
from unsee.packs.cost import Cost


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return prepare(tmp_path_factory.mktemp("given"))


def request_for(given: dict[str, object], folder: Path, *sets: str) -> Request:
    return check(resolve(given, sets=(*sets, f"out={folder / 'run'}")))


def test_the_configuration_says_how_many_rows(given: dict[str, object], tmp_path: Path) -> None:
    sets = ("data.alternatives=3", "data.mismatches=5", "data.decoupled=4", "data.looks=2", "data.anchors=6")
    mixture = mixture_of(request_for(given, tmp_path, *sets).config)
    assert (mixture.alternatives, mixture.mismatches, mixture.decoupled) == (3, 5, 4)
    assert (mixture.looks, mixture.anchors) == (2, 6)
    assert mixture_of(request_for(given, tmp_path).config).decoupled is None


@pytest.mark.parametrize(
    ("method", "kept", "sets", "roles"),
    [
        ("siu", "T3", (), {"original"}),
        ("grad_diff", "anchor", (), set()),
        ("ga", "", (), {"T3", "anchor"}),
        ("pava", "anchor", (), set()),
        ("pava", "", (), {"T3"}),
        ("ga", "", ("training.probe_every=0",), set()),
        ("manu", "", (), set()),
    ],
)
def test_a_probe_has_rows_of_both_sides(
    given: dict[str, object], tmp_path: Path, method: str, kept: str, sets: tuple[str, ...], roles: set[str]
) -> None:
    request, cost = request_for(given, tmp_path, *sets), Cost()
    own = [Example("original-0", "Who?", "Jane Roe.", "original")]
    own += [Example(f"{kept}-0", "What?", "A wall.", kept)] if kept else []
    found = {row.role for row in probe_examples(request, build("llava"), get(method), own, cost)}
    assert found == roles
    assert (cost.forwards > 0) == bool(roles - {"original"})
