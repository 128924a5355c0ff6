"""The main job: check, ask the target, make rows, train, save, ask again, write results and report.

Every stage leaves its result in the run folder and is skipped when that result is there, so the same command
continues a run that was stopped at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.closing import close
from unsee.jobs.data import examples_of, probe_examples
from unsee.jobs.folder import RUN, RunFolder, log, open_run
from unsee.jobs.inputs import Request, check
from unsee.jobs.measure import as_record, ask, ask_portion, gate_portions
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt
from unsee.jobs.results import records_by_model, results_of
from unsee.jobs.start import claim, load_model
from unsee.jobs.suites import concept_questions
from unsee.jobs.training import train_adapter
from unsee.methods.registry import get as get_method
from unsee.models.adapters import detach, load_adapter, merge, trained_table
from unsee.models.load import VLM, load
from unsee.nouns import UserError
from unsee.packs.cost import Cost
from unsee.suites.concept.gate import gate
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.training.names import NameMode, name_ids


def forget(config: RunConfig) -> Outcome:
    """Runs or continues ``unsee forget``.

    Raises:
        UserError: The input is wrong; nothing was written but, after the model was asked, the log.
    """
    request = check(config)
    vlm = load_target(request)
    with open_run(request.folder, request.config) as folder:
        job = _Job(request, vlm, folder, concept_questions(request))
        job.run()
        close(folder, job.questionnaire, request)
    return Outcome(folder.path, folder.read("results.json"), folder.adapter, config.redact)


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
        unlearned = load_adapter(self.vlm, self.folder.adapter, trainable=True)
        self.claim(trained=[row._asdict() for row in trained_table(unlearned)])
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
        rows, cost, settings = [], Cost(), self.request.config.evaluation
        for portion in gate_portions(self.questionnaire.questions):
            rows += ask_portion(self.vlm, "target", self.questionnaire, portion, settings, cost=cost)
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

    def ask(self, vlm: VLM, model: str, reference: VLM | None = None) -> None:
        """Puts the questionnaire to one model."""
        log.info("asking %s", model)
        with self.receipt.stage(model) as cost:
            ask(
                vlm,
                model,
                self.questionnaire,
                self.request.config.evaluation,
                records=self.records,
                reference=reference,
                cost=cost,
            )

    def train(self) -> None:
        """Makes the rows and the adapter."""
        config = self.request.config
        method = get_method(config.method, config.knobs)
        with self.receipt.stage("examples") as cost:
            examples = examples_of(self.folder, self.request, self.vlm, method, cost)
        if self.folder.adapter.is_dir():
            return
        log.info("training on %d rows", len(examples))
        if "original" not in method.roles:
            examples = [*examples, *probe_examples(self.request, self.vlm)]
        with self.receipt.stage("training") as cost:
            self.vlm = train_adapter(self.vlm, method, examples, config, self.folder, cost)

    def load_gold(self) -> VLM | None:
        """The checkpoint of the embedded world that was trained without the concept, if it is there."""
        config = self.request.config
        if self.request.world is None:
            return None
        given = config.world.gold
        path = Path(given) if given else embedded.gold_path(self.request.concept.id, config.world.gold_seed)
        return None if path is None else load(path, device=config.device, dtype=config.dtype)
