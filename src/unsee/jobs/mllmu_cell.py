"""One cell of ``unsee bench mllmu``: a method forgets all people of a forget set, and the model is asked.

What no method changes (the answers of target, base and gold model and of the controls) is made once for the
whole matrix and lies in ``shared/``; ``environment.json`` of a cell says where.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.environment import environment
from unsee.jobs.folder import RunFolder, log, open_run
from unsee.jobs.inputs import with_absolute_paths
from unsee.jobs.lines import Lines, write_atomic
from unsee.jobs.measure import as_record
from unsee.jobs.mllmu import CONTROLS, MllmuOptions, judge_of
from unsee.jobs.mllmu_asking import ask_missing
from unsee.jobs.mllmu_floors import base_of, gold_of, other_gold_of
from unsee.jobs.mllmu_rows import RowSource, check_form, rows_of, training_hash
from unsee.jobs.receipt import Receipt
from unsee.jobs.shared import Shared
from unsee.jobs.start import model_key
from unsee.jobs.training import method_of, scope_of, settings_of, show_scope, unlearn_and_save
from unsee.methods.parts import Method
from unsee.metrics.factuality import FactJudge
from unsee.models.adapters import detach, load_adapter, merge
from unsee.models.attach import check_scope
from unsee.models.chat import Chat
from unsee.models.load import VLM, load
from unsee.models.skeleton import open_chat
from unsee.nouns import Record, UserError
from unsee.packs.cost import Cost
from unsee.reports.mllmu_beside import full_markdown
from unsee.reports.mllmu_page import write_evaluation
from unsee.suites.mllmu.asks import Ask, Protocol, protocol, under
from unsee.suites.mllmu.context import check_context
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.load import load as load_data
from unsee.suites.mllmu.official import official_files
from unsee.suites.mllmu.presets import get_preset
from unsee.suites.mllmu.results import OTHER_GOLD, gate_of, results_of
from unsee.suites.mllmu.scoring import FORGET_SETS
from unsee.suites.records import joined
from unsee.training.unlearn import Work, check_gold

JOB = "bench mllmu"
RESULTS = "results.json"
STAGE = "target"


def forget_people(config: RunConfig, shared: Shared | None = None) -> RunFolder:
    """Runs or continues one cell.

    Args:
        config: The configuration; ``mllmu.ratio`` says who is forgotten.
        shared: Where cells find what they have in common; None = beside the cell's own files.

    Raises:
        UserError: The input is wrong, or the target never knew the people.
    """
    config = with_absolute_paths(config)
    path = Path(config.out)
    method = method_of(config)
    check_form(method, config.mllmu.modality)
    data = read_people(config)
    check_gold(method, bool(gold_of(config)))
    vlm = load_target(config)
    if method.terms:
        check_scope(vlm, scope_of(config))
    asked = protocol_of(config, data, vlm.base.config.model_type)
    check_context(vlm.chat, asked.asks)
    with open_run(path, config) as folder:
        cell = PeopleCell(config, data, asked, method, vlm, folder, shared or Shared(path / "shared"))
        cell.claim()
        if folder.read(RESULTS) is None:
            cell.run()
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return folder


def read_people(config: RunConfig) -> Mllmu:
    """The benchmark at the ratio of the configuration, with training pairs.

    Raises:
        UserError: It cannot be read.
    """
    given = config.mllmu
    if given.data:
        demos = get_preset(given.protocol).pool != "none"
        return load_data(given.data, given.ratio, revision=given.data_revision, training=True, demos=demos)
    from unsee.world.mllmu import SELECTION_SEED, embedded_mllmu

    return embedded_mllmu(given.ratio, seed=SELECTION_SEED if given.split == "selection" else 0)


def protocol_of(config: RunConfig, data: Mllmu, model_type: str) -> Protocol:
    """What every model of a cell is asked."""
    given = config.mllmu
    return protocol(
        data,
        get_preset(given.protocol),
        model_type,
        seed=0,  # the draws of a protocol are the same for every cell
        limit=given.limit,
        max_new_tokens=config.evaluation.max_new_tokens,
    )


def load_target(config: RunConfig) -> VLM:
    """The model that knows everybody; an adapter of the user's is merged into it first."""
    if config.embedded:
        return _load(config, str(embedded.model_path(STAGE)))
    vlm = _load(config, config.model)
    return merge(load_adapter(vlm, config.adapter)) if config.adapter else vlm


def chat_of_target(config: RunConfig) -> tuple[Chat, str]:
    """How the target of a configuration reads text, and its model type, without its weights."""
    if config.embedded:
        return open_chat(embedded.model_path(STAGE))
    return open_chat(
        config.model, revision=config.revision or None, trust_remote_code=config.trust_remote_code
    )


def judge_for(config: RunConfig, path: Path) -> FactJudge:
    """Who grades generated answers; what a judge said is kept under ``path`` and never asked again.

    Raises:
        UserError: The judge is only half given or cannot be asked.
    """
    given = config.mllmu
    options = MllmuOptions(judge_url=given.judge_url, judge_model=given.judge_model)
    return judge_of(config, options, path)


def _load(config: RunConfig, model: str) -> VLM:
    own = model == config.model
    return load(
        model,
        revision=config.revision or None if own else None,
        device=config.device,
        dtype=config.dtype,
        attention=config.attention,
        trust_remote_code=config.trust_remote_code,
        four_bits=own and config.training.quantize == "4bit",
    )


