"""One cell of ``unsee bench mmubench``: a method forgets concepts, and every model answers about them.

One concept in a run is the protocol of the paper; several are forgotten together, or one request after the
other (:mod:`unsee.jobs.mmubench_sequence`). Every stage leaves its result in the run folder and is skipped
when that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.data import examples_of_many, probe_examples
from unsee.jobs.folder import RunFolder, log, open_run
from unsee.jobs.forget import load_target
from unsee.jobs.inputs import Request, check_method, with_absolute_paths
from unsee.jobs.mmubench import claim, close, warn
from unsee.jobs.mmubench_asking import Desk, lines_by_model
from unsee.jobs.mmubench_data import Paper, read_paper, request_of
from unsee.jobs.mmubench_judge import judge_for
from unsee.jobs.mmubench_results import results_of
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt
from unsee.jobs.shared import Shared
from unsee.jobs.training import method_of, scope_of, settings_of, show_scope, unlearn_and_save
from unsee.methods.parts import Method
from unsee.metrics.judging import Judge
from unsee.models.adapters import detach, load_adapter
from unsee.models.attach import check_scope
from unsee.models.load import VLM, load
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.suites.mmubench.figures import Scoring, gate
from unsee.suites.mmubench.sheet import Sheet
from unsee.training.unlearn import Work

RESULTS = "results.json"


def forget_mmubench(config: RunConfig, shared: Shared | None = None) -> Outcome:
    """Runs or continues one cell.

    Args:
        config: The configuration; ``mmubench.concepts`` says what is forgotten.
        shared: Where cells find what they have in common.

    Raises:
        UserError: The input is wrong.
    """
    config = with_absolute_paths(config)
    paper, path = read_paper(config), Path(config.out)
    requests = [request_of(config, sheet.entry, paper, path) for sheet in paper.sheets]
    method = method_of(config)
    for request in requests:
        check_method(method, request)
    judge = judge_for(config, shared.path if shared else path)
    vlm = load_target(requests[0])
    if method.terms:
        check_scope(vlm, scope_of(config))
    with open_run(path, config) as folder:
        cell = Cell(config, paper, requests, method, vlm, folder, shared, judge)
        if folder.read(RESULTS) is None:
            cell.run()
        close(folder, config, paper)
    return Outcome(folder.path, folder.read(RESULTS), folder.adapter, config.redact)


@dataclass
class Cell:
    """A cell at work.

    Attributes:
        config: Its configuration.
        paper: What is asked.
        requests: The training side of each concept, in the order of the sheets.
        method: The method.
        vlm: The target.
        folder: Its run folder.
        shared: What cells have in common.
        judge: Who grades for G-Eval; None = the rule judge.
    """

    config: RunConfig
    paper: Paper
    requests: Sequence[Request]
    method: Method
    vlm: VLM
    folder: RunFolder
    shared: Shared | None = None
    judge: Judge | None = None
    _fresh: VLM | None = None

    def run(self) -> None:
        """All stages; those that are done are passed over."""
        claim(self.folder, "bench mmubench", self.config, self.paper, self.vlm)
        warn(self.paper)
        self.receipt, self.records = Receipt(self.folder), self.folder.records()
        self.desk = Desk(self.paper, self.config.evaluation, self.records, self.receipt, self.shared)
        base = self.vlm.weights_hash
        for model in ("target", "blind"):
            self.desk.ask(self.vlm, model, base=base)
        more: Mapping[str, Any] = {}
        if requests := self.known():
            if self.config.mmubench.sequential:
                from unsee.jobs.mmubench_sequence import run_sequence

                more = run_sequence(self, requests)
            else:
                self.together(requests)
        lines = lines_by_model(self.records)
        method, size = self.method.name, len(self.vlm.tokenizer)
        results = results_of(self.config, self.paper, lines, vocabulary=size, method=method, judge=self.judge)
        self.folder.write(RESULTS, {**results, **more})

    def known(self) -> list[Request]:
        """The concepts that the target knows; the others are a marked row and nothing is trained for them."""
        lines, size = lines_by_model(self.records), len(self.vlm.tokenizer)
        found = []
        for request, sheet in zip(self.requests, self.paper.sheets, strict=True):
            said = gate(Scoring(sheet, (), lines, size))
            if said["known"] or self.config.force:
                found.append(request)
            else:
                log.warning("%s is not known: %s", request.concept.name, said["reason"])
        return found

    def together(self, requests: Sequence[Request]) -> None:
        """One training on the rows of all concepts, then the questions."""
        train(self, self.vlm, requests, self.folder, self.receipt)
        unlearned = load_adapter(self.vlm, self.folder.adapter)
        self.desk.ask(unlearned, "unlearned")
        gold = self.load_gold()
        if gold is not None:
            self.desk.ask(gold, "gold", base=self.vlm.weights_hash, reference=detach(unlearned))

    def load_gold(self) -> VLM | None:
        """The model trained without the concept: the user's, or the shipped one for one concept."""
        config = self.config
        path = config.gold
        if not path and len(self.paper.sheets) == 1 and config.embedded and config.world.stage == "base":
            path = str(embedded.gold_path(self.paper.sheets[0].id, config.world.gold_seed) or "")
        return (
            load(path, device=config.device, dtype=config.dtype, attention=config.attention) if path else None
        )

    def fresh_target(self) -> VLM:
        """The target once more: merging uses a model up."""
        if self._fresh is None:
            self._fresh = load_target(self.requests[0])
        return self._fresh

    def sheet(self, request: Request) -> Sheet:
        """The questions about the concept of a request."""
        return self.paper.sheets[list(self.requests).index(request)]


def train(cell: Cell, vlm: VLM, requests: Sequence[Request], folder: RunFolder, receipt: Receipt) -> None:
    """Makes the rows and the adapter of one training; what is there already is kept.

    Args:
        cell: Configuration, method and what cells share.
        vlm: The model that is made to forget.
        requests: The concepts.
        folder: Where rows and adapter go.
        receipt: What it costs.
    """
    method, config = cell.method, cell.config
    with receipt.stage("examples") as cost:
        examples = examples_of_many(folder, requests, vlm, method, cost, cell.shared)
        if folder.adapter.is_dir():
            return
        log.info("%s on %d rows", method.name, len(examples))
        examples += _probed(cell, vlm, requests, examples, cost)
    compares = any(teacher.model == "gold" for teacher in method.teachers)
    with receipt.stage("training") as cost:
        work = Work(
            vlm,
            examples,
            settings_of(config),
            folder.path,
            names=tuple(name for request in requests for name in request.concept.names),
            gold=cell.load_gold() if compares else None,
            cost=cost,
            on_attached=lambda model: claim(
                cell.folder, "bench mmubench", config, cell.paper, cell.vlm, trained=show_scope(model)
            ),
        )
        notes = unlearn_and_save(method, work, folder)
    claim(cell.folder, "bench mmubench", config, cell.paper, cell.vlm, chosen=dict(notes))


def _probed(
    cell: Cell, vlm: VLM, requests: Sequence[Request], examples: Sequence[Example], cost: Cost
) -> list[Example]:
    """Rows that only probes look at; those of the first concept where there are several."""
    if not cell.config.training.probe_every or cell.method.edit or cell.method.hook:
        return []
    there = {row.id for row in examples}
    found = probe_examples(requests[0], vlm, cell.method, examples, cost)
    return [row for row in found if row.id not in there]
