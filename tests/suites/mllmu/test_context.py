"""Prompts that are too long are found before any work, without reading every picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL.Image import Image

from tests.suites.mllmu.people import benchmark
from tests.tiny import build
from unsee.models.load import VLM
from unsee.models.raw import encode_raw
from unsee.nouns import Picture, UserError
from unsee.suites.mllmu.asks import Ask, protocol
from unsee.suites.mllmu.context import check_context, longest
from unsee.suites.mllmu.presets import PRESETS

DATA = benchmark(forget=2, retain=6, real=2, poses=2)


def tokens(vlm: VLM, ask: Ask) -> int:
    """Of one prompt and its reply."""
    if ask.raw:
        return len(encode_raw(vlm.chat, ask.prompt, ask.pictures, check=False).ids) + ask.max_new_tokens
    return len(vlm.chat.encode(ask.prompt, picture=ask.picture).ids) + ask.max_new_tokens


@pytest.mark.parametrize("name", ["release-2411", "paper-arr", "mmunlearner-0shot", "corrected"])
def test_the_longest_of_all_prompts_decides(name: str) -> None:
    """Against the length of every prompt, one by one."""
    vlm, preset = build("llava"), PRESETS[name]
    vlm.chat.context = None
    asks = protocol(DATA, preset, "llava").asks
    most = max(tokens(vlm, ask) for ask in asks)
    vlm.chat.context = most
    check_context(vlm.chat, asks)
    vlm.chat.context = most - 1
    with pytest.raises(UserError) as refused:
        check_context(vlm.chat, asks)
    told = str(refused.value)
    assert "do not fit" in told
    assert f"{most} tokens with the reply, for " in told
    assert f"at most {most - 1} tokens" in told
    assert "corrected, mmunlearner-0shot" in told


def test_without_a_limit_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = build("llava")
    vlm.chat.context = None
    monkeypatch.setattr(vlm.chat, "encode", lambda *args, **more: pytest.fail("looked"))
    check_context(vlm.chat, protocol(DATA, PRESETS["corrected"], "llava").asks)


def test_few_pictures_are_read() -> None:
    """As many rows as there are ways of asking, although there are many more questions."""
    seen: Counter[str] = Counter()

    def counting(picture: Picture) -> Callable[[], Image]:
        def read() -> Image:
            seen[picture.hash] += 1
            return picture.read()

        return read

    many = benchmark(forget=2, retain=30, real=2, poses=2)
    asks = [
        replace(a, pictures=tuple(replace(p, read=counting(p)) for p in a.pictures))
        for a in protocol(many, PRESETS["release-2411"], "llava", sets=["retain"]).asks
    ]
    vlm = build("llava")
    vlm.chat.context = 100_000
    check_context(vlm.chat, asks)
    assert len({p.hash for a in asks for p in a.pictures}) >= 30
    assert len(longest(asks)) == 6  # three tasks, with a picture and by name
    assert 0 < len(seen) <= 3 * 3  # of each task with pictures two examples and the one asked about
