"""Whether the prompts of a protocol fit a model's context, before anything is asked or trained.

Of prompts that differ in the question alone only the longest is built with its pictures: as many rows as
there are ways of asking (set, task, with a picture or by name), however many people are asked about. A row
that a larger picture makes longer still is refused when its turn comes: nothing is ever cut.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from unsee.models.chat import Chat
from unsee.models.raw import encode_raw
from unsee.nouns import UserError
from unsee.suites.mllmu.asks import Ask


def check_context(chat: Chat, asks: Sequence[Ask]) -> None:
    """Refuses, before any work, a protocol whose prompts do not fit the model's context.

    Args:
        chat: The model's chat; without a limit nothing is checked.
        asks: What will be asked.

    Raises:
        UserError: With the longest prompt's tokens, the limit and what to do.
    """
    if chat.context is None or not asks:
        return
    lengths = {ask.id: _tokens(chat, ask) + ask.max_new_tokens for ask in longest(asks)}
    worst = max(lengths, key=lambda key: lengths[key])
    if lengths[worst] > chat.context:
        raise UserError(
            "The prompts of the protocol do not fit the model's context.",
            got=f"{lengths[worst]} tokens with the reply, for {worst}",
            expected=f"at most {chat.context} tokens",
            remedy="take a protocol with fewer examples (release-2503, mmunlearner-1shot), one without "
            "(corrected, mmunlearner-0shot), or a model with a longer context; nothing is cut",
        )


def longest(asks: Sequence[Ask]) -> list[Ask]:
    """One question of each way of asking: that with the most characters, the reply's tokens counted first."""
    found: dict[Hashable, Ask] = {}
    for ask in sorted(asks, key=lambda a: (a.max_new_tokens, len(a.prompt))):
        examples = tuple(picture.hash for picture in ask.pictures[:-1])
        found[ask.set, ask.task, ask.raw, bool(ask.pictures), examples] = ask
    return list(found.values())


def _tokens(chat: Chat, ask: Ask) -> int:
    if ask.raw:
        return len(encode_raw(chat, ask.prompt, ask.pictures, check=False).ids)
    return len(chat.encode(ask.prompt, picture=ask.picture).ids)  # refuses what is longer by itself
