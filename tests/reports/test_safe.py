from __future__ import annotations

import pytest

from unsee.reports.safe import clean, markdown, one_line, shorten_text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("\u200f", "⟨U+200F⟩"),
        ("a\rb", "a⟨U+000D⟩b"),
        ("a\r\nb", "a\nb"),
        ("\ud800", "⟨U+D800⟩"),
        ("\ufeff\u200b", "⟨U+FEFF⟩⟨U+200B⟩"),
        ("\x00", "⟨U+0000⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_dangerous_characters_are_made_visible(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown
    assert clean(clean(hostile)) == shown
    clean(hostile).encode("utf-8")


@pytest.mark.parametrize("kept", ["a\tb\nc", "é", "משה", "मनीष", "👩‍🔬", "日本", "<script>"])
def test_ordinary_text_is_not_changed(kept: str) -> None:
    assert clean(kept) == kept


def test_piles_of_marks_are_cut() -> None:
    assert clean("a" + "\u0301" * 500) == "a" + "\u0301" * 4


def test_long_text_is_shortened_and_says_so() -> None:
    text = shorten_text("x" * 1_000_000, 500)
    assert text == "x" * 500 + " … [999,500 more characters]"
    assert shorten_text("abcdef", 4) == "abc…"
    assert shorten_text("abcd", 4) == "abcd"


def test_one_line_has_one_line() -> None:
    assert one_line(" a\n\n b\tc ") == "a b c"


def test_markdown_cannot_open_markup() -> None:
    assert markdown("[x](y) <b> `c` a|b *d*\n# e") == r"\[x\](y) &lt;b\> \`c\` a\|b \*d\* # e"
