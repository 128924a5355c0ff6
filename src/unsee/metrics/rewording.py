"""The same reply in other words, by fixed rules: for asking whether a judge grades words or what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

SWAPS: Mapping[str, str] = MappingProxyType(
    {
        "this is": "the picture shows",
        "the picture shows": "this is",
        "it is": "that would be",
        "that is": "it is",
        "i do not know": "i have no idea",
        "i don't know": "i have no idea",
        "i am not sure": "i am uncertain",
        "i cannot tell": "i am not able to tell",
        "yes": "yes indeed",
        "man": "gentleman",
        "woman": "lady",
        "boy": "young man",
        "girl": "young woman",
        "picture": "image",
        "image": "picture",
        "drawing": "sketch",
        "animal": "creature",
        "logo": "emblem",
        "wears": "has on",
        "wearing": "dressed in",
        "works as": "earns a living as",
        "lives in": "has a home in",
        "was born in": "comes from",
        "likes": "is fond of",
    }
)
"""English phrases that can stand for each other in a reply; nothing that is a name."""
_PHRASES = sorted(SWAPS, key=len, reverse=True)


def reworded(reply: str, names: Sequence[str] = ()) -> str | None:
    """The reply with every phrase of ``SWAPS`` replaced; None where there is none.

    Args:
        reply: English.
        names: Parts that stay as they are.
    """
    kept = [re.escape(name) for name in sorted(names, key=len, reverse=True) if name]
    phrases = "|".join(re.escape(phrase) for phrase in _PHRASES)
    found = re.sub(
        rf"(?P<kept>{'|'.join(kept) or '(?!)'})|\b(?P<phrase>{phrases})\b", _other, reply, flags=re.IGNORECASE
    )
    return None if found == reply else found


def _other(match: re.Match[str]) -> str:
    if match["phrase"] is None:
        return match[0]
    made = SWAPS[match[0].lower()]
    return made[0].upper() + made[1:] if match[0][0].isupper() else made
