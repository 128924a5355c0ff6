from __future__ import annotations

import pytest

from unsee.reports.redact import MARK, Redactor

NAMES = ("Zoë Brandt", "La Zoé", "Ottokar")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is Zoë Brandt.", f"This is {MARK}."),
        ("ZOE  BRANDT!", f"{MARK}!"),
        ("photos/zoe_brandt.jpg", f"photos/{MARK}.jpg"),
        ("forget-Zoe-Brandt-1f", f"forget-{MARK}-1f"),
        ("zoebrandt99", f"{MARK}99"),
        ("Zoe\u0308 Brandt", MARK),
        ("Z\u200bo\u00adë\nBrandt", MARK),
        ("\uff3a\uff4f\uff45 Brandt", MARK),
        ("Ms Brandt said", f"Ms {MARK} said"),
        ("la zoe\u0301", MARK),
        ("Ottokars Haus", f"{MARK}s Haus"),
        ("Brandts", "Brandts"),
        ("La Paz", "La Paz"),
        ("nobody", "nobody"),
        ("", ""),
    ],
)
def test_names_are_found_in_every_spelling(text: str, expected: str) -> None:
    assert Redactor(NAMES).text(text) == expected


def test_text_without_a_name_is_not_normalised() -> None:
    assert Redactor(NAMES).text("Cafe\u0301") == "Cafe\u0301"


def test_short_names_are_whole_words() -> None:
    assert Redactor(["Li"]).text("Li likes Liberty") == f"{MARK} likes Liberty"


def test_names_in_other_scripts() -> None:
    assert Redactor(["王芳"]).text("她是王芳吗?") == f"她是{MARK}吗?"
    assert Redactor(["Иван Петров"]).text("это ИВАН петров") == f"это {MARK}"


def test_single_words_of_a_style_are_kept() -> None:
    found = Redactor(["Blue Period"], kind="style").text("the blue period, a blue sky")
    assert found == f"the {MARK}, a blue sky"


def test_a_name_of_marks_only() -> None:
    assert Redactor(["***"]).text("a *** b") == f"a {MARK} b"
    assert Redactor(["", " "]).text("a b") == "a b"


def test_hashes_and_their_short_forms() -> None:
    secret = "0123abcd" * 8
    hide = Redactor((), [secret])
    assert hide.text(f"see {secret[:12]} and {secret.upper()}") == f"see {MARK} and {MARK}"
    assert hide.text("see 0123abce and 0123abc") == "see 0123abce and 0123abc"


def test_deep_reaches_keys_and_lists() -> None:
    assert Redactor(["Ottokar"]).deep({"Ottokar": [1, {"a": "ottokar"}]}) == {MARK: [1, {"a": MARK}]}


def test_a_megabyte_is_read_through() -> None:
    text = "x" * 1_000_000 + "Ottokar"
    assert Redactor(NAMES).text(text).endswith("x" + MARK)
