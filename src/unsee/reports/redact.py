"""``--redact``: a report about a forgotten concept that does not itself publish the concept.

Found in spite of case, accents, width, invisible characters, and any punctuation, white space or none between
the words of a name ("jane_roe.jpg", "JANE  ROE"). Names of four or more letters are found inside longer words
too. The single words of a person's name are redacted where they stand as whole words ("Ms Roe"). Letters of
another alphabet that merely look alike are not found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from unsee.metrics.words import STOP_WORDS, fold

MARK = "[redacted]"
_WORD = re.compile(r"[^\W_]+")
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{8,}(?![0-9A-Za-z])")
_NAMED_BY_PARTS = ("person", "character", "animal")


@lru_cache(maxsize=65536)
def _fold_one(character: str) -> str:
    kept = (c for c in fold(character) if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    return "".join(c for c in kept if unicodedata.category(c) != "Cc" or c.isspace())


def _folded(text: str) -> tuple[str, list[int]]:
    """Folded text, and for each of its characters the position it came from."""
    pieces = [_fold_one(c) for c in text]
    places = [i for i, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), places


def _whole(pattern: str) -> str:
    return rf"(?<![^\W_]){pattern}(?![^\W_])"


def _pattern(name: str) -> str:
    """Regular expression over folded text that finds one name."""
    folded = _folded(unicodedata.normalize("NFC", name))[0].strip()
    words = _WORD.findall(folded)
    if not words:
        return re.escape(folded)
    joined = r"[\W_]*".join(re.escape(w) for w in words)
    long = sum(map(len, words)) >= 4 or not joined.isascii()
    return joined if long else _whole(joined)


def _part_patterns(name: str) -> list[str]:
    """Patterns of the single words of a name of several words; none for short or common words."""
    words = _WORD.findall(_folded(unicodedata.normalize("NFC", name))[0])
    if len(words) < 2:
        return []
    return [_whole(re.escape(w)) for w in words if len(w) >= 3 and w not in STOP_WORDS]


class Redactor:
    """Replaces the names and the picture hashes of a concept by ``[redacted]``.

    Args:
        names: Name and aliases; empty strings are ignored. No names and no hashes: nothing is replaced.
        hashes: Picture hashes (hex); shortened forms of eight or more digits are found too.
        kind: Kind of the concept; single words are redacted for persons, characters and animals.
    """

    def __init__(self, names: Iterable[str] = (), hashes: Iterable[str] = (), kind: str = "person") -> None:
        given = [n for n in dict.fromkeys(names) if n.strip()]
        parts = [p for n in given for p in _part_patterns(n)] if kind in _NAMED_BY_PARTS else []
        found = sorted({p for n in given if (p := _pattern(n))}, key=len, reverse=True)
        self._names = re.compile("|".join([*found, *dict.fromkeys(parts)])) if found else None
        self.hashes = frozenset(h.lower() for h in hashes)

    def text(self, text: str) -> str:
        """The text with every name and picture hash of the concept replaced."""
        return self._without_hashes(self._without_names(text))

    def deep(self, value: Any) -> Any:
        """A nested value of mappings, lists and scalars with every string redacted, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.deep(key): self.deep(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.deep(item) for item in value]
        return value

    def _without_names(self, text: str) -> str:
        if self._names is None or not text:
            return text
        composed = unicodedata.normalize("NFC", text)
        folded, places = _folded(composed)
        out, done = [], 0
        for match in self._names.finditer(folded):
            if match.end() == match.start():
                continue
            start, last = places[match.start()], places[match.end() - 1]
            if start < done:
                continue
            end = last + 1
            while end < len(composed) and not _fold_one(composed[end]):
                end += 1
            out += [composed[done:start], MARK]
            done = end
        return text if not out else "".join(out) + composed[done:]

    def _without_hashes(self, text: str) -> str:
        def hide(match: re.Match[str]) -> str:
            seen = match[0].lower()
            hit = any(h.startswith(seen) or seen.startswith(h) for h in self.hashes)
            return MARK if hit else match[0]

        return _HEX.sub(hide, text) if self.hashes else text
