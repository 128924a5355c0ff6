"""Reading and writing the files of a benchmark folder; whatever is malformed is named with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unsee.models.pictures import SUFFIXES, open_picture
from unsee.nouns import CONCEPT_KINDS, Concept, Picture, UserError
from unsee.suites.mmubench.data import Entry, slug

SIDECAR = "concept.yaml"
_NAMES = ("names", "name", "aliases", "retain_subjects")
_TEXTS = ("id", "kind", "substitute", "true_looks", "fake_looks")


Pictures = tuple[Picture, ...]


class Item(NamedTuple):
    """One object of a file, with the line on which it begins."""

    line: int
    fields: Mapping[str, Any]


def read_items(file: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Item]:
    """The objects of a JSON array (``.json``) or of JSON lines (``.jsonl``); [] where there is no such file.

    Args:
        file: What to read.
        required: Keys that every object has; ``prompt`` must be a text that is not blank.
        optional: Keys that it may have. Other keys are passed over: published files carry some.

    Raises:
        UserError: The file is not JSON, not of this form, or a key is missing; file and line are named.
    """
    if not file.is_file():
        return []
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed(file, 1, error, "text in UTF-8") from error
    found = _lines(file, text) if file.suffix == ".jsonl" else _array(file, text)
    items = [_object(file, line, value, required) for line, value in found]
    return [Item(line, {k: v for k, v in f.items() if k in {*required, *optional}}) for line, f in items]


def _object(file: Path, line: int, value: Any, required: Sequence[str]) -> Item:
    expected = "an object with the keys " + ", ".join(required)
    if not isinstance(value, dict):
        raise _malformed(file, line, json.dumps(value, ensure_ascii=False), expected)
    missing = [key for key in required if key not in value]
    if missing:
        raise _malformed(file, line, f"{', '.join(missing)} missing", expected)
    if not isinstance(value.get("prompt", "?"), str) or not value.get("prompt", "?").strip():
        raise _malformed(file, line, f"prompt: {value['prompt']!r}", "a question")
    return Item(line, value)


def _lines(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise _malformed(file, number, error, "one JSON object a line") from error


def _array(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    """The elements of an array; each is decoded by itself so that its line is known."""
    decoder = json.JSONDecoder()

    def skip(at: int) -> int:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        return at

    def line(at: int) -> int:
        return text.count("\n", 0, at) + 1

    at = skip(0)
    if text[at : at + 1] != "[":
        raise _malformed(file, line(at), text[at : at + 60] or "an empty file", "a JSON array of objects")
    at = skip(at + 1)
    while text[at : at + 1] != "]":
        start = at
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError as error:
            where = getattr(error, "pos", start)
            raise _malformed(file, line(where), error, "a JSON array of objects") from error
        yield line(start), value
        at = skip(at)
        if text[at : at + 1] == ",":
            at = skip(at + 1)
        elif text[at : at + 1] != "]":
            raise _malformed(file, line(at), text[at : at + 60] or "the end of the file", "a comma or ]")
    if skip(at + 1) != len(text):
        raise _malformed(file, line(skip(at + 1)), text[skip(at + 1) :], "nothing behind the array")


def _malformed(file: Path, line: int, got: object, expected: str) -> UserError:
    return UserError(
        f"{file.name} is malformed in line {line}",
        got=f"{file}:{line}: {got}",
        expected=expected,
        remedy="correct the line",
    )


def texts(file: Path, item: Item, key: str) -> tuple[str, ...]:
    """A text or a list of texts as a tuple.

    Raises:
        UserError: It is something else.
    """
    value = item.fields[key]
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(v, str) for v in found):
        raise _malformed(file, item.line, f"{key}: {value!r}", "a text or a list of texts")
    return tuple(found)


def pictures(folder: Path) -> Pictures:
    """Every picture of a folder in the order of their file names; () if there is no such folder.

    Raises:
        UserError: A picture is damaged or empty.
    """
    if not folder.is_dir():
        return ()
    return tuple(open_picture(f) for f in sorted(folder.iterdir()) if f.suffix.lower() in SUFFIXES)


def named(found: Sequence[Picture]) -> dict[str, Picture]:
    """Pictures by file name."""
    return {Path(p.path or "").name: p for p in found}


def find_picture(file: Path, item: Item, key: str, known: Mapping[str, Picture]) -> Picture:
    """The picture that an object names by file name or by any path that ends in it.

    Raises:
        UserError: There is no such picture.
    """
    value = str(item.fields[key])
    name = value.replace("\\", "/").rpartition("/")[2]
    if name not in known:
        raise UserError(
            f"{file.name} names a picture that is not there",
            got=f"{file}:{item.line}: {value}",
            expected=f"one of {len(known)} pictures" + (f" such as {next(iter(known))}" if known else ""),
            remedy="put the picture into the folder or remove the line",
        )
    return known[name]


def read_concept(folder: Path) -> Entry | None:
    """The sidecar of a concept as an entry without pictures and questions; None if there is none.

    Raises:
        UserError: It is not YAML, has an unknown key, no name, or a value of another form.
    """
    file = folder / SIDECAR
    if not file.is_file():
        return None
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", error)
        raise _malformed(file, mark.line + 1 if mark else 1, why, "YAML") from error
    if not isinstance(told, dict):
        raise _malformed(file, 1, told, "keys such as names and kind")
    known = {*_NAMES, *_TEXTS, "facts"}
    for key, value in told.items():
        if key not in known:
            raise _malformed(file, _line_of(file, key), f"key {key!r}", "one of " + ", ".join(sorted(known)))
        if key in _TEXTS and not isinstance(value, str | None):
            raise _malformed(file, _line_of(file, key), f"{key}: {value!r}", "a text")
    return _from_sidecar(file, told)


def _from_sidecar(file: Path, told: Mapping[str, Any]) -> Entry:
    names = (*_list(file, told, "name"), *_list(file, told, "names"))
    if not names:
        raise _malformed(file, 1, "no name", "names: [the name as a model would say it]")
    kind = told.get("kind") or "person"
    if kind not in CONCEPT_KINDS:
        raise _malformed(file, _line_of(file, "kind"), f"kind: {kind}", ", ".join(CONCEPT_KINDS))
    concept = Concept(
        names[0],
        kind,
        (*names[1:], *_list(file, told, "aliases")),
        facts=_facts(file, told.get("facts") or ()),
        looks=told.get("true_looks") or "",
        id=told.get("id") or slug(names[0]),
    )
    return blank(
        concept,
        substitute=told.get("substitute") or "",
        other_looks=told.get("fake_looks") or "",
        retain_subjects=_list(file, told, "retain_subjects"),
    )


def blank(
    concept: Concept, *, substitute: str = "", other_looks: str = "", retain_subjects: tuple[str, ...] = ()
) -> Entry:
    """An entry that has neither pictures nor questions yet."""
    return Entry(
        concept,
        (),
        (),
        (),
        (),
        substitute=substitute,
        other_looks=other_looks,
        retain_subjects=retain_subjects,
    )


def _list(file: Path, told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = told.get(key) or ()
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(v, str) and v.strip() for v in found):
        raise _malformed(file, _line_of(file, key), f"{key}: {value!r}", "a text or a list of texts")
    return tuple(found)


def _facts(file: Path, told: object) -> tuple[tuple[str, str], ...]:
    """Pairs, written as ``[question, answer]`` or ``{question: ..., answer: ...}``."""
    if not isinstance(told, list | tuple):
        raise _malformed(file, _line_of(file, "facts"), told, "a list of facts")
    found = []
    for fact in told:
        pair = (fact.get("question"), fact.get("answer")) if isinstance(fact, dict) else fact
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(t, str) for t in pair):
            raise _malformed(file, _line_of(file, "facts"), f"facts: {fact!r}", "[question, answer]")
        found.append((pair[0], pair[1]))
    return tuple(found)


def _line_of(file: Path, key: str) -> int:
    lines = file.read_text(encoding="utf-8").split("\n")
    return next((i for i, line in enumerate(lines, start=1) if line.startswith(str(key))), 1)


def write_concept(folder: Path, entry: Entry) -> None:
    """The sidecar of an entry; what is empty is left out."""
    concept = entry.concept
    told: dict[str, Any] = {
        "id": concept.id,
        "names": [concept.name],
        "aliases": list(concept.aliases),
        "kind": concept.kind,
        "substitute": entry.substitute,
        "true_looks": concept.looks,
        "fake_looks": entry.other_looks,
        "retain_subjects": list(entry.retain_subjects),
        "facts": [list(fact) for fact in concept.facts],
    }
    kept = {key: value for key, value in told.items() if value}
    text = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=10_000)
    (folder / SIDECAR).write_text(text, encoding="utf-8")


def write_pictures(folder: Path, found: Sequence[Picture], start: int = 0) -> dict[str, str]:
    """Pictures as numbered PNG files; returns file names by hash."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for i, picture in enumerate(found, start=start):
        files[picture.hash] = f"{i:03d}.png"
        picture.read().save(folder / files[picture.hash])
    return files


def write_array(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A JSON array with one object a line."""
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text(f"[{body}]\n", encoding="utf-8")


def write_lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines; no file where there are no rows."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if text:
        file.write_text(text, encoding="utf-8")
