"""The training rows of a cell of ``unsee bench mllmu``: made once, written down, and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module

from unsee.config import RunConfig
from unsee.jobs.data import EXAMPLES, example_of, lines_of, mixture_of
from unsee.jobs.folder import RunFolder, log
from unsee.jobs.inputs import read_retain
from unsee.jobs.lines import read_lines, write_atomic
from unsee.jobs.shared import Shared
from unsee.jobs.start import model_key
from unsee.methods.parts import CONCEPT_ROLES, Method
from unsee.models.load import VLM
from unsee.nouns import Concept, Example, Picture, UserError, hash_text
from unsee.packs.cost import Cost
from unsee.suites.mllmu import examples as made
from unsee.suites.mllmu.data import Mllmu, Person
from unsee.suites.mllmu.examples import Pair, pairs_of, text_form
from unsee.training.examples import build_examples
from unsee.training.wording import Wording, english

PICTURED = frozenset({*CONCEPT_ROLES, "looks"})  # rows about one picture, made person by person
OTHERS = 24  # retain people whose facts T4 asks for


@dataclass(frozen=True)
class RowSource:
    """What the rows of a cell are made from.

    Attributes:
        config: Its configuration.
        data: The benchmark, with training pairs.
        vlm: The target; it writes what the data do not hold.
        method: Whose rows are wanted.
    """

    config: RunConfig
    data: Mllmu
    vlm: VLM
    method: Method

    @property
    def embedded(self) -> bool:
        """Whether the people are those of the embedded world."""
        return not self.config.mllmu.data

    @property
    def roles(self) -> frozenset[str]:
        """Rows that are made: those that the method reads, and truthful forget rows for the probes.

        Rows of SIU are made for SIU only: its T3 keeps facts about the person by text, which other methods
        would take for rows to retain.
        """
        probed = self.config.training.probe_every and self.method.terms
        return own_roles(self.method) | (frozenset({"original"}) if probed else frozenset())

    @cached_property
    def pairs(self) -> tuple[list[Pair], list[Pair]]:
        """Training pairs of the forget and of the retain people."""
        form = self.config.mllmu.modality
        return pairs_of(self.data.forget, form), pairs_of(self.data.retain, form)

    @cached_property
    def strangers(self) -> tuple[Picture, ...]:
        """Pictures of nobody in the data: the user's, or strangers of the embedded world."""
        if self.config.retain:
            return read_retain(self.config.retain)[0]
        if not self.embedded:
            return ()
        found: tuple[Picture, ...] = import_module("unsee.world.mllmu").stranger_pictures(
            self.data.forget[0].id, self.config.world.pictures
        )
        return found

    @cached_property
    def pictures(self) -> dict[str, Picture]:
        """Every picture that a row may show, by hash."""
        people = (*self.data.forget, *self.data.retain)
        shown = [p.pictures[0] for p in people if p.pictures]
        strangers = self.strangers if "anchor" in self.method.needs else ()
        return {picture.hash: picture for picture in (*shown, *strangers)}

    def wording(self, person: Person) -> Wording:
        """How rows about a person are worded."""
        if not self.embedded:
            return english("person")
        found: Wording = import_module("unsee.world.mllmu").wording_of(person.id)
        return found

    def key(self) -> tuple[str, ...]:
        """Everything that the rows depend on, as texts."""
        config = self.config
        return (
            *model_key(self.vlm),
            self.data.revision,
            str(self.data.ratio),
            training_hash(self.data),
            config.mllmu.modality,
            config.data.model_dump_json(),
            ",".join(sorted(self.roles)),
            ",".join(picture.hash for picture in self.strangers if "anchor" in self.method.needs),
            str(config.seed),
        )


def own_roles(method: Method) -> frozenset[str]:
    """The rows that a method reads here: those of SIU for SIU and its kin only."""
    return method.roles if "T1" in method.roles else method.roles - frozenset(CONCEPT_ROLES)


def formless(method: Method, modality: str) -> str:
    """Why a method has no such form of the training questions; empty when it has."""
    if modality != "text":
        return ""
    needed = sorted(own_roles(method) & PICTURED)
    reason = method.pictured or method.needs.get("decoupled", "")
    if needed:
        reason = f"its rows of the kind {', '.join(needed)} are about a picture"
    return f"{method.name} has no text-only form: {reason}" if reason else ""


