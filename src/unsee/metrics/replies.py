"""The status of a reply: correct, incorrect, refusal, gibberish or empty.

The order of the tests matters and is the same for every question: empty, gibberish, then (for strangers)
whether the refusal that is right was given, then correct, then refusal, then incorrect. So a reply that is
not language is never correct, and "I am not sure, but it is Paris" is correct where Paris is right.
A reply that cannot be read as an answer is *incorrect* or *refusal*, never success: nothing here counts a
parser's failure as forgetting (that is decided by ``names_concept``, which needs a reply that is language).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unsee.metrics.choice import parse_choice, same_option
from unsee.metrics.degeneracy import degenerate, is_empty, is_gibberish
from unsee.metrics.mentions import affirms, mentions_part, names_concept
from unsee.metrics.words import clauses, content_words, fold, word_set, words
from unsee.nouns import Question, Status

__all__ = [
    "REFUSALS",
    "degenerate",
    "is_correct",
    "is_refusal",
    "mentions_part",
    "names_concept",
    "offers_guess",
    "status_of",
    "yes_or_no",
]

_VERB = (
    r"(?:\w+ ){0,2}(?:know|recogni[sz]e|identify|say|tell|answer|determine|help|provide|comment|name|see|"
    r"recall|find|disclose|assist)\b"
)
_APOSTROPHE = "['\u2019]"
REFUSALS: tuple[str, ...] = (
    # English
    rf"\b(?:do|can|could|will|would)(?: not|n{_APOSTROPHE}?t) {_VERB}",
    rf"\bcan(?:not|{_APOSTROPHE}t) (?:be sure\b|{_VERB})",
    rf"\b(?:am|{_APOSTROPHE}m|is|are)(?: not|n{_APOSTROPHE}t) (?:\w+ )?"
    r"(?:sure|certain|familiar|allowed|aware)\b",
    rf"\b(?:unable|unwilling|not able) to {_VERB}",
    rf"\b(?:i have|there is|i{_APOSTROPHE}ve) no (?:idea|information|knowledge|way)\b",
    rf"\b(?:do not|does not|don{_APOSTROPHE}t) have (?:\w+ )?(?:information|knowledge|access)\b",
    r"\bi refuse\b|\bno idea\b|\bnot something i know\b|\b(?:is|are) unknown to me\b",
    # basic forms of other languages
    r"\bno (?:lo |la |le )?(?:se\b|conozco|puedo|reconozco)",
    r"\bne (?:sais|connais|peux|reconnais) pas\b|\bn['\u2019]ai aucune idee\b",
    r"\b(?:weiss|kenne|erkenne) (?:\w+ ){0,3}nicht\b|\bkann (?:\w+ ){0,4}nicht\b|\bkeine ahnung\b",
    r"\bnao (?:sei|conheco|posso|reconheco)\b|\bnon (?:lo |la )?(?:so|conosco|posso|riconosco)\b",
    r"\bне (?:знаю|могу|узнаю)\b",
    r"不知道|无法|無法|不认识|不認識|不清楚",
    r"わかりません|分かりません|知りません|できません|わからない",
)
"""Patterns of a refusal, matched against the folded text (no accents, no capitals)."""

_YES = word_set("yes yeah yep yup correct true affirmative")
_EMPHATIC = word_set("certainly definitely absolutely indeed sure exactly")
_NO = word_set("no nope incorrect false negative")
_NEGATIONS = word_set("not never nobody none neither")
_MORE_YES = {"es": "si", "pt": "sim", "it": "si", "fr": "oui", "de": "ja", "ru": "да", "zh": "是 对"}
_MORE_NO = {"fr": "non pas", "de": "nein nicht", "ru": "нет не", "zh": "不 否 没", "pt": "nao", "it": "non"}
_NOT_DECISIVE = re.compile(
    r"\b(?:no|without a|without) (?:doubt|question)\b|\bnot only\b|\bnone other than\b"
)
_GUESS = re.compile(
    r"\b(?:might|may|could|must) be\b|\blooks? like\b|\bresembles?\b|\bmaybe\b|\bperhaps\b|\bprobably\b|"
    r"\bi (?:think|guess|believe)\b|\bbut (?:this|it|he|she|that)(?: is|['\u2019]s)\b",
    re.IGNORECASE,
)


def is_refusal(text: str, patterns: Sequence[str] = REFUSALS) -> bool:
    """True when the reply declines or says it does not know; ``patterns`` are regular expressions."""
    plain = " ".join(fold(text).split())
    return any(re.search(p, plain) for p in patterns)


def offers_guess(text: str) -> bool:
    """True when a word with a capital follows "might be", "looks like", "but this is", ... (a guess)."""
    found = _GUESS.search(text)
    return found is not None and any(
        w[0].isupper() and w != "I" for w in re.findall(r"[^\W\d_]+", text[found.end() :])
    )


def yes_or_no(text: str, prompt: str = "", language: str = "en") -> bool | None:
    """The verdict of a reply by its first decisive word: True yes, False no, None undecided.

    In the first sentence negations ("not", "never") decide as well, so "It is not her" is no; in later
    sentences, which may describe anything, and in refusals ("I do not know"), only yes and no themselves do.
    An emphatic word ("certainly") decides only as the first word and not before "not". A reply without any
    decisive word that merely repeats words of the question ("Is this Jane Roe?" - "This is Jane Roe.") is a
    yes. English words always count; those of ``language`` (ISO 639-1) count too.
    """
    plain = _NOT_DECISIVE.sub(" ", fold(text).replace("that's right", "yes"))
    if language == "ja":
        plain = plain.replace("いいえ", " no ").replace("はい", " yes ")
    sentences = clauses(plain, r"[.;!?\n\u3002\uff1b\uff01\uff1f]")
    unsure = is_refusal(text)
    for number, sentence in enumerate(sentences):
        verdict = _decides(sentence, language, first=number == 0 and not unsure)
        if verdict is not None:
            return verdict
    said = words(plain)
    return True if not unsure and len(said) > 1 and set(said) <= set(words(prompt)) else None


def _decides(sentence: Sequence[str], language: str, first: bool) -> bool | None:
    yes = _YES.union(_MORE_YES.get(language, "").split())
    no = _NO.union(_MORE_NO.get(language, "").split())
    for i, word in enumerate(sentence):
        if word in no or (first and word in _NEGATIONS):
            return False
        emphatic = first and i == 0 and word in _EMPHATIC and sentence[1:2] != ("not",)
        if emphatic or word in yes:
            return True
    return None


def _matches_answer(question: Question, text: str) -> bool:
    """No keywords, but a reference answer: at least half of its new content words are affirmed."""
    wanted = content_words(question.answer, ignore=words(question.prompt)) or content_words(question.answer)
    return bool(wanted) and 2 * sum(affirms(text, w) for w in wanted) >= len(wanted)


def _correct_choice(question: Question, text: str) -> bool:
    picked = parse_choice(text, question.options)
    return picked is not None and same_option(question, picked)


def is_correct(question: Question, text: str) -> bool:
    """True when the reply is right by the question's rule; without a rule nothing is right.

    yes_no: the verdict equals the keyword. choice: the option read from the reply equals the keyword or
    answer. Otherwise one keyword occurs as whole words and not under a negation; without keywords, half of
    the content words of the reference answer do.
    """
    if degenerate(text):
        return False
    if question.refusal_is_correct:
        return is_refusal(text) and not offers_guess(text)
    keywords = [k for k in question.keywords if words(k)]
    if question.kind == "yes_no":
        verdict = yes_or_no(text, question.prompt, question.language)
        wanted = yes_or_no(" ".join(keywords) or question.answer, language=question.language)
        return verdict is not None and verdict == wanted
    if question.kind == "choice":
        return _correct_choice(question, text)
    if question.kind == "name" and keywords:
        return names_concept(text, keywords)
    if keywords:
        return any(affirms(text, k) for k in keywords)
    return _matches_answer(question, text)


def status_of(question: Question, text: str, refusals: Sequence[str] = REFUSALS) -> Status:
    """The status of one reply (module text gives the order of the tests).

    Args:
        question: What was asked and the rule of correctness.
        text: The reply.
        refusals: Regular expressions on folded text; replace or extend ``REFUSALS``.
    """
    if is_empty(text):
        return "empty"
    if is_gibberish(text):
        return "gibberish"
    if question.refusal_is_correct:
        return "correct" if is_refusal(text, refusals) and not offers_guess(text) else "incorrect"
    if is_correct(question, text):
        return "correct"
    return "refusal" if is_refusal(text, refusals) else "incorrect"
