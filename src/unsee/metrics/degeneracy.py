"""Is a reply language at all? A fixed, documented rule, so that collapse is never read as forgetting.

A reply is *empty* when nothing visible is left of it. It is *gibberish* when one of these holds:

1. no letter and no digit ("!!!!", "...");
2. one character eight or more times in a row ("aaaaaaaa");
3. one word four or more times in a row, or a phrase of 2-8 words four or more times in a row;
4. at least 16 words of which less than a quarter are different;
5. at least six words of which more than half are single letters of a spaced script ("e a e t n o");
6. more than half of the characters are symbols, or one in ten is the Unicode replacement character;
7. at least two non-words and more than half of all words non-words, where a non-word is a Latin word of four
   or more letters without a vowel, with six consonants or five vowels in a row, or of more than 30 letters,
   or mixes letters and digits beyond an ordinal ("a7fk2").

Fluent nonsense ("colourless green ideas") passes: perplexity under the frozen target is there for that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from unsee.metrics.words import words

_SAME_CHARACTER = re.compile(r"(\S)\1{7,}")
_LATIN = re.compile(r"[a-z]+\Z")
_ODD = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}|[aeiou]{5}")
_MIXED = re.compile(r"(?=.*[a-z])(?=.*\d)[a-z0-9]+\Z")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s|am|pm|km|cm|mm|m|kg|g|x|d)\Z|[a-z]\d{1,3}\Z")


def is_empty(text: str) -> bool:
    """True when no visible character is left (spaces, control and format characters are invisible)."""
    return all(c.isspace() or unicodedata.category(c)[0] in "CZ" for c in text)


def _loops(said: Sequence[str], times: int = 4, longest: int = 8) -> bool:
    """True when a phrase of 1..longest words occurs ``times`` times in a row."""
    for period in range(1, longest + 1):
        run = 0
        for i in range(period, len(said)):
            run = run + 1 if said[i] == said[i - period] else 0
            if run >= period * (times - 1):
                return True
    return False


def _is_non_word(word: str) -> bool:
    if _LATIN.match(word):
        return len(word) > 30 or (
            len(word) >= 4 and (not set(word) & set("aeiouy") or bool(_ODD.search(word)))
        )
    return bool(_MIXED.match(word)) and not _ORDINAL.match(word)


def _symbol_heavy(text: str) -> bool:
    seen = [c for c in text if not c.isspace()]
    odd = sum(unicodedata.category(c)[0] in "SPC" for c in seen)
    return 2 * odd > len(seen) or 10 * text.count("\ufffd") >= len(seen)


def is_gibberish(text: str) -> bool:
    """True when the text is not empty and one of the seven rules of the module text holds."""
    if is_empty(text):
        return False
    said = words(text)
    if not said or _SAME_CHARACTER.search(text) or _loops(said) or _symbol_heavy(text):
        return True
    if len(said) >= 16 and 4 * len(set(said)) < len(said):
        return True
    single = sum(len(w) == 1 and "a" <= w <= "z" for w in said)
    if len(said) >= 6 and 2 * single > len(said):
        return True
    odd = sum(map(_is_non_word, said))
    return odd >= 2 and 2 * odd > len(said)


def degenerate(text: str) -> bool:
    """True when the reply is empty or gibberish."""
    return is_empty(text) or is_gibberish(text)