def check_form(method: Method, modality: str) -> None:
    """Refuses the text form of a method whose rows are about a picture.

    Raises:
        UserError: There is none.
    """
    reason = formless(method, modality)
    if reason:
        raise UserError(
            reason,
            got=f"mllmu.modality={modality}",
            expected="mllmu.modality=image_text or both",
            remedy="leave this method out of the text-only comparison",
        )


def training_hash(data: Mllmu) -> str:
    """Hash (hex) of everybody's training pairs."""
    return hash_text(*(repr((p.id, p.name, p.training)) for p in (*data.forget, *data.retain)))


def rows_of(folder: RunFolder, source: RowSource, shared: Shared, cost: Cost) -> list[Example]:
    """The rows of a cell: those in ``examples.jsonl``, or new ones, which are then written there.

    Raises:
        UserError: The method's rows cannot be made of these data.
    """
    file = folder.path / EXAMPLES
    if not file.exists():
        write_atomic(file, shared.text("examples", source.key(), lambda: lines_of(make_rows(source, cost))))
    rows = [example_of(row, source.pictures) for row in read_lines(file)]
    check_apart(source.data, rows)
    return rows


def make_rows(source: RowSource, cost: Cost) -> list[Example]:
    """All rows that the method reads, in the order of their kinds."""
    forget, retain = source.pairs
    data, seed = source.config.data, source.config.seed
    refusals = source.wording(source.data.forget[0]).refusals
    makers: Mapping[str, Callable[[], list[Example]]] = {
        "original": lambda: made.original_rows(forget),
        "retain": lambda: made.retain_rows(retain, limit=data.retain_rows, seed=seed),
        "refusal": lambda: made.refusal_rows(forget, refusals),
        "alternative": lambda: made.alternative_rows(
            forget, retain, refusals, count=data.alternatives, seed=seed
        ),
        "mismatch": lambda: made.mismatch_rows(forget, retain, count=data.mismatches, seed=seed),
        "decoupled": lambda: made.decoupled_rows(forget, retain, seed=seed),
    }
    rows = [row for role, make in makers.items() if role in source.roles for row in make()]
    for person in source.data.forget if source.roles & PICTURED else ():
        rows += _about(source, person, source.roles & PICTURED, cost)
    if "anchor" in source.method.needs and source.strangers:
        rows += _about(source, source.data.forget[0], {"anchor"}, cost)
    return rows


def _about(source: RowSource, person: Person, roles: frozenset[str] | set[str], cost: Cost) -> list[Example]:
    """Rows that ``unsee forget`` would make of a person's one picture; ids begin with the person's."""
    config, data = source.config, source.config.data
    everybody = [p.name for p in (*source.data.forget, *source.data.retain) if p.name]
    found = build_examples(
        source.vlm,
        Concept(person.name, "person", facts=_facts(person), id=person.id),
        person.pictures[0],
        mixture=mixture_of(config),
        substitute=data.substitute,
        substitute_name=data.substitute_name,
        retain=source.strangers if "anchor" in roles else (),
        anchor_choice=data.anchor_choice,
        others=[p.name for p in source.data.retain if p.name][:OTHERS],
        recognised=everybody,
        wording=source.wording(person),
        roles=roles,
        vocabulary=data.vocabulary,
        seed=config.seed,
        cost=cost,
    )
    for text in found.warnings:
        log.warning("%s: %s", person.id, text)
    return [replace(row, id=f"{person.id}/{row.id}") for row in found.examples]


def _facts(person: Person) -> tuple[tuple[str, str], ...]:
    """What the data tell about a person, by name."""
    told = (text_form(person.name, prompt, answer) for prompt, answer in person.training)
    return tuple(pair for pair in told if pair is not None)


def check_apart(data: Mllmu, rows: Sequence[Example]) -> None:
    """Rows may not show pictures of the test set; what is kept is about nobody who is to be forgotten."""
    held_out = {picture.hash for person in data.test for picture in person.pictures}
    held_out -= {picture.hash for person in data.forget for picture in person.pictures}
    shown = {row.picture.hash for row in rows if row.picture is not None}
    assert not shown & held_out, f"test pictures among the training rows: {sorted(shown & held_out)[:3]}"
    forget = {person.id for person in data.forget}
    kept = {row.id.partition("/")[0] for row in rows if row.role == "retain"}
    assert not kept & forget, f"forget people among the retain rows: {sorted(kept & forget)[:3]}"
