"""Rows of parquet files, a few at a time, each with the place it came from, for errors that say where."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from unsee.nouns import UserError

BATCH = 16  # rows in memory at a time
LFS = b"version https://git-lfs"
PARQUET = b"PAR1"
AGAIN = "download the file again"
Row = dict[str, Any]


class Place(NamedTuple):
    """Where something stands.

    Attributes:
        file: The parquet file.
        row: Counted from 0, as pandas does.
        id: The person's id, "" while unknown.
    """

    file: Path
    row: int
    id: str = ""

    def error(self, what: str, *, got: object, expected: str, remedy: str = AGAIN) -> UserError:
        """What is wrong here, with file and row."""
        who = f" (ID {self.id})" if self.id else ""
        return UserError(
            f"{self.file}, row {self.row}{who}: {what}", got=got, expected=expected, remedy=remedy
        )


def read_rows(
    file: Path,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    *,
    only: Collection[str] | None = None,
) -> Iterator[tuple[Place, Row]]:
    """The rows of a file, read in small batches; no other column is touched.

    Args:
        file: A parquet file.
        needed: Columns it must have.
        optional: Columns that are read if they are there.
        only: Ids of the rows to read; None = all. Other rows are dropped before their pictures become bytes.

    Raises:
        UserError: The file is a Git LFS pointer or no parquet file, or a column is missing.
    """
    parquet = _open(file)
    names = parquet.schema_arrow.names
    if missing := [column for column in needed if column not in names]:
        raise UserError(
            f"{file}: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            got=f"columns {', '.join(names)}",
            expected=f"at least {', '.join(needed)}",
            remedy="take the file of the published configuration, or rename the columns",
        )
    columns = [*needed, *(column for column in optional if column in names)]
    for start, batch in _batches(parquet, columns):
        for offset in range(batch.num_rows):
            key = batch.column("ID")[offset].as_py() if "ID" in columns else None
            if only is None or as_id(key) in only:
                row = {name: batch.column(name)[offset].as_py() for name in columns}
                yield Place(file, start + offset, as_id(key)), row


def _batches(parquet: Any, columns: list[str]) -> Iterator[tuple[int, Any]]:
    start = 0
    for batch in parquet.iter_batches(batch_size=BATCH, columns=columns):
        yield start, batch
        start += batch.num_rows


def _open(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.open("rb") as stream:
        head = stream.read(len(LFS))
    if head == LFS:
        raise UserError(
            f"{file} is a Git LFS pointer, not the data",
            got="a few lines of text that name the real file",
            expected="a parquet file",
            remedy="run `git lfs pull` in the folder, or download the file from the hub",
        )
    try:
        return pq.ParquetFile(file, memory_map=True)
    except (pa.ArrowInvalid, OSError) as error:
        said = "it is cut short" if head.startswith(PARQUET) else "it does not begin like one"
        raise UserError(
            f"{file} is not a readable parquet file: {said}",
            got=error,
            expected="a whole parquet file",
            remedy=AGAIN,
        ) from error


def as_id(value: object) -> str:
    """An id as published: a number gets its leading zeros; nothing is ""."""
    return f"{value:03d}" if isinstance(value, int) else str(value or "").strip()


def parse_json(text: str, column: str, place: Place) -> Any:
    """The value of a JSON column.

    Raises:
        UserError: It is not JSON.
    """
    try:
        return json.loads(text)
    except (json.JSONDecodeError, TypeError) as error:
        raise place.error(
            f"column {column} is not readable JSON ({error})", got=text, expected="JSON"
        ) from error
