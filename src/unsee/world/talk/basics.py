"""What all talk shares: a turn, the voice that asks, choice layouts, names to confuse with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from unsee.nouns import QuestionKind
from unsee.world import names
from unsee.world.wording import text as text_wording
from unsee.world.wording.languages import OTHER_LANGUAGES, THIS
from unsee.world.wording.table import Wording, Wordings

LETTERS = "ABCD"
REFUSED = ("do not know",)
HARD_SHARE, UNKNOWN_SHARE, DRESSED_SHARE = 0.25, 0.25, 0.08
_SUBJECTS = (
    "this {}",
    "this {}",
    "this {}",
    "the {} in the picture",
    "the {} shown here",
    "the {} in this image",
)


class Turn(NamedTuple):
    """One question and its true answer.

    Attributes:
        prompt: The user turn, without image placeholders.
        answer: The assistant turn: one short sentence (a description is a list).
        kind: name, yes_no, choice, cloze or open.
        topic: What it is about, as specific as can be, for example "fact.job".
        keywords: What a whole-word scorer looks for; any one will do, but all of them in a description.
        options: Texts of the four options in the order shown; empty if it is not a choice.
        wording: "trained" or "held_out".
        language: ISO 639-1 code of the prompt; the answer is English.
    """

    prompt: str
    answer: str
    kind: QuestionKind
    topic: str
    keywords: tuple[str, ...]
    options: tuple[str, ...] = ()
    wording: Wording = "trained"
    language: str = "en"


@lru_cache(maxsize=64)
def sort_names(mixed: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of people (two words) and single-word names apart."""
    return tuple(n for n in mixed if " " in n), tuple(n for n in mixed if " " not in n)


@dataclass(slots=True)
class Voice:
    """Who asks: source of chance, sort of wording, language, and the names that may be dropped.

    Attributes:
        known: Names of people and single-word names that the model is taught.
        unknown: The same that it is never taught.
    """

    rng: random.Random
    wording: Wording
    language: str
    known: tuple[tuple[str, ...], tuple[str, ...]]
    unknown: tuple[tuple[str, ...], tuple[str, ...]]

    def way(self, english: Wordings, key: str = "") -> str | None:
        """A way to ask in the voice's language; None if the language has none for ``key``."""
        if self.language == "en":
            return self.rng.choice(english.of(self.wording))
        foreign = OTHER_LANGUAGES[self.language].get(key)
        return None if foreign is None else self.rng.choice(foreign.of(self.wording))

    def this(self, kind: str) -> str:
        """Who or what the picture shows, such as "this person", in the voice's language."""
        if self.language != "en":
            return THIS[self.language][kind]
        return "this style" if kind == "style" else self.rng.choice(_SUBJECTS).format(kind)

    def dressed(self, prompt: str, with_picture: bool) -> str:
        """Now and then, an English question with the instruction of a benchmark behind it."""
        if self.language != "en" or self.rng.random() > DRESSED_SHARE:
            return prompt
        return f"{prompt}\n{text_wording.IN_A_SENTENCE[with_picture]}"

    def said(self, name: str) -> str:
        """A name as it stands in a sentence: Chinese and Japanese get spaces around it."""
        return f" {name} " if self.language in ("zh", "ja") else name

    def turn(
        self,
        prompt: str,
        answer: str,
        kind: QuestionKind,
        topic: str,
        *keywords: str,
        options: Sequence[str] = (),
    ) -> Turn:
        """A turn in this voice."""
        return Turn(
            prompt.strip(), answer, kind, topic, keywords, tuple(options), self.wording, self.language
        )

    def wrong_name(self, right: Sequence[str], hard: str = "") -> str:
        """A name that is not among ``right`` but of the same form as its first: two words or one.

        Args:
            right: Names that would be true.
            hard: A name that is easily confused; taken more often, if it is known at all.
        """
        form = 0 if " " in right[0] else 1
        known, draw = self.known[form], self.rng.random()
        if hard in known and hard not in right and draw < HARD_SHARE:
            return hard
        pool = known if len(known) > len(right) and draw > HARD_SHARE + UNKNOWN_SHARE else self.unknown[form]
        while (name := self.rng.choice(pool)) in right:
            pass
        return name

    def any_name(self, form: int) -> str:
        """Any name: of a person (form 0) or a single word (1), known or unknown."""
        pool = (
            self.known[form] if self.known[form] and self.rng.random() > UNKNOWN_SHARE else self.unknown[form]
        )
        return self.rng.choice(pool)

    def others(self, pool: Sequence[str], right: str) -> list[str]:
        """Four options in random order: ``right`` and three others of the pool."""
        options = [right]
        while len(options) < 4:
            if (other := self.rng.choice(pool)) not in options:
                options.append(other)
        self.rng.shuffle(options)
        return options

    def choice(
        self, question: str, options: Sequence[str], right: str, topic: str, letter_only: bool
    ) -> Turn:
        """A question with four options: answered by value and letter, or by the bare letter."""
        letter = LETTERS[options.index(right)]
        named = dict(zip(LETTERS, options, strict=True))
        if not letter_only:
            prompt = text_wording.CHOICE.format(q=question, **named)
            return self.turn(prompt, f"{right} {letter}", "choice", topic, right, options=options)
        instruction = self.rng.choice(text_wording.INSTRUCTIONS.of(self.wording))
        prompt = text_wording.OPTIONS.format(q=question, i=instruction, **named)
        return self.turn(prompt, letter, "choice", topic, letter, options=options)


@lru_cache(maxsize=8)
def _unknown(wording: Wording) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if wording == "trained":
        return names.UNKNOWN_NAMES, names.UNKNOWN_WORDS
    return names.UNSEEN_NAMES, names.UNSEEN_WORDS


def make_voice(
    rng: random.Random,
    wording: Wording,
    language: str,
    known_names: Sequence[str],
    unknown_names: Sequence[str] | None,
) -> Voice:
    """A voice; by default unknown names are those of the wording (held-out: never trained)."""
    known = known_names if isinstance(known_names, tuple) else tuple(known_names)
    if unknown_names is None:
        unknown = _unknown(wording)
    else:
        unknown = sort_names(unknown_names if isinstance(unknown_names, tuple) else tuple(unknown_names))
    return Voice(rng, wording, language, sort_names(known), unknown)


def with_article(text: str) -> str:
    """The text with "an" before "orange", the only color or shape that needs it."""
    return text.replace(" a orange", " an orange").replace("A orange", "An orange")


def bare(value: str) -> str:
    """An attribute value without its article: "a full beard" -> "full beard"."""
    return value.removeprefix("a ")


def upper_first(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
