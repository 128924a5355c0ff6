"""Small judgements about texts that training rows need: does it name somebody, is it an answer at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

LONGEST_LOOK = 30  # words
PREAMBLE = re.compile(
    r"^(?:in (?:the|this) (?:picture|image|photo)\W+)?(?:the|this|it|he|she)\b[\w\s']{0,60}?"
    r"\b(?:has|have|with|is|are|appears to be|looks like|shows|features)\s+",
    re.IGNORECASE,
)


class Filled(NamedTuple):
    """A template with its values, and where one of the values stands: [start, end) characters."""

    text: str
    spans: tuple[tuple[int, int], ...]


def fill(template: str, values: Mapping[str, str], mark: str = "") -> Filled:
    """Puts values into ``{key}`` places; braces inside the values mean nothing.

    Args:
        template: Text with places such as ``{name}``; a place without a value is an error.
        values: Text for each key.
        mark: Key whose places are returned as spans.
    """
    text, spans = "", []
    for i, part in enumerate(re.split(r"\{(\w+)\}", template)):
        value = part if i % 2 == 0 else values[part]
        if i % 2 and part == mark:
            spans.append((len(text), len(text) + len(value)))
        text += value
    return Filled(text, tuple(spans))


def fold(text: str) -> str:
    """Lower case without accents, single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def mentions(text: str, names: Iterable[str]) -> bool:
    """True when the text holds one of the names as whole words, whatever its case and accents."""
    folded = fold(text)
    wanted = [fold(name) for name in names]
    return any(name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded) for name in wanted)


def hints_at(text: str, words: Iterable[str]) -> bool:
    """True when the text holds one of the words, or one of five letters or more but for its first or last."""
    folded, wanted = fold(text), [fold(word) for word in words]
    parts = [part for word in wanted if len(word) > 4 for part in (word[1:], word[:-1])]
    return mentions(text, wanted) or any(part in folded for part in parts)


def name_words(names: Iterable[str]) -> set[str]:
    """The folded words of all names that have three letters or more."""
    return {word for name in names for word in re.findall(r"\w+", fold(name)) if len(word) > 2}


def mentions_part(text: str, names: Sequence[str]) -> bool:
    """True when the text holds a name or one of its words of three letters or more."""
    return mentions(text, names) or mentions(text, name_words(names))


def first_word(text: str) -> str:
    """The folded first word; empty when there is none."""
    words = re.findall(r"\w+", fold(text))
    return words[0] if words else ""


def is_refusal(text: str, marks: Sequence[str]) -> bool:
    """True when the text holds one of the marks by which refusals are known."""
    folded = fold(text).replace("’", "'")
    return any(fold(mark) in folded for mark in marks)


def is_degenerate(text: str) -> bool:
    """True for text that is no answer: nothing but signs, or the same words over and over."""
    words = re.findall(r"\w+", text.casefold())
    if not words or not any(c.isalpha() for c in text):
        return True
    repeated = len(words) >= 8 and len(set(words)) / len(words) < 0.34
    return repeated or re.search(r"(.)\1{9}", text) is not None


def tidy_look(text: str, names: Sequence[str], instead: str) -> str:
    """A description as a phrase: first sentence, no preamble, no name of the concept, no full stop."""
    sentence = re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0].rstrip(" .!?")
    sentence = PREAMBLE.sub("", sentence, count=1)
    words = sentence.split()[:LONGEST_LOOK]
    phrase = " ".join(words)
    for name in sorted(names, key=len, reverse=True):
        phrase = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, phrase, flags=re.IGNORECASE)
    if words and not (len(words[0]) > 1 and words[0].isupper()):
        phrase = phrase[:1].lower() + phrase[1:]
    return phrase


def named_by(text: str, templates: Sequence[str]) -> str:
    """The name that an answer made from one of the ``{name}`` templates gives; empty when none fits."""
    for template in templates:
        before, _, after = template.partition("{name}")
        pattern = rf"^\s*{re.escape(before)}(.+?){re.escape(after.rstrip(' .'))}[\s.]*$"
        match = re.match(pattern, text.strip(), flags=re.IGNORECASE)
        if match:
            return match.group(1).strip()
    return ""
