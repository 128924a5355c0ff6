"""A page as blocks, so that the same tables are written as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Heading(NamedTuple):
    """A heading of a level; 1 is the page's."""

    level: int
    text: str


class Words(NamedTuple):
    """A paragraph."""

    text: str


class Code(NamedTuple):
    """A command line."""

    text: str


class Items(NamedTuple):
    """A list."""

    lines: Sequence[str]


class Table(NamedTuple):
    """A table: header first, then rows; their first column is a heading."""

    lines: Sequence[Sequence[str]]


Block = Heading | Words | Code | Items | Table


def as_text(blocks: Iterable[Block]) -> str:
    """The page as Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {text}"
        case Code(text):
            return f"```sh\n{text}\n```"
        case Items(lines):
            return "\n".join(f"- {line}" for line in lines)
        case Table(lines):
            head, *body = lines
            return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])
        case Words(text):
            return text
