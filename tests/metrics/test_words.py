import pytest

from unsee.metrics.words import clauses, content_words, find, fold, has_words, words


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("She has brown eyes.", "yes", False),
        ("YES!", " yes ", True),
        ("a party", "art", False),
        ("Renée Müller-Łoś", "renee muller los", True),
        ("STRASSE", "Straße", True),
        ("Weiss is here", "Weiß", True),
        ("İstanbul", "istanbul", True),
        ("這是珍妮·羅伊的照片", "珍妮·羅伊", True),
        ("这是李小龙。", "李小龙", True),
        ("这是李小龙。", "李大龙", False),
        ("これはジェーン・ロウです", "ジェーン・ロウ", True),
        ("これはジョンソンです", "ジョン", False),
        ("제인 로는 배우입니다", "제인 로", True),
        ("Это Джейн Роу.", "джейн роу", True),
        ("Ja\u200bne Roe", "Jane Roe", True),
        ("ｊａｎｅ　ｒｏｅ", "Jane Roe", True),
        ("anything", "", False),
        ("anything", "...", False),
        ("", "x", False),
    ],
)
def test_whole_words_in_any_script(text: str, phrase: str, found: bool) -> None:
    assert has_words(text, phrase) is found


def test_marks_that_carry_meaning_are_kept() -> None:
    assert fold("が") != fold("か")
    assert words("हिन्दी") == ("हिन्दी",)


def test_contractions_become_not() -> None:
    assert words("It isn't, I can't, I cannot") == ("it", "is", "not", "i", "ca", "not", "i", "can", "not")


def test_clauses_and_content() -> None:
    assert clauses("No, it is. ") == [("no",), ("it", "is")]
    assert content_words("She is a famous doctor", ignore=("famous",)) == ("doctor",)


def test_find_is_contiguous() -> None:
    assert find(("a", "b"), ("a", "b", "x", "a", "b")) == [0, 3]
    assert find((), ("a",)) == []
