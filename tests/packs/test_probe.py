"""Families that nobody has looked at: tried out, then used with what was found, or refused."""

from __future__ import annotations

import pytest
import torch

from tests.tiny import build, picture
from unsee.answering import answer
from unsee.models.load import VLM
from unsee.nouns import Question, UserError
from unsee.packs import families
from unsee.packs.families import KNOWN, layout_of


def unknown(family: str, monkeypatch: pytest.MonkeyPatch) -> VLM:
    """A tiny model whose family is taken out of the list."""
    vlm = build(family)
    monkeypatch.delitem(KNOWN, vlm.base.config.model_type)
    return vlm


@pytest.mark.parametrize(
    ("family", "form", "two_way"),
    [
        ("llava", "pack", ""),
        ("qwen2_vl", "pack", ""),
        ("idefics2", "pack", ""),
        ("gemma3", "pack", "images"),
        ("paligemma", "prompt", "prompt"),
    ],
)
def test_what_is_found_is_what_is_known(
    family: str, form: str, two_way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = layout_of(build(family))
    vlm = unknown(family, monkeypatch)
    found = layout_of(vlm)
    assert (found.form, found.two_way, found.inferred) == (form, two_way, True)
    assert (known.form, known.two_way, known.inferred) == (form, two_way, False)
    assert layout_of(vlm) is layout_of(vlm) or found.window is not None


def test_a_model_that_looks_ahead_is_refused_with_what_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that adds the mean of all its tokens fits no rung."""
    vlm = unknown("llava", monkeypatch)
    layer = vlm.base.get_submodule(vlm.roles.layers)[0]
    layer.register_forward_hook(lambda module, inputs, output: output + output.mean(dim=1, keepdim=True))
    with pytest.raises(UserError, match="what was tried does not fit") as error:
        answer(vlm, [Question("0", "Who?", "open", picture(1))])
    assert "of their spread" in error.value.got
    assert all(f"{rung}: " in error.value.got for rung in ("pack", "prefix", "rows"))
    assert vlm.base not in families._found


def test_the_probe_leaves_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = unknown("llava", monkeypatch)
    vlm.model.train()
    before = {name: weight.clone() for name, weight in vlm.model.state_dict().items()}
    layout_of(vlm)
    assert vlm.model.training
    assert all(torch.equal(weight, before[name]) for name, weight in vlm.model.state_dict().items())
