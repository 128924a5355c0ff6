"""The benchmark of a configuration: its concepts, their sheets, the pool, and each one's training side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from unsee.config import RunConfig, nearest
from unsee.jobs import embedded
from unsee.jobs.concepts import slug
from unsee.jobs.inputs import Request, read_retain, with_absolute_paths
from unsee.jobs.mmubench_utility import local_suites
from unsee.nouns import Concept, Picture, Question, UserError, hash_text
from unsee.suites.mmubench.checks import kept_subjects
from unsee.suites.mmubench.data import Benchmark, Entry
from unsee.suites.mmubench.load import load_benchmark
from unsee.suites.mmubench.sheet import Sheet, at_most, folder_pool, kept, make_sheet
from unsee.suites.utility.local import LocalSuite
from unsee.training.wording import english

WHOLE_WORLD = 20  # concepts of the embedded benchmark, as the paper has it


@dataclass(frozen=True)
class Paper:
    """What one run asks.

    Attributes:
        benchmark: Where it comes from, and what must be known about the data.
        sheets: The concepts of the run.
        pool: What must be kept; the same for every concept.
        utility: Local suites, which the target and the model after are asked.
    """

    benchmark: Benchmark
    sheets: tuple[Sheet, ...]
    pool: tuple[Question, ...]
    utility: tuple[LocalSuite, ...] = ()

    @property
    def local(self) -> tuple[Question, ...]:
        """The questions of all local suites: together, so that a picture of several is encoded once."""
        return tuple(question for suite in self.utility for question in suite.asked)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Everything that is asked."""
        return (*(q for sheet in self.sheets for q in sheet.questions), *self.pool, *self.local)

    def kept(self, sheets: Sequence[Sheet], stage: str) -> tuple[Question, ...]:
        """The pool without what is about these concepts or looks like them."""
        entries = [sheet.entry for sheet in sheets]
        alike = [k for e in entries for k in _alike(self.benchmark, e, stage)]
        return tuple(kept(self.pool, entries, alike))


def read_paper(config: RunConfig) -> Paper:
    """The questions of a configuration: of the concepts in ``mmubench.concepts``, or of all.

    Raises:
        UserError: Data that cannot be read, an unknown concept or set.
    """
    given, limit = config.mmubench, config.evaluation.limit
    benchmark = read_benchmark(config)
    chosen = given.concepts or tuple(entry.id for entry in benchmark.entries)
    sheets = [
        make_sheet(_entry(benchmark, key), benchmark.entries, given.splits, limit)
        for key in dict.fromkeys(chosen)
    ]
    whole = _pool(config, benchmark)
    pool = [q for q in whole if not given.splits or q.split in given.splits]
    # Two at least: one of them may be about the concept that is forgotten.
    least = max(2, limit) if limit else 0
    return Paper(benchmark, tuple(sheets), tuple(at_most(pool, least)), local_suites(config))


def read_benchmark(config: RunConfig) -> Benchmark:
    """The benchmark: a folder, or the embedded concepts (those of the run, or the twenty of the paper).

    Raises:
        UserError: It cannot be read, or needs a model of the user's.
    """
    given, world = config.mmubench, config.world
    if given.data:
        concept = None
        if config.name:
            concept = Concept(
                config.name, config.kind, config.alias, looks=config.looks, id=slug(config.name)
            )
        return _folder(given.data, concept)
    if not config.embedded:
        raise UserError(
            "The embedded concepts belong to the embedded model.",
            got=f"--model {config.model}",
            expected="--data FOLDER beside it: pictures of what the model knows",
            remedy="add --data, see docs/mmubench_data.md, or leave --model out",
        )
    from unsee.world.mmubench import embedded_benchmark

    return embedded_benchmark(
        stage=world.stage,
        split=world.split,
        concepts=given.concepts or WHOLE_WORLD,
        pictures=given.pictures,
        questions=given.questions,
    )


@lru_cache(maxsize=2)
def _folder(path: str, concept: Concept | None) -> Benchmark:
    """Read once per process: a matrix has many cells on one folder."""
    return load_benchmark(path, concept)


def _entry(benchmark: Benchmark, key: str) -> Entry:
    known = [entry.id for entry in benchmark.entries]
    if key not in known:
        match = nearest(key, known)
        raise UserError(
            "There is no such concept in the benchmark.",
            got=key,
            expected=", ".join(known[:20]),
            remedy=f"did you mean {match}?" if match else "correct --concepts",
        )
    return benchmark.entry(key)


def _pool(config: RunConfig, benchmark: Benchmark) -> tuple[Question, ...]:
    if config.mmubench.data:
        return folder_pool(benchmark.entries)
    from unsee.world.mmubench_requests import embedded_pool

    return embedded_pool(config.world.stage, config.world.split)


def _alike(benchmark: Benchmark, entry: Entry, stage: str) -> tuple[str, ...]:
    if benchmark.name != "embedded":
        return ()
    from unsee.world.mmubench_requests import alike

    return alike(entry.id, stage)


