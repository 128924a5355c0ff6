"""``unsee evaluate``: one model answers the questions of a suite."""

from __future__ import annotations

from unsee.config import RunConfig
from unsee.jobs.closing import close
from unsee.jobs.folder import open_run
from unsee.jobs.inputs import check
from unsee.jobs.measure import ask
from unsee.jobs.outcome import Outcome
from unsee.jobs.receipt import Receipt
from unsee.jobs.results import records_by_model, results_of
from unsee.jobs.start import claim, load_model
from unsee.jobs.suites import get_suite
from unsee.models.adapters import load_adapter
from unsee.models.processes import agreed, from_leader, join


def evaluate(config: RunConfig, suite: str = "concept") -> Outcome:
    """Runs or continues ``unsee evaluate``.

    Without an adapter the model is called ``target`` and asked with and without pictures; with one, the model
    without it is ``target`` and the model with it ``unlearned``.

    Raises:
        UserError: The input is wrong.
    """
    chosen = get_suite(suite)
    join(config.device)
    with agreed():
        request = check(config, job="evaluate")
        vlm = load_model(request)
        questionnaire = chosen.questions(request, ())
    settings = request.config.evaluation
    with open_run(request.folder, request.config) as folder:
        claim(folder, f"evaluate {suite}", request, vlm, questionnaire)
        records, receipt = folder.records(), Receipt(folder)
        for model in ("target", "blind"):
            with receipt.stage(model) as cost:
                ask(vlm, model, questionnaire, settings, records=records, cost=cost)
        if request.config.adapter:
            adapted = load_adapter(vlm, request.config.adapter)
            with receipt.stage("unlearned") as cost:
                ask(adapted, "unlearned", questionnaire, settings, records=records, cost=cost)
        folder.write("results.json", results_of(request, suite, questionnaire, records_by_model(records)))
        from_leader(lambda: close(folder, questionnaire, request))
        results = folder.read("results.json")
    return Outcome(folder.own, results, redact=config.redact)
