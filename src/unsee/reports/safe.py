"""Hostile text made harmless: replies, names and file contents before they are shown anywhere.

Model output may hold terminal escapes, direction marks that reorder a line, invisible characters or a
megabyte of one letter. ``clean`` makes such characters visible, ``shorten_text`` bounds the length. HTML
escaping is left to Jinja2 (autoescape); rich markup never sees these strings (they go in as ``Text``).
"""

from __future__ import annotations

import re

LIMIT = 2000
_MARKS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1: terminal escapes live here
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # invisible, direction, surrogates, non-characters
    "\U000e0000-\U000e007f"  # tag characters
    "]"
)
_STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~>])")


def _visible(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"


def clean(text: object) -> str:
    """The text with control, direction, invisible and surrogate characters shown as ``⟨U+202E⟩``.

    Tab and line feed stay; a carriage return before a line feed is dropped; piles of more than four combining
    marks are cut. The result encodes as UTF-8. Cleaning twice changes nothing.
    """
    unified = str(text).replace("\r\n", "\n")
    return _STACKED.sub(r"\1", _MARKS.sub(_visible, unified))


def shorten_text(text: str, limit: int = LIMIT) -> str:
    """At most ``limit`` characters, then "…"; from a limit of 100 on also how many were left out."""
    left_out = len(text) - limit
    if left_out <= 0:
        return text
    return (
        f"{text[:limit].rstrip()} … [{left_out:,} more characters]"
        if limit >= 100
        else f"{text[: limit - 1]}…"
    )


def one_line(text: object, limit: int = LIMIT) -> str:
    """Cleaned, white space collapsed to single spaces, shortened."""
    return shorten_text(" ".join(clean(text).split()), limit)


def markdown(text: object, limit: int = LIMIT) -> str:
    """One line of Markdown text that can neither open markup nor HTML: for the model card."""
    plain = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN.sub(r"\\\1", plain)
