"""The main job: check, ask the target, make rows, train, save, ask again, write results and report.

Every stage leaves its result in the run folder and is skipped when that result is there, so the same command
continues a run that was stopped at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unsee.config import RunConfig
from unsee.jobs.closing import close
from unsee.jobs.data import examples_of, probe_examples
from unsee.jobs.folder import RUN, RunFolder, log, open_run
from unsee.jobs.inputs import Request, check
from unsee.jobs.lines import Lines
from unsee.jobs.measure import Row, as_record, ask, ask_portions, gate_portions
from unsee.jobs.memory import check_memory
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt
from unsee.jobs.results import records_by_model, results_of
from unsee.jobs.shared import Shared
from unsee.jobs.start import claim, load_model, model_key
from unsee.jobs.suites import concept_questions, questions_hash
from unsee.jobs.training import method_of, scope_of, settings_of, show_scope, unlearn_and_save
from unsee.models.adapters import detach, load_adapter, merge
from unsee.models.attach import check_scope
from unsee.models.load import VLM, load
from unsee.models.processes import agreed, from_leader, join
from unsee.nouns import UserError
from unsee.packs.cost import Cost
from unsee.suites.concept.gate import gate
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.training.names import NameMode, name_ids
from unsee.training.unlearn import Work


def forget(config: RunConfig, shared: Shared | None = None) -> Outcome:
    """Runs or continues ``unsee forget``.

    Args:
        config: The resolved configuration.
        shared: Where runs that differ in the method or its settings only find what they have in common.

    Raises:
        UserError: The input is wrong; nothing was written but, after the model was asked, the log.
    """
    join(config.device)
    with agreed():
        request = check(config)
        check_memory(request.config)
        vlm = load_target(request)
        if method_of(config).terms:
            check_scope(vlm, scope_of(config))
    with open_run(request.folder, request.config) as folder:
        job = _Job(request, vlm, folder, concept_questions(request), shared)
        job.run()
        from_leader(lambda: close(folder, job.questionnaire, request))
        results = folder.read("results.json")
    return Outcome(folder.own, results, folder.adapter, config.redact)


def load_target(request: Request) -> VLM:
    """The model that is made to forget; an adapter of the user's is merged into it first.

    Raises:
        UserError: The model cannot be used.
    """
    vlm, adapter = load_model(request), request.config.adapter
    return merge(load_adapter(vlm, adapter)) if adapter else vlm


@dataclass
class _Job:
    request: Request
    vlm: VLM
    folder: RunFolder
    questionnaire: Questionnaire
    shared: Shared | None = None

    @property
    def vocabulary(self) -> NameMode:
        """How the vocabulary mask is made from the names."""
        return self.request.config.data.vocabulary

    def run(self) -> None:
        """All stages; those that are done are passed over."""
        if (self.folder.path / RUN).exists():
            self.claim()
        if self.folder.read("results.json") is not None:
            log.info("the run is finished")
            return
        self.receipt = Receipt(self.folder)
        for text in name_ids(self.vlm.tokenizer, self.request.concept.names, self.vocabulary).warnings:
            log.warning("%s", text)
        self.check_gate()
        self.records = self.folder.records()
        for model in ("target", "blind"):
            self.ask(self.vlm, model)
        self.train()
        unlearned = load_adapter(self.vlm, self.folder.adapter)
        self.ask(unlearned, "unlearned")
        gold = self.load_gold()
        if gold is not None:
            self.ask(gold, "gold", reference=detach(unlearned))
        found = results_of(self.request, "concept", self.questionnaire, records_by_model(self.records))
        self.folder.write("results.json", found)

    def claim(self, **more: Any) -> None:
        """Makes the folder belong to this run."""
        claim(self.folder, "forget", self.request, self.vlm, self.questionnaire, more)

    def check_gate(self) -> None:
        """Asks the target for the concept before anything is written; refuses what it does not know."""
        if (self.folder.path / RUN).exists():
            return
        cost = Cost()
        rows = self.gate_rows(cost)
        found = gate(self.questionnaire, [as_record(row) for row in rows])
        if not found["known"] and not self.request.config.force:
            raise UserError(
                "The model does not know the concept, so there is nothing to forget.",
                got=f"{self.request.concept.name}: {found['reason']}",
                expected="a model that names the concept on its pictures",
                remedy="check the name, the picture and the kind, or go on with --force",
            )
        if not found["known"]:
            log.warning(
                "the model does not know the concept (%s); going on because of --force", found["reason"]
            )
        self.claim()
        self.folder.records().append(rows)
        self.receipt.add("target", cost)

    def gate_rows(self, cost: Cost) -> list[Row]:
        """The target's records by which the gate decides; where answers are shared, all of them."""
        if self.shared is not None:
            return self.shared_rows(self.vlm, "target", None, cost)
        settings, todo = self.request.config.evaluation, list(gate_portions(self.questionnaire.questions))
        asked = ask_portions(self.vlm, "target", self.questionnaire, todo, settings, cost=cost)
        return [row for rows in asked for row in rows]

    def ask(self, vlm: VLM, model: str, reference: VLM | None = None) -> None:
        """Puts the questionnaire to one model."""
        log.info("asking %s", model)
        with self.receipt.stage(model) as cost:
            if self.shared is None or model == "unlearned":
                self.put(vlm, model, reference, self.records, cost)
            else:
                self.records.append(self.shared_rows(vlm, model, reference, cost))

    def put(self, vlm: VLM, model: str, reference: VLM | None, records: Lines, cost: Cost) -> None:
        """Adds the records that are missing."""
        settings = self.request.config.evaluation
        ask(vlm, model, self.questionnaire, settings, records=records, reference=reference, cost=cost)

    def shared_rows(self, vlm: VLM, model: str, reference: VLM | None, cost: Cost) -> list[Row]:
        """The records of a model that no method changes, from whoever asked it first."""
        assert self.shared is not None
        settings = self.request.config.evaluation.model_dump_json()
        key = (model, *model_key(vlm), self.vlm.weights_hash, questions_hash(self.questionnaire), settings)
        return self.shared.answers(key, lambda lines: self.put(vlm, model, reference, lines, cost))

    def train(self) -> None:
        """Makes the rows and the adapter."""
        config = self.request.config
        method = method_of(config)
        with self.receipt.stage("examples") as cost:
            examples = examples_of(self.folder, self.request, self.vlm, method, cost, self.shared)
            if self.folder.adapter.is_dir():
                return
            log.info("%s on %d rows", method.name, len(examples))
            examples += probe_examples(self.request, self.vlm, method, examples, cost)
        compares = any(teacher.model == "gold" for teacher in method.teachers)
        with self.receipt.stage("training") as cost:
            work = Work(
                self.vlm,
                examples,
                settings_of(config),
                self.folder.own,
                names=self.request.concept.names,
                gold=self.load_gold() if compares else None,
                cost=cost,
                on_attached=lambda vlm: self.claim(trained=show_scope(vlm)),
            )
            notes = unlearn_and_save(method, work, self.folder)
        self.claim(chosen=dict(notes))

    def load_gold(self) -> VLM | None:
        """The model that was trained without the concept, if there is one."""
        config, path = self.request.config, self.request.gold
        return (
            load(path, device=config.device, dtype=config.dtype, attention=config.attention) if path else None
        )
