"""Small stand-ins for what is slow to make: a processor of little text, pictures that are not drawn."""

from __future__ import annotations

from functools import partial

import pytest
from transformers import LlavaProcessor

from unsee.nouns import Picture, hash_text
from unsee.world import asking, suite, tokenizer
from unsee.world.gallery import View


@pytest.fixture(scope="session")
def small_processor() -> LlavaProcessor:
    """The world's processor, its tokenizer learned from little text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "corpus", partial(tokenizer.corpus, sentences=1000))
        return tokenizer.build_processor()


def not_drawn(view: View) -> Picture:
    """A picture that is as unique as its view, and has no pixels."""
    return Picture(hash=hash_text(repr(view)), read=lambda: pytest.fail("nothing was drawn"))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions are made without drawing their pictures."""
    monkeypatch.setattr(asking, "picture_of", not_drawn)
    monkeypatch.setattr(suite, "picture_of", not_drawn)
