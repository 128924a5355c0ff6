"""How replies are read: as the releases read them, misreadings included, and as they should be.

The first half is for comparison with published numbers. Its known misreadings are tested and kept: "Correct
Answer: D" is read as C, "A person ..." as A, "male" is found in "female". The second half is ``corrected``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from unsee.metrics.mentions import affirms
from unsee.metrics.words import STOP_WORDS, find, words

ASSISTANT, ANSWER = "ASSISTANT:", "Answer:"
_NOT_PLAIN = re.compile(r"[^a-zA-Z0-9]")
_BRACKETS = re.compile(r"([^()]+)\(([^()]+)\)\s*\Z")
_SLASH = re.compile(r"(?<=[^\W\d])\s*/\s*(?=[^\W\d])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_LONG = re.compile(r"(?<![\d.,])[1-9]\d{3,}(?![\d.,])")
_UNIT = re.compile(r"(\d) (?=[^\W\d]{1,3}\b)")
_GLUED = re.compile(r"(\d)(?=[^\W\d]{1,3}\b)")
_ARTICLE = re.compile(r"\A\s*(?:the|an?)\s+", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])(?=\s|$)|\n")
_SHORT = re.compile(r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|etc|e\.g|i\.e|approx|No)\.)$")


def official_response(decoded: str) -> str:
    """What the releases take for the reply, from prompt and reply decoded together.

    Everything between the first and a second ``ASSISTANT:``, without white space around it. Without that
    word what follows ``Answer:``, else the whole text; neither happens as long as the prompt ends with it.
    """
    for mark in (ASSISTANT, ANSWER):
        if mark in decoded:
            return decoded.split(mark)[1].strip()
    return decoded.strip()


def first_letter(response: str, options: Collection[str]) -> str | None:
    """The releases' reading of a choice: the first character, made a capital, if it is an option."""
    letter = response[:1].upper()
    return letter if letter in options and letter else None


def first_plain_character(response: str, options: Collection[str] | None) -> str | None:
    """MMUnlearner's reading: the first letter or digit, made a capital.

    Args:
        response: The generated text.
        options: It must be one of these; None = anything counts (its questions without picture).
    """
    letter = _NOT_PLAIN.sub("", response)[:1].upper()
    if options is None:
        return letter or None
    return letter if letter in options and letter else None


def contains(truth: str, response: str) -> bool:
    """The releases' reading of a cloze: the truth as a substring in any case; an empty truth always is."""
    return truth.lower() in response.lower()


def fills_gap(truth: str, reply: str, aliases: Iterable[str] = ()) -> bool:
    """Whether a reply has the missing words as whole words, not denied: "male" is not in "female".

    Args:
        truth: The missing words; an empty one is never filled.
        reply: The reply.
        aliases: Other forms that count.
    """
    return any(words(form) and affirms(reply, form) for form in (truth, *aliases))


def aliases_of(truth: str) -> tuple[str, ...]:
    """Other ways to write an answer, which fill its gap as well.

    What stands before and in brackets ("the United States (USA)"), either side of a slash between words,
    numbers with and without thousands separators, a number with its unit set apart or not, no article.
    """
    inner = _BRACKETS.match(truth)
    forms = [truth, *(inner.groups() if inner else ())]
    forms += [part for form in forms for part in _SLASH.split(form)]
    forms += [_THOUSANDS.sub("", form) for form in forms]
    forms += [_LONG.sub(lambda found: f"{int(found[0]):,}", form) for form in forms]
    forms += [_UNIT.sub(r"\1", form) for form in forms] + [_GLUED.sub(r"\1 ", form) for form in forms]
    forms += [_ARTICLE.sub("", form) for form in forms]
    return tuple(form.strip() for form in dict.fromkeys(forms) if form != truth)


def first_sentence(text: str) -> str:
    """The text up to the end of its first sentence; "Dr.", "St." and initials do not end one."""
    stripped = text.strip()
    for found in _END.finditer(stripped):
        part = stripped[: found.start()]
        if words(part) and not _SHORT.search(part):
            return part.strip()
    return stripped


def key_words(question: str, truth: str, template: Collection[str] = ()) -> tuple[str, ...]:
    """The words of an answer that carry its fact: not of the question, its template or grammar.

    Args:
        question: What was asked.
        truth: The reference answer.
        template: Folded words that answers to this question share (:func:`template_words`).

    Returns:
        Folded words in order, without repetition; when nothing is left, the words that are not in the
        question; when nothing is left again, all words.
    """
    asked, told = set(words(question)), tuple(dict.fromkeys(words(truth)))
    for unwanted in (asked | STOP_WORDS | set(template), asked):
        kept = tuple(word for word in told if word not in unwanted)
        if kept:
            return kept
    return told


def template_words(truths: Sequence[str], least: int = 4) -> frozenset[str]:
    """Words in more than half of different people's answers to one question; none below ``least`` answers."""
    if len(set(truths)) < least:
        return frozenset()
    counts: dict[str, int] = {}
    for truth in truths:
        for word in set(words(truth)):
            counts[word] = counts.get(word, 0) + 1
    return frozenset(word for word, count in counts.items() if 2 * count > len(truths))


def key_fact(keys: Sequence[str], reply: str) -> float:
    """Share of the key words that the reply affirms, 0..1; 0 without key words."""
    return sum(affirms(reply, key) for key in keys) / len(keys) if keys else 0.0


@lru_cache(maxsize=16384)
def pattern(question: str, name: str) -> str:
    """A question without the person's name: the same question about different people compares equal."""
    said, wanted = words(question), words(name)
    for at in reversed(find(wanted, said)):
        said = (*said[:at], "~", *said[at + len(wanted) :])
    return " ".join(said)


def cyclic_orders(options: Mapping[str, str]) -> list[dict[str, str]]:
    """All turns of the options: in order i the letter at place p shows the option that stood at p + i."""
    letters, texts = list(options), list(options.values())
    return [dict(zip(letters, texts[turn:] + texts[:turn], strict=True)) for turn in range(len(letters))]
