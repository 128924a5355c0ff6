"""Words of a text in any script, folded so that spelling variants compare equal.

Folding: Unicode NFKC, case folding, Latin/Greek/Cyrillic accents and Hebrew/Arabic vowel points removed, a
few letters without a decomposition spelt out (o with stroke is o, ae ligature is ae), invisible format
characters removed. Japanese voicing marks and Indic vowel signs carry meaning and stay.

Words: runs of letters and digits. Han, Hiragana, Hangul, Thai, Lao, Khmer and Burmese characters are one word
each, since those scripts set no spaces (or glue particles to names); a Katakana run is one word, because
Katakana spells whole foreign names and a shorter name inside a longer one is another name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_SPELT_OUT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "æ": "ae", "œ": "oe"}
)
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_ONE_EACH = (
    "\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
    "\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\U00020000-\U0003ffff"
)
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_WORD = re.compile(
    rf"[{_KATAKANA}]+|[{_ONE_EACH}]|(?:[^\W_{_KATAKANA}{_ONE_EACH}]|[\u0900-\u0963\u0966-\u0dff])+"
)
_NOT = re.compile(r"n['\u2019]t\b|(?<=\bcan)not\b")


def word_set(text: str) -> frozenset[str]:
    """The words of a space-separated list."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    "a an the this that these those it its he she they them his her their him i you we my your our is are "
    "was were be been being am do does did has have had of in on at to for from by with and or as who what "
    "which where when how there here person man woman people picture image photo shown shows"
)


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """The text with case, accents, width and invisible characters folded away (see the module text)."""
    lowered = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold().translate(_SPELT_OUT)
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", lowered))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The folded words of a text, in order; punctuation and underscores separate, "isn't" is "is", "not"."""
    return tuple(_WORD.findall(_NOT.sub(" not", fold(text))))


def clauses(
    text: str, breaks: str = r"[.,;:!?\n()\u3002\uff0c\uff1b\u3001\"\u201c\u201d]"
) -> list[tuple[str, ...]]:
    """The folded words of a text, cut at punctuation. A clause without words is left out."""
    spread = _NOT.sub(" not", fold(text))
    return [found for part in re.split(breaks, spread) if (found := tuple(_WORD.findall(part)))]


def find(needle: Sequence[str], haystack: Sequence[str]) -> list[int]:
    """Every start at which ``needle`` occurs in ``haystack`` as a run; none for an empty needle."""
    size = len(needle)
    if size == 0:
        return []
    wanted = tuple(needle)
    last = len(haystack) - size + 1
    return [i for i in range(last) if haystack[i] == wanted[0] and tuple(haystack[i : i + size]) == wanted]


def has_words(text: str, phrase: str) -> bool:
    """True when the words of ``phrase`` occur in ``text`` as whole words, next to each other."""
    return bool(find(words(phrase), words(text)))


def content_words(text: str, ignore: Sequence[str] = ()) -> tuple[str, ...]:
    """Words of a text without English function words and without those in ``ignore`` (already folded)."""
    skip = STOP_WORDS.union(ignore)
    return tuple(w for w in words(text) if w not in skip)
