"""Writes people as the published files of MLLMU-Bench, so that other people's scripts read them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unsee.nouns import Picture, UserError
from unsee.suites.mllmu import schema
from unsee.suites.mllmu.data import Item, Person, Tasks

ROW_GROUP = 50  # rows; a reader holds so many at a time
Row = dict[str, Any]


def write_files(
    folder: Path,
    *,
    full: Sequence[Person],
    test: Sequence[Person],
    real: Sequence[Person],
    splits: Mapping[int, Collection[str]],
) -> tuple[Path, ...]:
    """Writes every configuration as parquet, the ids of the splits, and a card that names the configurations.

    Args:
        folder: Where to; made if it does not exist.
        full: All fictitious people with their training pairs.
        test: The same people in altered pictures and with reworded questions.
        real: Celebrities.
        splits: Ids to forget by ratio in percent.

    Returns:
        The files.

    Raises:
        UserError: The folder is a file or holds something.
    """
    _check_empty(folder)
    parts = list(_parts(full, test, real, splits))
    files = [file for place, kind, rows, count in parts for file in _write(folder / place, kind, rows, count)]
    splits_file = folder / schema.SPLITS_FILE
    splits_file.write_text(json.dumps(_split_ids(full, splits), indent=1) + "\n")
    card = folder / "README.md"
    card.write_text(_card([place for place, *_ in parts if "/" not in place]))
    return (*files, splits_file, card)


def _parts(
    full: Sequence[Person],
    test: Sequence[Person],
    real: Sequence[Person],
    splits: Mapping[int, Collection[str]],
) -> Iterator[tuple[str, str, list[Row], int]]:
    """(folder, kind of file, rows, number of files) of every configuration, in order."""
    everybody = [_row(p) for p in full]
    yield schema.FULL, "full", everybody, 1
    yield schema.TRAINING, "training", everybody, 1
    yield schema.TEST, "test", [_row(p) for p in test], schema.TEST_FILES
    yield schema.REAL, "full", [_row(p) for p in real], 1
    for ratio, ids in splits.items():
        forget = [row for row in everybody if row["ID"] in ids]
        retain = [row for row in everybody if row["ID"] not in ids]
        for config, rows in ((schema.forget_config(ratio), forget), (schema.retain_config(ratio), retain)):
            yield config, "split", rows, 1
            yield f"{schema.BASELINES}/{config}", "baseline", rows, 1


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            "There is something already where the benchmark is to be written.",
            got=folder,
            expected="a new or empty folder",
            remedy="give another folder, or empty this one",
        )


def _write(folder: Path, kind: str, rows: Sequence[Row], count: int) -> list[Path]:
    """The rows in ``count`` files of nearly equal length."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    layout, files = schema.arrow_schema(kind), []
    for i in range(count):
        part = rows[i * len(rows) // count : (i + 1) * len(rows) // count]
        table = pa.Table.from_pylist(part, schema=layout)
        file = folder / schema.FILE.format(i, count)
        pq.write_table(table, file, row_group_size=ROW_GROUP)
        files.append(file)
    return files


def _row(person: Person) -> Row:
    """Every column any file has; each file takes those of its kind."""
    pictures = [as_png(picture) for picture in person.pictures]
    pairs = [{"ID": person.id, "Question": q, "Answer": a} for q, a in person.training]
    return {
        "image": pictures[0] if pictures else None,
        "images": pictures,
        "ID": person.id,
        "Directory": f"pictures/{person.id}",
        "biography": json.dumps(_nested(person.biography), ensure_ascii=False),
        "question": person.appearance[0],
        "answer": person.appearance[1],
        schema.CHOICES: {name: _choices(tasks) for name, tasks in _by_list(person)},
        schema.GENERATION: _items(person, lambda tasks: tasks.generation),
        schema.CLOZE: _items(person, lambda tasks: tasks.cloze),
        "metadata": json.dumps(pairs, ensure_ascii=False),
    }


def as_png(picture: Picture) -> Row:
    """A picture as the column type Image keeps it: PNG bytes and a file name."""
    buffer = io.BytesIO()
    picture.read().save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": picture.path}


def _by_list(person: Person) -> list[tuple[str, Tasks]]:
    lists = schema.CHOICE_LISTS
    return [
        (lists[schema.WITH_PICTURE], person.image_text),
        (lists[schema.WITHOUT_PICTURE], person.text),
    ]


def _choices(tasks: Tasks) -> list[Row]:
    return [
        {"Question": c.question, "Options": dict(c.options), "Correct_Answer": c.correct}
        for c in tasks.choices
    ]


def _items(person: Person, of: Callable[[Tasks], tuple[Item, ...]]) -> list[Row]:
    sorts = ((schema.WITH_PICTURE, person.image_text), (schema.WITHOUT_PICTURE, person.text))
    return [
        {"Ground_Truth": item.truth, "Question": item.question, "Type": sort}
        for sort, tasks in sorts
        for item in of(tasks)
    ]


def _nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """``{"a.b": "c"}`` as ``{"a": {"b": "c"}}``."""
    found: dict[str, Any] = {}
    for key, value in flat.items():
        outer, dot, inner = key.partition(".")
        if dot:
            found.setdefault(outer, {})[inner] = value
        else:
            found[key] = value
    return found


def _split_ids(full: Sequence[Person], splits: Mapping[int, Collection[str]]) -> dict[str, list[str]]:
    found = {}
    for ratio, ids in splits.items():
        found[schema.forget_config(ratio)] = [p.id for p in full if p.id in ids]
        found[schema.retain_config(ratio)] = [p.id for p in full if p.id not in ids]
    return found


def _card(configs: Sequence[str]) -> str:
    """A card by which ``datasets.load_dataset(folder, config)`` finds the files of each configuration."""
    lines = [line for name in configs for line in _card_entry(name)]
    return "---\nconfigs:\n" + "\n".join(lines) + f"\n---\n{CARD}"


def _card_entry(name: str) -> list[str]:
    return [
        f"- config_name: {name}",
        "  data_files:",
        "  - split: train",
        f"    path: {name}/train-*",
    ]


CARD = f"""
# MLLMU-Bench of an invented world

Invented people, drawn and described by `unsee`, in the schema of MLLMU-Bench (arXiv 2410.22108).
`{schema.REAL}` holds the people who stand for celebrities, `{schema.BASELINES}` the splits with their
training pairs (`metadata`), `{schema.SPLITS_FILE}` the ids of every split. Nobody here exists.
"""
