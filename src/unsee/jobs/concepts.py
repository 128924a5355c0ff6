"""The concept that the user names, checked: its names, looks and facts."""

from __future__ import annotations

import re
import unicodedata

from unsee.config import RunConfig
from unsee.nouns import Concept, UserError, hash_text

MAX_NAME = 200
MAX_FACT = 2000
MAX_FACTS = 1000


def make_concept(config: RunConfig) -> Concept:
    """The concept of the configuration.

    Raises:
        UserError: No name, or a name or fact that cannot be one.
    """
    name = check_name(config.name, "--name")
    aliases = tuple(check_name(alias, "--alias") for alias in config.alias)
    if len(config.fact) > MAX_FACTS:
        raise UserError(
            "Too many facts.",
            got=len(config.fact),
            expected=f"at most {MAX_FACTS}",
            remedy="give the facts that matter most",
        )
    facts = tuple(split_fact(text, name) for text in config.fact)
    looks = check_looks(config.looks)
    return Concept(name=name, kind=config.kind, aliases=aliases, facts=facts, looks=looks, id=slug(name))


def check_name(name: str, option: str) -> str:
    """The name without surrounding white space, in Unicode NFC.

    Raises:
        UserError: Empty, without a letter or digit, with control characters, or too long.
    """
    clean = unicodedata.normalize("NFC", re.sub(" +", " ", name)).strip()
    problems = {
        "The name is empty.": not clean,
        f"The name is longer than {MAX_NAME} characters.": len(clean) > MAX_NAME,
        "The name holds control characters.": any(unicodedata.category(c) in ("Cc", "Cs") for c in clean),
        "The name holds no letter or digit.": not any(c.isalnum() for c in clean),
    }
    for what, wrong in problems.items():
        if wrong:
            raise UserError(
                what,
                got=f"{option} {name!r}",
                expected=f"a name as the model would say it, at most {MAX_NAME} characters",
                remedy=f'give {option} "Jane Roe"',
            )
    return clean


def check_looks(looks: str) -> str:
    """The looks in one line.

    Raises:
        UserError: Too long.
    """
    line = " ".join(looks.split())
    if len(line) > MAX_FACT:
        raise UserError(
            "The looks are too long.",
            got=f"{len(line)} characters: {line[:60]}",
            expected=f"a few words, at most {MAX_FACT} characters",
            remedy='give --looks "long red hair, round glasses"',
        )
    return line


def split_fact(text: str, name: str) -> tuple[str, str]:
    """A fact as (question, answer): split after the first question mark; a plain statement gets a question.

    Raises:
        UserError: Empty or too long.
    """
    clean = " ".join(text.split())
    if not clean or len(clean) > MAX_FACT:
        raise UserError(
            "A fact is empty or too long.",
            got=f"{len(clean)} characters: {clean[:60]}",
            expected=f'a statement, or "question? answer", of 1 to {MAX_FACT} characters',
            remedy='give --fact "What does Jane Roe do? She is a painter."',
        )
    question, mark, answer = clean.partition("? ")
    return (
        (question + "?", answer.strip())
        if mark and answer.strip()
        else (f"What do you know about {name}?", clean)
    )


def slug(name: str) -> str:
    """A short identifier for file names: ASCII letters of the name and a hash of all of it."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:32].strip("-")
    return f"{words or 'concept'}-{hash_text(name)[:6]}"
