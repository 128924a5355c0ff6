"""Read a benchmark from a folder of either layout, with one concept or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from unsee.nouns import Concept, UserError
from unsee.suites.mmubench import files, generate, ours, released
from unsee.suites.mmubench.checks import check
from unsee.suites.mmubench.concepts import published
from unsee.suites.mmubench.data import GENERALITY, Benchmark, Entry, efficacy, paired, slug

LAYOUTS = (ours, released)


def load_benchmark(path: str | Path, concept: Concept | None = None) -> Benchmark:
    """A benchmark from a folder: that of one concept, or one whose folders are those of concepts.

    Sets of questions without a file are made from our own templates; ``checks`` names them.

    Args:
        path: The folder, in the released layout or in ours, concept by concept.
        concept: Name, aliases and kind where the folder of one concept has no ``concept.yaml``; a value of
            the sidecar goes first. Folders of many concepts without a sidecar are named by the folder.

    Raises:
        UserError: No such folder, no known layout, no name, or something missing, damaged or malformed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError("no such folder", got=path, expected="a folder of MMUBench", remedy="check the path")
    many = not _layout(folder)
    homes = sorted(f for f in folder.iterdir() if f.is_dir() and _layout(f)) if many else [folder]
    if not homes:
        raise _no_layout(folder)
    entries, made = [], {}
    for home in homes:
        entry, absent = _complete(_read(home, concept, many))
        entries.append(entry)
        made[entry.id] = absent
    return Benchmark(folder.name, tuple(entries), check(entries, made))


def _layout(folder: Path) -> Callable[[Path, Entry], Entry] | None:
    return next((layout.load for layout in LAYOUTS if layout.is_one(folder)), None)


def _no_layout(folder: Path) -> UserError:
    inside = ", ".join(sorted(f.name for f in folder.iterdir())[:8])
    return UserError(
        "the folder holds no concept of MMUBench",
        got=f"{folder} with {inside or 'nothing in it'}",
        expected="folders train and test, or traindon, testdon and evaldata, or such folders one level down",
        remedy="see docs/mmubench_data.md",
    )


def _read(home: Path, concept: Concept | None, many: bool) -> Entry:
    known = files.read_concept(home)
    if known is None:
        known = files.blank(_named_by_folder(home) if many else _given(home, concept))
    elif concept is not None and not many:
        known = replace(known, concept=_joined(known.concept, concept))
    load = _layout(home)
    assert load is not None, home
    return load(home, known)


def _given(home: Path, concept: Concept | None) -> Concept:
    if concept is None:
        raise UserError(
            "nothing says what the pictures show",
            got=home,
            expected=f"a {files.SIDECAR} with names, or a name",
            remedy=f"give --name and --kind, or write {files.SIDECAR}",
        )
    return concept if concept.id else replace(concept, id=slug(concept.name))


def _named_by_folder(home: Path) -> Concept:
    """A published concept of the folder's name, else a person of that name."""
    words = home.name.replace("_", " ").replace("-", " ")
    return published(words) or Concept(words, id=slug(words))


def _joined(told: Concept, given: Concept) -> Concept:
    """The sidecar's concept with the user's aliases and facts added."""
    aliases = tuple(dict.fromkeys((*told.aliases, *given.names)))
    return replace(
        told,
        aliases=tuple(a for a in aliases if a != told.name),
        facts=tuple(dict.fromkeys((*told.facts, *given.facts))),
        looks=told.looks or given.looks,
    )


def _complete(entry: Entry) -> tuple[Entry, list[str]]:
    """The entry with questions made from our templates for what has none, and the names of these sets."""
    concept, made = entry.concept, list[str]()
    if not entry.train:
        return entry, made
    if not entry.efficacy:
        asked = generate.em_questions(concept)
        named = paired(concept, GENERALITY, asked, entry.test)
        entry, made = (
            replace(entry, efficacy=efficacy(concept, asked, entry.picture), questions=named),
            ["EM"],
        )
    if not entry.multihop:
        entry = replace(entry, multihop=generate.generated_multihop(concept, entry.test))
        made += ["multi-hop"] if entry.multihop else []
    if not entry.multilingual:
        entry = replace(entry, multilingual=generate.generated_multilingual(concept, entry.test))
        made += ["multilingual"] if entry.multilingual else []
    if not entry.mia:
        entry = replace(entry, mia=generate.generated_mia(concept, entry.picture))
        made += ["membership"] if entry.mia else []
    return entry, made
