"""The form of a wording table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Wording = Literal["trained", "held_out"]


class Wordings(NamedTuple):
    """Ways to ask one question; ``{...}`` are places for words. Held-out ways never occur in training."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, wording: Wording) -> tuple[str, ...]:
        """The ways of one sort."""
        return self.trained if wording == "trained" else self.held_out

    def filled(self, **words: str) -> Wordings:
        """The same with some places filled; ``{{x}}`` in a wording is a place that stays."""
        return Wordings(
            tuple(way.format(**words) for way in self.trained),
            tuple(way.format(**words) for way in self.held_out),
        )

    def __add__(self, other: object) -> Wordings:
        """Both sets of ways."""
        assert isinstance(other, Wordings), other
        return Wordings(self.trained + other.trained, self.held_out + other.held_out)


Table = Mapping[str, Wordings]


def ways(trained: str, held_out: str) -> Wordings:
    """Wordings written one per line."""
    return Wordings(_lines(trained), _lines(held_out))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip().replace("\\n", "\n") for line in text.strip().splitlines() if line.strip())


def expand(generic: Wordings, nouns: Mapping[str, str], extra: Table) -> dict[str, Wordings]:
    """Per key of ``nouns``: the generic ways with ``{a}`` filled, and the key's own ways."""
    return {key: generic.filled(a=noun) + extra.get(key, Wordings((), ())) for key, noun in nouns.items()}
