"""``unsee evaluate mmubench``: what a model knows of every concept, with and without an adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.closing import write_pages
from unsee.jobs.environment import environment
from unsee.jobs.folder import RunFolder, check_free, log, open_run
from unsee.jobs.inputs import Request, with_absolute_paths
from unsee.jobs.mmubench_asking import Desk, lines_by_model
from unsee.jobs.mmubench_data import Paper, paper_hash, read_paper
from unsee.jobs.mmubench_judge import judge_for
from unsee.jobs.mmubench_results import results_of
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt
from unsee.jobs.start import load_model
from unsee.models.adapters import load_adapter
from unsee.models.load import VLM, load
from unsee.models.processes import agreed, from_leader, join

PICTURES = 8  # of each concept that the report shows


def evaluate_mmubench(config: RunConfig) -> Outcome:
    """Runs or continues ``unsee evaluate mmubench``.

    The model is called ``target`` and asked with and without pictures; with an adapter the model with it is
    ``unlearned``; a gold model is ``gold``.

    Raises:
        UserError: The input is wrong.
    """
    join(config.device)
    with agreed():
        config = with_absolute_paths(config)
        paper = read_paper(config)
        path = Path(config.out or f"runs/mmubench-{config.identity[:8]}").expanduser()
        check_free(path, config)
        judge = judge_for(config, path)
        vlm = load_model(model_request(config, paper, path))
    with open_run(path, config) as folder:
        claim(folder, "evaluate mmubench", config, paper, vlm)
        warn(paper)
        records = folder.records()
        desk = Desk(paper, config.evaluation, records, Receipt(folder))
        desk.ask(vlm, "target")
        desk.ask(vlm, "blind")
        if config.gold:
            desk.ask(
                load(config.gold, device=config.device, dtype=config.dtype, attention=config.attention),
                "gold",
                reference=vlm,
            )
        if config.adapter:
            desk.ask(load_adapter(vlm, config.adapter), "unlearned")

        def finish() -> Any:
            lines, size = lines_by_model(records), len(vlm.tokenizer)
            folder.write("results.json", results_of(config, paper, lines, vocabulary=size, judge=judge))
            close(folder, config, paper)
            return folder.read("results.json")

        # A judge is asked once, so the leader alone makes the results.
        return Outcome(path, from_leader(finish), redact=config.redact)


def model_request(config: RunConfig, paper: Paper, path: Path) -> Request:
    """Which model is loaded, in the form that :func:`unsee.jobs.start.load_model` reads."""
    entry = paper.sheets[0].entry
    model = config.model or str(embedded.model_path(config.world.stage))
    return Request(config, entry.concept, entry.picture, (), (), (), model, path)


def warn(paper: Paper) -> None:
    """Says what is to be known about the data."""
    for sheet in paper.sheets:
        for check in paper.benchmark.checks_of(sheet.id):
            log.warning("%s", check.text)


def claim(folder: RunFolder, job: str, config: RunConfig, paper: Paper, vlm: VLM, **more: Any) -> None:
    """Makes the folder belong to this run; ``more`` is added to ``environment.json``.

    Raises:
        UserError: The folder holds another run, or the files of this run have changed.
    """
    inputs = {
        "job": job,
        "weights": vlm.weights_hash,
        "revision": vlm.revision,
        "template": vlm.chat.template_hash,
        "questions": paper_hash(paper),
    }
    found = environment(seed=config.seed, inputs=inputs)
    folder.claim(config, {**(folder.read("environment.json") or {}), **found, **more})


def close(folder: RunFolder, config: RunConfig, paper: Paper) -> None:
    """Writes the thumbnails and the pages.

    With ``redact`` no picture is stored.
    """
    if not config.redact:
        for sheet in paper.sheets:
            for picture in (*sheet.entry.train[:1], *sheet.entry.test[:PICTURES]):
                folder.store_picture(picture)
    write_pages(folder)
