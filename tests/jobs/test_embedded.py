"""The job on a concept of the embedded world, with a tiny random model in the place of the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unsee.config import resolve
from unsee.jobs import embedded
from unsee.jobs.forget import forget
from unsee.jobs.lines import read_lines
from unsee.jobs.train import train
from unsee.nouns import UserError


def test_without_arguments_the_default_concept_is_forgotten(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "model_path", lambda stage: Path(given["model"]))
    monkeypatch.setattr(embedded, "gold_path", lambda concept, seed: Path(given["model"]))
    values = {"preset": "tiny", "out": str(tmp_path / "run"), "force": True}
    outcome = forget(resolve(values, sets=["evaluation.limit=1", "data.mixture=1,1,1,1", "data.anchors=4"]))
    assert list(outcome.results["models"]) == ["target", "blind", "unlearned", "gold"]
    assert outcome.results["concept"]["id"] == embedded.request("", "base", "anchors").concept.id
    # The gold model is the target here, so both say the same, and its distance from the target is nought.
    assert outcome.results["models"]["gold"]["c_dis"]["value"] == 0
    target, gold = (outcome.results["models"][model] for model in ("target", "gold"))
    for metric in ("naming_rate", "fluency_ppl", "degenerate_rate"):
        assert gold[metric]["value"] == pytest.approx(target[metric]["value"], rel=1e-5)
    rows = read_lines(outcome.folder / "examples.jsonl")
    assert len({row["picture"] for row in rows if row["role"] in ("T1", "T2")}) == 1


def test_a_missing_checkpoint_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from unsee.world import shipped

    monkeypatch.setattr(shipped, "MODELS", tmp_path)
    with pytest.raises(UserError, match="not part of this installation"):
        embedded.model_path("base")


def test_unknown_stage_and_concept(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no such stage"):
        embedded.model_path("bas")
    monkeypatch.setattr(embedded, "model_path", lambda stage: Path(given["model"]))
    with pytest.raises(UserError, match="does not know this concept"):
        forget(resolve({}, sets=["world.concept=celebrity-99"]))


def test_concepts_are_listed_public_ones_first() -> None:
    listed = list(embedded.concepts())
    assert listed[0] == "celebrity-00"
    assert listed.index("private-000") > listed.index("celebrity-29")


@pytest.mark.parametrize(
    ("what", "concept", "hint"),
    [
        ("word", "", "world or target or gold"),
        ("gold", "celebrity-0", "celebrity-00"),
        ("gold", "celebrity-00", "train world"),
    ],
)
def test_training_refuses_what_it_cannot_do(what: str, concept: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        train(what, tmp_path / "out", concept=concept)
    assert hint in str(caught.value)
    assert not (tmp_path / "out").exists()