def concept_ids(config: RunConfig, text: str) -> tuple[str, ...]:
    """The concepts of ``--concepts``: all, a number, or ids with commas between them.

    Raises:
        UserError: Too many, or an unknown id.
    """
    text, count = text.strip(), WHOLE_WORLD
    named = [part.strip() for part in text.split(",") if part.strip()]
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if config.embedded and not config.mmubench.data and text != "all" and not number:
        from unsee.world.suite import find

        for key in named:
            find(key, config.world.stage)
        return tuple(dict.fromkeys(named))
    if config.mmubench.data or text != "all" and not number:
        ids = [] if number or text == "all" else named
        found = config.model_copy(update={"mmubench": replace_section(config, concepts=tuple(ids))})
        benchmark = read_benchmark(found)
        return tuple(_entry(benchmark, key).id for key in ids) or _first(benchmark, number)
    if not config.embedded:
        read_benchmark(config)
    from unsee.world.mmubench import choose

    chosen = choose(config.world.stage, config.world.split, number or count)
    _check_count(number, len(chosen))
    return chosen


def with_concepts(config: RunConfig, text: str) -> RunConfig:
    """The configuration about the concepts of ``--concepts``; as it is where nothing was given.

    Raises:
        UserError: Too many, or an unknown id.
    """
    config = with_absolute_paths(config)
    if not text:
        return config
    chosen = concept_ids(config, text)
    return config.model_copy(update={"mmubench": replace_section(config, concepts=chosen)})


def _first(benchmark: Benchmark, number: int) -> tuple[str, ...]:
    _check_count(number, len(benchmark.entries))
    return tuple(entry.id for entry in benchmark.entries)[: number or None]


def _check_count(wanted: int, there: int) -> None:
    if wanted > there:
        raise UserError(
            "There are not so many concepts.",
            got=f"--concepts {wanted}",
            expected=f"1 to {there}, or all",
            remedy="--concepts all",
        )


def replace_section(config: RunConfig, **values: Any) -> Any:
    """The section ``mmubench`` with other values."""
    return config.mmubench.model_copy(update=values)


def request_of(config: RunConfig, entry: Entry, paper: Paper, folder: Path) -> Request:
    """The training side of one concept, as ``unsee forget`` has it.

    Args:
        config: The configuration, its paths absolute.
        entry: The concept.
        paper: The run: whatever else it forgets is not kept for this one's sake.
        folder: The run folder.
    """
    data = config.data
    if not data.substitute_name and data.substitute == "name":
        data = data.model_copy(update={"substitute_name": entry.substitute})
    told = config.model_copy(update={"data": data, "retain": _retain(config)})
    if config.mmubench.data:
        return _folder_request(told, entry, paper, folder)
    from unsee.world.mmubench_requests import request

    world = request(
        entry.id,
        config.world.stage,
        told.world.retain if _with_pictures(config) else "none",
        config.world.pictures,
        tuple(sheet.id for sheet in paper.sheets),
        entry.other_looks,
    )
    model = str(embedded.model_path(config.world.stage))
    shown = tuple(world.retain_pictures)
    return Request(told, world.concept, entry.picture, entry.test, shown, (), model, folder, world)


def _with_pictures(config: RunConfig) -> bool:
    """SIU of the paper and of its released code trains on no picture of others."""
    return config.method != "siu" or config.knobs.get("variant", "corrected") == "corrected"


def _retain(config: RunConfig) -> str:
    return config.retain if _with_pictures(config) else ""


def _folder_request(config: RunConfig, entry: Entry, paper: Paper, folder: Path) -> Request:
    wording = english(entry.concept.kind)
    if entry.other_looks:
        wording = replace(wording, other_look=entry.other_looks)
    gone = {name.casefold() for sheet in paper.sheets for name in sheet.entry.concept.names}
    subjects = kept_subjects(entry, paper.benchmark.entries) or wording.other_names
    others = tuple(name for name in subjects if name.casefold() not in gone)
    pictures, rows = read_retain(config.retain)
    shown = tuple(p for p in pictures if p.hash not in _own_pictures(paper))
    model = config.model or str(embedded.model_path(config.world.stage))
    request = Request(config, entry.concept, entry.picture, entry.test, shown, rows, model, folder, None)
    return replace(request, row_wording=replace(wording, other_names=others))


def _own_pictures(paper: Paper) -> set[str]:
    """Pictures that are asked about: none of them is trained on to keep something."""
    entries = paper.benchmark.entries
    shown: list[Picture] = [p for e in entries for p in (*e.train, *e.test, *e.others)]
    return {p.hash for p in shown}


def paper_hash(paper: Paper) -> str:
    """Hash (hex) of everything that is asked."""
    return questions_hash(paper.questions)


def questions_hash(questions: Sequence[Question]) -> str:
    """Hash (hex) of questions with their pictures and right answers."""
    return hash_text(
        *(
            "\x1e".join((q.id, q.prompt, q.split, q.answer, *q.keywords, q.picture.hash if q.picture else ""))
            for q in questions
        )
    )
