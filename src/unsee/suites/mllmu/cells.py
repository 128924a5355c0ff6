"""From the cells of a row to pictures, questions, training pairs and a biography; broken ones are refused."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PIL import Image, UnidentifiedImageError

from unsee.models.pictures import MAX_PIXELS
from unsee.nouns import Picture
from unsee.suites.mllmu import schema
from unsee.suites.mllmu.data import LETTERS, Choice, Item, Tasks
from unsee.suites.mllmu.rows import Place, Row, parse_json

Pairs = tuple[tuple[str, str], ...]  # (question, answer)
_SORTS = (schema.WITH_PICTURE, schema.WITHOUT_PICTURE)


def tasks_of(row: Row, place: Place) -> tuple[Tasks, Tasks]:
    """The questions with a picture, and those without.

    Raises:
        UserError: A question is incomplete, or its right option is absent.
    """
    choices = _struct(row, schema.CHOICES, place)
    items = {column: _list(row, column, place) for column in (schema.GENERATION, schema.CLOZE)}
    for column, cells in items.items():
        for cell in cells:
            _check_sort(cell, column, place)
    with_picture, without = (
        Tasks(
            choices=tuple(_choice(c, place) for c in choices.get(schema.CHOICE_LISTS[sort]) or ()),
            generation=tuple(_items(items[schema.GENERATION], sort, schema.GENERATION, place)),
            cloze=tuple(_items(items[schema.CLOZE], sort, schema.CLOZE, place)),
        )
        for sort in _SORTS
    )
    return with_picture, without


def _struct(row: Row, column: str, place: Place) -> Mapping[str, Any]:
    value = _parsed(row, column, place) or {}
    if not isinstance(value, Mapping):
        raise place.error(
            f"{column} is not a struct", got=value, expected=" and ".join(schema.CHOICE_LISTS.values())
        )
    return value


def _list(row: Row, column: str, place: Place) -> Sequence[Mapping[str, Any]]:
    value = _parsed(row, column, place) or []
    if not isinstance(value, list) or not all(isinstance(cell, Mapping) for cell in value):
        raise place.error(f"{column} is not a list of questions", got=value, expected="a list of structs")
    return value


def _parsed(row: Row, column: str, place: Place) -> Any:
    """Nested columns, which some tools save as JSON."""
    value = row.get(column)
    return parse_json(value, column, place) if isinstance(value, str) else value


def _choice(cell: Mapping[str, Any], place: Place) -> Choice:
    question = _text(cell, "Question", schema.CHOICES, place)
    given = cell.get("Options") or {}
    options = {letter: str(given[letter]) for letter in LETTERS if given.get(letter) is not None}
    correct = cell.get("Correct_Answer")
    if correct not in options:
        raise place.error(
            f"the right option of {question!r} is absent",
            got=f"Correct_Answer {correct!r}, options {', '.join(options) or 'none'}",
            expected="the letter of one of the options",
            remedy="add the option, correct the letter, or leave the question out",
        )
    return Choice(question, options, str(correct))


def _items(cells: Sequence[Mapping[str, Any]], sort: str, column: str, place: Place) -> list[Item]:
    return [
        Item(_text(cell, "Question", column, place), _text(cell, "Ground_Truth", column, place))
        for cell in cells
        if cell["Type"] == sort
    ]


def _check_sort(cell: Mapping[str, Any], column: str, place: Place) -> None:
    if cell.get("Type") not in _SORTS:
        raise place.error(
            f"a question of {column} is neither with nor without a picture",
            got=f"Type {cell.get('Type')!r}",
            expected=" or ".join(_SORTS),
            remedy="correct the column Type",
        )


def _text(cell: Mapping[str, Any], key: str, column: str, place: Place) -> str:
    value = cell.get(key)
    if not isinstance(value, str) or not value.strip():
        raise place.error(
            f"{column} has a question without {key}",
            got=dict(cell),
            expected=f"{key} with some text",
            remedy="complete the question or leave it out",
        )
    return value


def training_of(text: str | None, place: Place) -> Pairs:
    """The pairs of a ``metadata`` cell: a JSON list of objects with Question and Answer.

    Raises:
        UserError: It is anything else.
    """
    if not text:
        return ()
    entries = parse_json(text, "metadata", place)
    whole = isinstance(entries, list) and all(
        isinstance(e, dict) and isinstance(e.get("Question"), str) and isinstance(e.get("Answer"), str)
        for e in entries
    )
    if not whole:
        raise place.error(
            "column metadata does not hold training pairs",
            got=text,
            expected='[{"ID": "093", "Question": "...", "Answer": "..."}, ...]',
        )
    return tuple((e["Question"], e["Answer"]) for e in entries)


def biography_of(text: str | None, place: Place) -> dict[str, str]:
    """The fields of a ``biography`` cell, nested ones joined by a dot; free text stands under "text".

    Raises:
        UserError: It begins like a JSON object and is none.
    """
    if not text or not text.strip():
        return {}
    if not text.lstrip().startswith("{"):
        return {"text": text}
    return _flat(parse_json(text, "biography", place))


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in fields.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[prefix + key] = str(value)
    return found


def picture_of(cell: object, place: Place, known: dict[str, bytes]) -> Picture:
    """The picture of an image cell: its bytes are kept and decoded when it is read.

    Its hash is that of the encoded bytes, so that nothing has to be decoded to tell pictures apart.

    Args:
        cell: ``{"bytes", "path"}``, or bytes.
        place: Where it stands.
        known: Bytes by hash, so that a picture that several files hold is kept once.

    Raises:
        UserError: There is no picture, or its header is not that of a still picture. Damage behind the header
            is found when the picture is read, with the same words.
    """
    data, name = _bytes_of(cell, place)
    digest = hashlib.sha256(data).hexdigest()
    data = known.setdefault(digest, data)
    _check_header(data, place)
    return Picture(hash=digest, read=partial(_decode, data, place), path=name)


def _bytes_of(cell: object, place: Place) -> tuple[bytes, str | None]:
    if isinstance(cell, bytes) and cell:
        return cell, None
    if isinstance(cell, Mapping):
        data, name = cell.get("bytes"), cell.get("path")
        if data:
            return bytes(data), name
        if name and (beside := place.file.parent / str(name)).is_file():
            return beside.read_bytes(), str(name)
    raise place.error(
        "there is no picture",
        got=cell,
        expected='{"bytes": ..., "path": ...} with the bytes of a PNG or JPEG',
        remedy="save the file again with the pictures embedded",
    )


def _check_header(data: bytes, place: Place) -> None:
    """Type and size, and for PNG the check sums; no pixel is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
        if image.width * image.height > MAX_PIXELS or getattr(image, "n_frames", 1) > 1:
            raise ValueError(f"{image.width} x {image.height}, {getattr(image, 'n_frames', 1)} frames")
        image.verify()
    except _BROKEN as error:
        raise _undecodable(data, place, error) from error


def _decode(data: bytes, place: Place) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data)).convert("RGB")
    except _BROKEN as error:
        raise _undecodable(data, place, error) from error


_BROKEN = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError)


def _undecodable(data: bytes, place: Place, error: Exception) -> Exception:
    return place.error(
        "the picture does not decode",
        got=f"{len(data)} bytes: {error}",
        expected=f"one still PNG or JPEG of at most {MAX_PIXELS // 1_000_000} megapixels",
        remedy="download the file again, or save the picture anew",
    )
