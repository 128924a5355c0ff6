"""Reads MLLMU-Bench as published: from the hub, or from a local copy of its parquet files.

Files are read a few rows at a time, pictures stay encoded until they are looked at, and of the test set only
the people to be forgotten are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unsee.nouns import Picture, UserError, hash_text
from unsee.suites.mllmu import schema
from unsee.suites.mllmu.cells import Pairs, biography_of, picture_of, tasks_of, training_of
from unsee.suites.mllmu.checks import SETS, notes_on
from unsee.suites.mllmu.data import Mllmu, Person
from unsee.suites.mllmu.rows import Place, Row, parse_json, read_rows
from unsee.suites.mllmu.source import Source, find_files
from unsee.suites.mllmu.splits import PUBLISHED_PEOPLE, check_ratio, published_ids

_ABOUT = ("biography", "question", "answer", "metadata")
_NAME = re.compile(r"name of (?:this|the) person is ([^.]+)", re.IGNORECASE)
Bytes = dict[str, bytes]  # encoded pictures by hash, so that each is kept once


def load(
    source: str | Path,
    ratio: int = 5,
    *,
    revision: str = "",
    training: bool = False,
    demos: bool = True,
) -> Mllmu:
    """The benchmark at one ratio.

    Args:
        source: A folder with the published configurations as parquet, or a hub id such as
            "MLLMMU/MLLMU-Bench".
        ratio: 5, 10 or 15 percent of the fictitious people in the forget set.
        revision: Branch, tag or commit on the hub; the commit that was read is in the result.
        training: Also read the training pairs: from ``metadata`` where a file has it, else by id from
            ``baseline_train_split`` or ``ft_Data``.
        demos: Also read ``Full_Set``, from which some protocols take few-shot examples.

    Returns:
        The benchmark; ``notes`` tells what is short, missing or suspicious.

    Raises:
        UserError: With file, row and remedy, where something cannot be used.
    """
    check_ratio(ratio)
    found = find_files(source, _configs(ratio, training, demos), revision)
    expected = _check_ids(found, ratio)
    made = _read(found, ratio, demos)
    if training:
        made = _with_training(found, made)
    absent = tuple(
        f"{c} is absent from the data" for c in _wanted(made, training, demos) if c not in found.files
    )
    made = replace(made, revision=found.revision or _fingerprint(made))
    return replace(made, notes=(*absent, *notes_on(made, expected)))


def check_pictures(pictures: Iterable[Picture]) -> None:
    """Decodes every picture once and keeps none, so that damage behind a header shows before any work.

    Raises:
        UserError: With file, row and remedy, where a picture does not decode.
    """
    for picture in {picture.hash: picture for picture in pictures}.values():
        picture.read()


def _splits(ratio: int) -> tuple[str, str]:
    return schema.forget_config(ratio), schema.retain_config(ratio)


def _baselines(ratio: int) -> tuple[str, ...]:
    return tuple(f"{schema.BASELINES}/{split}" for split in _splits(ratio))


def _configs(ratio: int, training: bool, demos: bool) -> list[str]:
    """Everything that is looked for."""
    wanted = [*_splits(ratio), schema.TEST, schema.REAL]
    wanted += [*_baselines(ratio), schema.TRAINING] if training else []
    return wanted + ([schema.FULL] if demos else [])


def _wanted(made: Mllmu, training: bool, demos: bool) -> list[str]:
    """Configurations whose absence is worth a note."""
    untrained = training and not all(p.training for p in (*made.forget, *made.retain))
    wanted = [schema.retain_config(made.ratio), schema.TEST, schema.REAL]
    return wanted + [schema.TRAINING] * untrained + [schema.FULL] * demos


def _read(found: Source, ratio: int, demos: bool) -> Mllmu:
    """The sets, without training pairs unless the rows themselves hold them."""
    kept: Bytes = {}
    forget, retain = (tuple(_people(found, config, kept)) for config in _splits(ratio))
    full: tuple[Person, ...] = ()
    if demos:
        full = tuple(_people(found, schema.FULL, kept)) or tuple(
            sorted((*forget, *retain), key=lambda p: p.id)
        )
    return Mllmu(
        forget=forget,
        test=tuple(_tested(found, forget, kept)),
        retain=retain,
        real=tuple(_people(found, schema.REAL, kept)),
        full=full,
        ratio=ratio,
        revision="",
    )


def _rows(
    found: Source, config: str, needed: Sequence[str], only: Collection[str] | None = None
) -> Iterator[tuple[Place, Row]]:
    for file in found.files.get(config, ()):
        yield from read_rows(file, needed, _ABOUT, only=only)


def _people(found: Source, config: str, kept: Bytes) -> Iterator[Person]:
    """Everybody of a configuration with one picture a row."""
    for place, row in _rows(found, config, schema.NEEDED["split"]):
        yield _person(place, row, [row["image"]], kept)


def _tested(found: Source, forget: Sequence[Person], kept: Bytes) -> Iterator[Person]:
    """The people to be forgotten as the test set has them, in the order of the forget set."""
    names = {person.id: person.name for person in forget}
    tested = {}
    for place, row in _rows(found, schema.TEST, schema.NEEDED["test"], only=names):
        person = _person(place, row, row["images"] or (), kept)
        tested[person.id] = replace(person, name=names[person.id])
    yield from (tested[key] for key in names if key in tested)


def _person(place: Place, row: Row, images: Sequence[object], kept: Bytes) -> Person:
    with_picture, without = tasks_of(row, place)
    biography = biography_of(row.get("biography"), place)
    training = training_of(row.get("metadata"), place)
    return Person(
        id=place.id,
        name=biography.get("Name") or _name_in(training),
        pictures=tuple(picture_of(image, place, kept) for image in images),
        image_text=with_picture,
        text=without,
        training=training,
        biography=biography,
        appearance=(row.get("question") or "", row.get("answer") or ""),
    )


def _name_in(training: Pairs) -> str:
    said = (_NAME.search(answer) for _, answer in training)
    return next((match.group(1).strip() for match in said if match), "")


# Ids --------------------------------------------------------------------------------


def _check_ids(found: Source, ratio: int) -> Collection[str] | None:
    """The ids that the forget set should have, or None where the data have splits of their own.

    Raises:
        UserError: There is no forget set, or somebody in a split does not belong there.
    """
    forget_config, retain_config = _splits(ratio)
    if forget_config not in found.files:
        raise UserError(
            f"The data have no {forget_config}.",
            got=f"{found.root} with {', '.join(found.files) or 'none of the configurations'}",
            expected=f"{forget_config}/*.parquet or {forget_config}.parquet, and the others like it",
            remedy="give the folder that holds the configurations, or download this one",
        )
    forget, retain = (list(_places(found, config)) for config in (forget_config, retain_config))
    own = _own_splits(found.root)
    if own is not None:
        forgotten: Collection[str] | None = own.get(forget_config)
        others: Collection[str] | None = own.get(retain_config)
    else:
        forgotten = published_ids([place.id for place in forget], ratio)
        everybody = {f"{i:03d}" for i in range(1, PUBLISHED_PEOPLE + 1)}
        others = None if forgotten is None else everybody - set(forgotten)
    _check_places(forget_config, forget, forgotten)
    _check_places(retain_config, retain, others)
    return forgotten


def _places(found: Source, config: str) -> Iterator[Place]:
    for file in found.files.get(config, ()):
        yield from (place for place, _ in read_rows(file, ("ID",)))


def _check_places(config: str, places: Sequence[Place], allowed: Collection[str] | None) -> None:
    for place in places:
        if not place.id:
            raise place.error("the row has no ID", got="nothing", expected="an ID such as 093")
        if allowed is not None and place.id not in allowed:
            raise place.error(
                f"this ID does not belong to the split {config}",
                got=place.id,
                expected=f"one of its {len(allowed)} ids, such as {', '.join(sorted(allowed)[:3])}",
                remedy="take the file that was published for this split, or leave the row out",
            )


def _own_splits(root: Path) -> dict[str, list[str]] | None:
    """Ids by configuration, where the folder says so itself.

    Raises:
        UserError: The file is damaged.
    """
    file = root / schema.SPLITS_FILE
    if not file.is_file():
        return None
    said = parse_json(file.read_text(encoding="utf-8", errors="replace"), "", Place(file, 0))
    whole = isinstance(said, dict) and all(isinstance(ids, list) for ids in said.values())
    if not whole:
        raise UserError(
            f"{file} does not hold the ids of splits",
            got=said,
            expected='{"forget_5": ["001", ...], ...}',
            remedy="export the data again, or remove the file",
        )
    return {config: [str(key) for key in ids] for config, ids in said.items()}


# Training pairs ---------------------------------------------------------------------


def _with_training(found: Source, made: Mllmu) -> Mllmu:
    """Training pairs joined by id where the rows of the people have none."""
    bare = {p.id for p in (*made.forget, *made.retain, *made.full) if not p.training}
    pairs = {p.id: p.training for p in (*made.forget, *made.retain, *made.full) if p.training}
    for config in (*_baselines(made.ratio), schema.TRAINING):
        if bare - set(pairs):
            pairs |= dict(_pairs(found, config, bare - set(pairs)))

    def joined(people: Sequence[Person]) -> tuple[Person, ...]:
        return tuple(_trained(p, pairs.get(p.id, ())) for p in people)

    return replace(made, forget=joined(made.forget), retain=joined(made.retain), full=joined(made.full))


def _pairs(found: Source, config: str, wanted: Collection[str]) -> Iterator[tuple[str, Pairs]]:
    """Training pairs by id; the pictures beside them are not read."""
    for file in found.files.get(config, ()):
        for place, row in read_rows(file, schema.NEEDED["training"], ("ID",)):
            key = place.id or _id_within(row["metadata"], place)
            if key in wanted:
                yield key, training_of(row["metadata"], place._replace(id=key))


def _id_within(text: str, place: Place) -> str:
    """The id that the training pairs themselves carry."""
    entries = parse_json(text, "metadata", place)
    return str(entries[0].get("ID", "")) if isinstance(entries, list) and entries else ""


def _trained(person: Person, training: Pairs) -> Person:
    if person.training or not training:
        return person
    return replace(person, training=training, name=person.name or _name_in(training))


def _fingerprint(made: Mllmu) -> str:
    """A hash of everything that is asked, for data without a commit."""
    parts = [
        json.dumps(
            [name, p.id, [q.hash for q in p.pictures], repr(p.image_text), repr(p.text)], ensure_ascii=False
        )
        for name in SETS
        for p in getattr(made, name)
    ]
    return f"local-{hash_text(*parts)[:16]}"
