"""Our layout of one concept.

::

    train/*                   candidates for training; the first by file name is trained on
    test/*                    pictures to test with
    others/*                  pictures that do not show the concept (balanced yes/no), if there are any
    concept.yaml              names, aliases, kind, substitute, true_looks, fake_looks, facts, retain_subjects
    questions.jsonl           {"prompt", "keywords", "form": "name" | "yesno", "mentions_name"}
    multihop.jsonl            {"prompt", "keywords", "answer", "picture"}
    mia.jsonl                 {"prompt", "answer", "member", "picture"}
    multilingual.jsonl        {"prompt", "keywords", "form", "language"}
    neighbours.jsonl          {"prompt", "keywords", "picture", "split": "neighbour" | "group"}

Only the pictures and a name are needed. Files of questions that are absent are made from our own templates,
all but ``neighbours.jsonl``. ``picture`` is a path in the folder; without it questions show the test pictures
in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unsee.nouns import Picture, Question, QuestionKind, UserError
from unsee.suites.mmubench import files
from unsee.suites.mmubench.data import (
    GENERALITY,
    GROUP,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    NEIGHBOUR,
    NON_MEMBER,
    Entry,
    efficacy,
    paired,
)
from unsee.suites.mmubench.files import Item
from unsee.suites.mmubench.forms import holds_name, language_of

TRAIN, TEST, OTHERS, MORE = "train", "test", "others", "more"
QUESTIONS, HOPS, MIA, LANGUAGES, NEIGHBOURS = (
    f"{name}.jsonl" for name in ("questions", "multihop", "mia", "multilingual", "neighbours")
)
FORMS: dict[str, QuestionKind] = {"name": "name", "yesno": "yes_no", "open": "open"}
_OPTIONAL = ("keywords", "form", "answer", "language", "wording", "picture", "split", "identity", "member")


def is_one(folder: Path) -> bool:
    """Whether a folder has this layout."""
    return (folder / TRAIN).is_dir() or (folder / QUESTIONS).is_file()


def load(folder: Path, known: Entry) -> Entry:
    """One concept; questions of absent files are not made up here (see ``load.load_benchmark``).

    Args:
        folder: The folder.
        known: What is known of the concept: from its sidecar or from the user.

    Raises:
        UserError: A file is malformed, a picture is damaged, or a named picture is not there.
    """
    shown = {name: files.pictures(folder / name) for name in (TRAIN, TEST, OTHERS, MORE)}
    by_path = {f"{name}/{file}": p for name in shown for file, p in files.named(shown[name]).items()}
    concept, train, test = known.concept, shown[TRAIN], shown[TEST]

    def read(name: str, form: str) -> list[Question]:
        return [_question(folder / name, item, form, by_path) for item in _items(folder / name)]

    asked = read(QUESTIONS, "name")
    return replace(
        known,
        train=train,
        test=test,
        others=shown[OTHERS],
        efficacy=efficacy(concept, asked, train[0]) if train else (),
        questions=paired(concept, GENERALITY, asked, test),
        multihop=paired(concept, MULTIHOP, read(HOPS, "open"), test),
        multilingual=paired(concept, MULTILINGUAL, read(LANGUAGES, "name"), test),
        mia=(
            *paired(concept, MEMBER, [q for q in read(MIA, "open") if q.split == MEMBER], train[:1]),
            *paired(concept, NON_MEMBER, [q for q in read(MIA, "open") if q.split == NON_MEMBER], train[:1]),
        ),
        neighbours=(
            *paired(concept, NEIGHBOUR, [q for q in read(NEIGHBOURS, "name") if q.split == NEIGHBOUR], ()),
            *paired(concept, GROUP, [q for q in read(NEIGHBOURS, "name") if q.split == GROUP], ()),
        ),
    )


def _items(file: Path) -> list[Item]:
    return files.read_items(file, ("prompt",), _OPTIONAL)


def _question(file: Path, item: Item, form: str, pictures: Mapping[str, Picture]) -> Question:
    told = item.fields
    form = str(told.get("form", form))
    if form not in FORMS:
        raise _wrong(file, item, f"form: {form}", " or ".join(FORMS))
    keywords = files.texts(file, item, "keywords") if "keywords" in told else ()
    if not keywords and form == "yesno":
        keywords = ("yes",)
    for key in ("answer", "language", "wording", "identity"):
        if not isinstance(told.get(key, ""), str):
            raise _wrong(file, item, f"{key}: {told[key]!r}", "a text")
    return Question(
        "",
        told["prompt"],
        FORMS[form],
        _picture(file, item, pictures),
        keywords,
        answer=told.get("answer", ""),
        identity=told.get("identity", ""),
        split=_split(file, item),
        language=told.get("language") or language_of(told["prompt"]),
        wording=told.get("wording", "held_out"),
    )


def _picture(file: Path, item: Item, pictures: Mapping[str, Picture]) -> Picture | None:
    if "picture" not in item.fields:
        return None
    path = str(item.fields["picture"])
    if path not in pictures:
        raise _wrong(file, item, f"picture: {path}", f"one of {len(pictures)} pictures of the folder")
    return pictures[path]


def _split(file: Path, item: Item) -> str:
    split = item.fields.get("split", NEIGHBOUR)
    member = item.fields.get("member", True)
    if not isinstance(member, bool):
        raise _wrong(file, item, f"member: {member!r}", "true or false")
    if split not in (NEIGHBOUR, GROUP):
        raise _wrong(file, item, f"split: {split!r}", f"{NEIGHBOUR} or {GROUP}")
    if file.name == MIA:
        return MEMBER if member else NON_MEMBER
    return str(split)


def _wrong(file: Path, item: Item, got: str, expected: str) -> UserError:
    return UserError(
        f"{file.name} is malformed in line {item.line}",
        got=f"{file}:{item.line}: {got}",
        expected=expected,
        remedy="correct the line",
    )


def write(entry: Entry, folder: Path) -> None:
    """One concept in this layout; the pictures are written as PNG."""
    paths = _write_pictures(entry, folder)
    asked = entry.questions or entry.efficacy
    names = entry.concept.names
    files.write_lines(
        folder / QUESTIONS,
        [_row(q, {"mentions_name": holds_name(q.prompt, names)}) for q in asked],
    )
    files.write_lines(folder / HOPS, [_row(q, _shown(q, paths)) for q in entry.multihop])
    files.write_lines(folder / LANGUAGES, [_row(q, {"language": q.language}) for q in entry.multilingual])
    files.write_lines(
        folder / MIA,
        [_row(q, {"member": q.split == MEMBER} | _shown(q, paths) | _who(q, entry)) for q in entry.mia],
    )
    files.write_lines(
        folder / NEIGHBOURS,
        [_row(q, {"split": q.split} | _shown(q, paths) | _who(q, entry)) for q in entry.neighbours],
    )
    files.write_concept(folder, entry)


def _write_pictures(entry: Entry, folder: Path) -> dict[str, str]:
    """All pictures of an entry; those that are neither trained on nor tested nor others go to ``more``."""
    groups: dict[str, Sequence[Picture]] = {TRAIN: entry.train, TEST: entry.test, OTHERS: entry.others}
    known = {p.hash for group in groups.values() for p in group}
    asked = (*entry.multihop, *entry.mia, *entry.neighbours)
    more = {q.picture.hash: q.picture for q in asked if q.picture and q.picture.hash not in known}
    groups[MORE] = tuple(more.values())
    return {
        key: f"{name}/{file}"
        for name, group in groups.items()
        if group
        for key, file in files.write_pictures(folder / name, group).items()
    }


def _row(question: Question, more: Mapping[str, Any]) -> dict[str, Any]:
    form = next(form for form, kind in FORMS.items() if kind == question.kind)
    row = {"prompt": question.prompt, "keywords": list(question.keywords), "form": form}
    if question.answer:
        row["answer"] = question.answer
    if question.wording != "held_out":
        row["wording"] = question.wording
    return row | dict(more)


def _shown(question: Question, paths: Mapping[str, str]) -> dict[str, str]:
    return {"picture": paths[question.picture.hash]} if question.picture else {}


def _who(question: Question, entry: Entry) -> dict[str, str]:
    return {"identity": question.identity} if question.identity != entry.id else {}
