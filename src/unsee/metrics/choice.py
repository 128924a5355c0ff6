"""Choice questions: by likelihood of the options, or by reading the letter or the option out of a reply."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unsee.metrics.mentions import affirms
from unsee.metrics.words import words
from unsee.nouns import Question

_LETTERS = "ABCDEFGHIJ"
_MARKED = (
    r"\(([{0}])\)|(?:[Aa]nswer|[Oo]ption|[Cc]hoice)(?: is|:)?\s*\(?([{0}])\b|"
    r"^\s*([{0}])\s*(?:[.):,]|$)|(?:\s|^)([{0}])\s*[.]?\s*$"
)
_SEVERAL = r"\b[{0}]\)? (?:or|and) \(?[{0}]\b"


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """The option a reply chooses, or None when it chooses none or several.

    A marked letter counts ("B", "B.", "(B)", "The answer is B", "As I see, B"); a capital that merely starts
    a sentence does not ("As I see ..." is not A). Without a marked letter, the one option whose words the
    reply affirms; an option contained in a longer affirmed option ("red" in "dark red") does not compete with
    it.
    """
    letters = _LETTERS[: len(options)]
    if not letters or re.search(_SEVERAL.format(letters), text):
        return None
    marked = [next(g for g in m.groups() if g) for m in re.finditer(_MARKED.format(letters), text.strip())]
    if len(set(marked)) == 1:
        return letters.index(marked[0])
    if marked:
        return None
    said = [i for i, option in enumerate(options) if words(option) and affirms(text, option)]
    longest = [i for i in said if not any(_inside(options[i], options[j]) for j in said if j != i)]
    return longest[0] if len(longest) == 1 else None


def _inside(short: str, long: str) -> bool:
    return len(words(short)) < len(words(long)) and affirms(long, short)


def right_option(question: Question) -> int | None:
    """Index of the right option: equal (folded) to a keyword or the answer, or given by its letter."""
    right = {words(t) for t in (*question.keywords, question.answer) if words(t)}
    for i, option in enumerate(question.options):
        if words(option) in right:
            return i
    letter = {r[0].upper() for r in right if len(r) == 1 and len(r[0]) == 1}
    hits = [i for i in range(min(len(question.options), len(_LETTERS))) if _LETTERS[i] in letter]
    return hits[0] if hits else None


def same_option(question: Question, picked: int) -> bool:
    """True when option ``picked`` is the right one."""
    return right_option(question) == picked