@dataclass
class PeopleCell:
    """A cell at work.

    Attributes:
        config: Its configuration.
        data: The benchmark at its ratio.
        asked: What every model is asked.
        method: The method.
        vlm: The target.
        folder: Its run folder.
        shared: What cells have in common.
    """

    config: RunConfig
    data: Mllmu
    asked: Protocol
    method: Method
    vlm: VLM
    folder: RunFolder
    shared: Shared

    def claim(self, **more: Any) -> None:
        """Makes the folder belong to this cell: its model, data, protocol and machine type."""
        inputs = {
            "job": JOB,
            "weights": self.vlm.weights_hash,
            "template": self.vlm.chat.template_hash,
            "device": f"{self.vlm.device.type} {self.vlm.dtype}",
            "data": self.data.revision,
            "protocol": self.asked.hash,
            "training": training_hash(self.data),
        }
        family = {"model_type": str(self.vlm.base.config.model_type)}
        found = environment(seed=self.config.seed, inputs=inputs) | family
        earlier = self.folder.read("environment.json") or {}
        self.folder.claim(self.config, {**earlier, **found, **more})

    @cached_property
    def receipt(self) -> Receipt:
        """What the cell costs."""
        return Receipt(self.folder)

    def run(self) -> None:
        """All stages; those that are done are passed over."""
        for note in self.data.notes:
            log.info("%s", note)
        records = {"target": self.kept(self.vlm, "target", self.asked.asks)}
        self.check_gate(records["target"])
        if self.config.mllmu.controls and self.asked.preset.parser == "likelihood":
            known = [a for a in self.asked.asks if a.set in FORGET_SETS]
            for condition in CONTROLS:
                label = f"target:{condition}"
                records[label] = self.kept(self.vlm, label, under(condition, known))
        self.train()
        with self.receipt.stage("unlearned") as cost:
            lines = self.folder.records()
            unlearned = load_adapter(self.vlm, self.folder.adapter)
            self.ask(unlearned, "unlearned", self.asked.asks, lines, cost)
            detach(unlearned)
        records["unlearned"] = [as_record(row) for row in lines.rows]
        floors = {
            "base": base_of(self.config),
            "gold": gold_of(self.config),
            OTHER_GOLD: other_gold_of(self.config),
        }
        for label, model in floors.items():
            if model:
                records[label] = self.kept(_load(self.config, model), label, self.asked.asks)
        self.write(records)

    def write(self, records: Mapping[str, Sequence[Record]]) -> None:
        """Results, table and the files of the release."""
        judge = judge_for(self.config, self.shared.path)
        found = results_of(self.asked, records, data=self.data, judge=judge, seed=0)
        found |= {
            "method": self.method.name,
            "modality": self.config.mllmu.modality,
            "seed": self.config.seed,
        }
        answered = joined(self.asked.asks, records["unlearned"])
        for name, text in official_files(self.asked.preset, answered, "unlearned").items():
            write_atomic(self.folder.path / "official" / name, text)
        write_atomic(self.folder.path / "table.md", full_markdown(found))
        heading = f"{self.method.name}, {self.data.ratio} %, {self.config.mllmu.modality}"
        write_evaluation(self.folder.path / "report.html", found, heading)
        self.folder.write(RESULTS, found)

    def check_gate(self, records: Sequence[Record]) -> None:
        """Refuses people whom the target does not know, before anything is trained.

        Raises:
            UserError: In no task is the target above what is scored without knowing them.
        """
        found = gate_of(self.asked, records)
        known = [cell for cell, gate in found.items() if gate["known"]]
        if known or self.config.force:
            return
        raise UserError(
            "The target does not know the people who are to be forgotten.",
            got="no task of the forget set is answered better than by guessing from others' answers",
            expected="a model that was fine-tuned on these people",
            remedy="train one with unsee train target --data ... --model ..., or go on with --force",
        )

    def train(self) -> None:
        """Makes the rows and the adapter."""
        with self.receipt.stage("examples") as cost:
            source = RowSource(self.config, self.data, self.vlm, self.method)
            examples = rows_of(self.folder, source, self.shared, cost)
        if self.folder.adapter.is_dir():
            return
        log.info("%s on %d rows about %d people", self.method.name, len(examples), len(self.data.forget))
        compares = any(teacher.model == "gold" for teacher in self.method.teachers)
        with self.receipt.stage("training") as cost:
            work = Work(
                self.vlm,
                examples,
                settings_of(self.config),
                self.folder.path,
                names=tuple(person.name for person in self.data.forget if person.name),
                gold=_load(self.config, gold_of(self.config)) if compares else None,
                cost=cost,
                on_attached=lambda vlm: self.claim(trained=show_scope(vlm)),
            )
            notes = unlearn_and_save(self.method, work, self.folder)
        self.claim(chosen=dict(notes))

    def kept(self, vlm: VLM, label: str, asks: Sequence[Ask]) -> list[Record]:
        """The records of a model that no method changes, from whoever asked it first."""
        key = (label, *model_key(vlm), self.asked.hash)
        cost = Cost()
        with cost.measure():
            rows = self.shared.answers(key, lambda lines: self.ask(vlm, label, asks, lines, cost))
        if cost.lm_tokens:
            self.receipt.add(f"shared {label}", cost)
        place = self.shared.place("answers", key)
        told = (self.folder.read("environment.json") or {}).get("answers", {})
        self.claim(answers={**told, label: place.name})
        return [as_record(row) for row in rows]

    def ask(self, vlm: VLM, label: str, asks: Sequence[Ask], lines: Lines, cost: Cost) -> None:
        """Adds the records that are missing."""
        batch = self.config.evaluation.batch
        ask_missing(vlm, self.asked.preset, asks, label, lines, batch=batch, counted=nullcontext(cost))
