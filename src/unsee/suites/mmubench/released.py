"""The layout that the authors released with the paper (Li et al., arXiv 2405.12523).

One folder for one concept::

    traindon/*                          candidates for training; the first by file name is trained on
    testdon/*                           pictures to test with
    evaldata/execcuatedata.json         [{"prompt", "target"}]    EM questions
    evaldata/Multi-hop.json             [{"imgid", "prompt"}]     each about the picture it names
    evaldata/multilanguage.json         [{"prompt"}]              EM questions in other languages
    evaldata/miadata.json               [{"prompt"}]              facts, asked of one picture
    concept.yaml                        ours: name, aliases, kind, facts, looks

The layout cannot hold answers of multi-hop questions and queries, non-members, or pictures of others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unsee.nouns import Concept, Question
from unsee.suites.mmubench import files
from unsee.suites.mmubench.data import (
    GENERALITY,
    MEMBER,
    MULTIHOP,
    MULTILINGUAL,
    Entry,
    efficacy,
    paired,
)
from unsee.suites.mmubench.forms import form_of, form_of_target, language_of

TRAIN, TEST = "traindon", "testdon"
EM, HOPS, LANGUAGES, MIA = (
    f"evaldata/{name}.json" for name in ("execcuatedata", "Multi-hop", "multilanguage", "miadata")
)


def is_one(folder: Path) -> bool:
    """Whether a folder has this layout."""
    return any((folder / name).is_dir() for name in (TRAIN, TEST, "evaldata"))


def load(folder: Path, known: Entry) -> Entry:
    """One concept.

    Args:
        folder: The folder.
        known: What is known of the concept: from its sidecar or from the user.

    Raises:
        UserError: A file is malformed, a picture is damaged, or a named picture is not there.
    """
    concept = known.concept
    train, test = files.pictures(folder / TRAIN), files.pictures(folder / TEST)
    asked = _em_questions(folder / EM)
    return replace(
        known,
        train=train,
        test=test,
        efficacy=efficacy(concept, asked, train[0]) if train else (),
        questions=paired(concept, GENERALITY, asked, test),
        multihop=paired(concept, MULTIHOP, _hops(folder, train, test), ()),
        multilingual=paired(concept, MULTILINGUAL, _languages(folder / LANGUAGES, concept), test),
        mia=paired(concept, MEMBER, _queries(folder / MIA), train[:1]),
    )


def _em_questions(file: Path) -> list[Question]:
    found = []
    for item in files.read_items(file, ("prompt", "target")):
        targets = files.texts(file, item, "target")
        kind = form_of_target(targets[0]) if targets else "name"
        found.append(Question("", item.fields["prompt"], kind, keywords=targets))
    return found


def _hops(folder: Path, train: files.Pictures, test: files.Pictures) -> list[Question]:
    file = folder / HOPS
    shown = {**files.named(train), **files.named(test)}
    return [
        Question("", item.fields["prompt"], "open", files.find_picture(file, item, "imgid", shown))
        for item in files.read_items(file, ("imgid", "prompt"))
    ]


def _languages(file: Path, concept: Concept) -> list[Question]:
    found = []
    for item in files.read_items(file, ("prompt",)):
        prompt = item.fields["prompt"]
        kind = form_of(prompt, concept.names)
        keywords = concept.names if kind == "name" else ("yes",)
        found.append(Question("", prompt, kind, keywords=keywords, language=language_of(prompt)))
    return found


def _queries(file: Path) -> list[Question]:
    return [Question("", item.fields["prompt"], "open") for item in files.read_items(file, ("prompt",))]


def target(question: Question, concept: Concept) -> str:
    """The target of an EM question as released files spell it: one text in small letters."""
    if question.kind == "name" and question.keywords == concept.names:
        return concept.name.lower()
    return question.keywords[0] if question.keywords else ""


def write(entry: Entry, folder: Path) -> None:
    """One concept in this layout, with our sidecar beside it; the pictures are written as PNG."""
    shown = files.write_pictures(folder / TRAIN, entry.train)
    shown |= files.write_pictures(folder / TEST, entry.test, start=len(entry.train))
    (folder / "evaldata").mkdir(parents=True, exist_ok=True)
    asked = entry.questions or entry.efficacy
    files.write_array(folder / EM, [{"prompt": q.prompt, "target": target(q, entry.concept)} for q in asked])
    hops = [
        {"imgid": f"{TEST}/{shown[q.picture.hash]}", "prompt": q.prompt} for q in entry.multihop if q.picture
    ]
    files.write_array(folder / HOPS, hops)
    files.write_array(folder / LANGUAGES, [{"prompt": q.prompt} for q in entry.multilingual])
    members = [{"prompt": q.prompt} for q in entry.mia if q.split == MEMBER]
    files.write_array(folder / MIA, members)
    files.write_concept(folder, entry)
