"""Rows of JSON-lines and tab-separated files, and the pictures they name; a bad row is named by its line."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.models.pictures import from_image, open_picture
from unsee.nouns import Picture, UserError

LARGEST_CELL = 2**28  # characters: a picture in a cell


@dataclass(frozen=True)
class Line:
    """One row and where it stands.

    Attributes:
        file: The file.
        number: Its line, counted from 1; of a row that goes over several lines the last.
        values: Column or key to value.
    """

    file: Path
    number: int
    values: Mapping[str, Any]

    def bad(self, what: str, got: object, expected: str) -> UserError:
        """The error of this row."""
        return UserError(
            f"{self.file}, line {self.number}: {what}",
            got=got,
            expected=expected,
            remedy="correct the row or take it out",
        )

    def text(self, *keys: str) -> str:
        """The first of these keys that is there, as text that is not blank.

        Raises:
            UserError: None is there, or it is blank or no text.
        """
        for key in keys:
            value = self.values.get(key)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if value is not None:
                if isinstance(value, str) and value.strip():
                    return value.strip()
                raise self.bad(f"{key!r} is not a text", value, "a text that is not blank")
        raise self.bad("a value is missing", sorted(self.values), " or ".join(map(repr, keys)))

    def verdict(self, *keys: str) -> str:
        """``yes`` or ``no`` under the first of these keys."""
        said = self.text(*keys).casefold().rstrip(".")
        if said not in ("yes", "no"):
            raise self.bad("the answer is neither yes nor no", said, "yes or no")
        return said


def json_lines(path: str | Path) -> list[Line]:
    """Every row of a JSON-lines file; blank lines are passed over.

    Raises:
        UserError: The file is missing, not UTF-8 or holds no row, or a line is not a JSON object.
    """
    file = Path(path)
    rows = []
    for number, text in enumerate(read_text(file).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except ValueError as error:
            raise Line(file, number, {}).bad(
                f"not JSON ({error})", text, "one JSON object per line"
            ) from error
        if not isinstance(values, dict):
            raise Line(file, number, {}).bad("not a JSON object", text, '{"key": value, ...}')
        rows.append(Line(file, number, values))
    return _some(file, rows)


def table(path: str | Path) -> list[Line]:
    """Every row of a tab-separated file with a header; cells may be quoted and may hold pictures.

    Raises:
        UserError: The file is missing, not UTF-8 or holds no row, or a row has not as many cells as the
            header.
    """
    file = Path(path)
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        return _some(file, list(_rows(file)))
    finally:
        csv.field_size_limit(before)


def _rows(file: Path) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(read_text(file), newline=""), delimiter="\t")
    header: list[str] = []
    try:
        for cells in reader:
            if not header:
                header = cells
            elif len(cells) != len(header):
                line = Line(file, reader.line_num, {})
                raise line.bad(
                    "the row has another number of cells", len(cells), f"{len(header)} as the header"
                )
            else:
                yield Line(file, reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise Line(file, reader.line_num, {}).bad(
            "not a tab-separated row", error, "cells and tabs"
        ) from error


def read_text(file: Path) -> str:
    """A file of questions as text, a byte order mark taken off.

    Raises:
        UserError: It is missing or not UTF-8.
    """
    if not file.is_file():
        raise UserError(
            "there is no such file", got=file, expected="a file of questions", remedy="check the path"
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            "the file is not text in UTF-8", got=file, expected="UTF-8", remedy="save it as UTF-8"
        ) from error


def _some(file: Path, rows: list[Line]) -> list[Line]:
    if not rows:
        raise UserError(
            "the file holds no row", got=file, expected="at least one question", remedy="check the file"
        )
    return rows


@dataclass
class Pictures:
    """Pictures named by rows, each opened once.

    Attributes:
        folder: Where files are looked for.
    """

    folder: Path
    _opened: dict[str, Picture] = field(default_factory=dict)

    def named(self, line: Line, name: str) -> Picture:
        """The picture file of this name inside the folder.

        Raises:
            UserError: It is missing, cannot be used, or lies outside the folder; the row is named.
        """
        if name not in self._opened:
            file = (self.folder / name).resolve()
            if not file.is_relative_to(self.folder.resolve()):
                raise line.bad(
                    "the picture is outside the folder of pictures", name, f"a file in {self.folder}"
                )
            try:
                self._opened[name] = open_picture(file)
            except UserError as error:
                raise line.bad(error.what, error.got, error.expected) from error
        return self._opened[name]

    def encoded(self, line: Line, text: str) -> Picture:
        """The picture that a cell holds as base64.

        Raises:
            UserError: The cell is no base64, or no picture; the row is named.
        """
        if text not in self._opened:
            try:
                data = base64.b64decode(text, validate=True)
                with Image.open(io.BytesIO(data)) as image:
                    self._opened[text] = from_image(image)
            except (binascii.Error, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise line.bad("the cell holds no picture", text[:40], "a PNG or JPEG in base64") from error
        return self._opened[text]


def check_answers(questions: int, replies: int) -> None:
    """Replies belong to questions one by one."""
    assert questions == replies, f"{questions} questions, {replies} replies"
