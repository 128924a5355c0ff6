"""The prefix tree of rows while it grows: which tokens a new row shares with those that are there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from unsee.nouns import Picture
from unsee.packs.families import Layout
from unsee.packs.rows import Row, Span

About = tuple[tuple[str, ...], tuple[int, ...], str]  # pictures, tokens up to the last of these, route
ASKED = "asked"


class Tree:
    """A pack while it grows.

    Args:
        reserve: Tokens that each row will grow by later.
        route: Which way the model's hook sends the rows.
        layout: How the family wants its rows.
        placeholder: Token id of an image position.
    """

    def __init__(self, reserve: int, route: str, layout: Layout, placeholder: int) -> None:
        self.reserve, self.route = reserve, route
        self.layout, self.placeholder = layout, placeholder
        self.pictures: list[Picture] = []
        self.blocks: list[int] = []
        self.rows: list[Row] = []
        self.order: list[int] = []
        self.paths: list[tuple[int, ...]] = []
        self.ids: list[int] = []
        self.parents: list[int] = []
        self.positions: list[Tensor] = []
        self.marks: dict[str, int] = {}
        self.codes = np.zeros((0, 0), dtype=np.int64)

    @property
    def size(self) -> int:
        """Tokens, with what the rows will grow by."""
        return len(self.ids) + self.reserve * len(self.rows)

    def size_with(self, row: Row) -> int:
        """The size after this row was added."""
        return self.size + len(row.ids) - self._shared(self._code(row))[0] + self.reserve

    def _code(self, row: Row) -> np.ndarray:
        """(T,) int64, equal where tokens may be shared: the token, and what keeps it apart from others."""
        ids = np.array(row.ids, dtype=np.int64)
        code = ids.copy()
        for mark, start, stop in _apart(row):
            code[start:stop] = ids[start:stop] + ((1 + self.marks.setdefault(mark, len(self.marks))) << 32)
        return code

    def _shared(self, code: np.ndarray) -> tuple[int, int]:
        """How many tokens at its beginning a row shares with one that is there, and with which."""
        width = min(len(code), self.codes.shape[1])
        if not len(self.rows) or not width:
            return 0, 0
        other = self.codes[: len(self.rows), :width] != code[:width]
        lengths = np.where(other.any(axis=1), other.argmax(axis=1), width)
        best = int(lengths.argmax())
        return int(lengths[best]), best

    def _note(self, code: np.ndarray) -> None:
        """Keep the code of a new row; -1 stands behind its end, which no token equals."""
        rows, width = len(self.rows), max(self.codes.shape[1], len(code))
        if rows == self.codes.shape[0] or width > self.codes.shape[1]:
            grown = np.full((max(8, 2 * rows), width), -1, dtype=np.int64)
            grown[:rows, : self.codes.shape[1]] = self.codes[:rows]
            self.codes = grown
        self.codes[rows, : len(code)] = code

    def add(self, row: Row, order: int, positions: Tensor) -> None:
        """Adds a row.

        Args:
            row: The row.
            order: Its place in the list that is packed.
            positions: (A, T) position ids of its tokens.
        """
        code = self._code(row)
        shared, like = self._shared(code)
        self._note(code)
        path = list(self.paths[like][:shared]) if shared else []
        begins = {span[0]: picture for picture, span in _shown(row)}
        for depth in range(shared, len(row.ids)):
            node = path[-1] if path else -1
            if depth in begins:
                self.pictures.append(begins[depth])
            path.append(len(self.ids))
            self.ids.append(row.ids[depth])
            self.parents.append(node)
            self.blocks.append(self._block(row, depth, node))
        self.positions.append(positions[:, shared:])
        self.rows.append(row)
        self.order.append(order)
        self.paths.append(tuple(path))

    def _block(self, row: Row, depth: int, parent: int) -> int:
        """The stretch that a new node belongs to, by the rule of the family."""
        if self.layout.two_way == "prompt":
            return 0 if depth < row.answer_start else -1
        if self.layout.two_way != "images" or row.ids[depth] != self.placeholder:
            return -1
        before = self.blocks[parent] if parent >= 0 else -1
        return before if before >= 0 else max(self.blocks, default=-1) + 1


def _apart(row: Row) -> Iterator[tuple[str, int, int]]:
    """Marks and the stretches of tokens they keep apart from tokens of the same id without that mark.

    Tokens of different pictures are never shared, nor is a prompt's last token with a longer prompt. A later
    stretch wins over an earlier one.
    """
    for picture, (start, stop) in _shown(row):
        yield picture.hash, start, stop
    yield ASKED, row.answer_start - 1, row.answer_start


def _shown(row: Row) -> tuple[tuple[Picture, Span], ...]:
    """Every picture of a row with the span of its tokens."""
    if row.picture is None or row.image_span is None:
        return ()
    return row.several or ((row.picture, row.image_span),)


def about(row: Row, layout: Layout, route: str) -> About:
    """Rows with equal keys may share a tree: they begin with the same picture, or the same pictures.

    Behind the first picture rows may part, and each branch has its own pictures: examples are shared by all
    questions, whatever they are about. Families that look across know one set of pictures per pack. Where
    picture and question see each other, rows share a tree when they have the whole prompt in common.
    """
    if layout.form == "prompt":
        pictures = tuple(picture.hash for picture, _ in _shown(row))
        return pictures, row.ids[: row.answer_start], route
    seen = _shown(row) if layout.cross else _shown(row)[:1]
    return tuple(picture.hash for picture, _ in seen), row.ids[: seen[-1][1][1]], route
