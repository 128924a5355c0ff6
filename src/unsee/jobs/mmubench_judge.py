"""Who grades for G-Eval in a run of MMUBench."""

from __future__ import annotations

from pathlib import Path

from unsee.config import RunConfig
from unsee.metrics.judge_endpoint import Endpoint, endpoint_judge
from unsee.metrics.judging import Judge, RuleJudge
from unsee.nouns import UserError

FOLDER = "judge"


def judge_for(config: RunConfig, folder: Path) -> Judge:
    """The judge of the configuration.

    Args:
        config: The configuration.
        folder: Where what an endpoint said is kept, under ``judge``, and never asked again.

    Raises:
        UserError: The judge is only half given, or an endpoint has no key; nothing was asked yet.
    """
    url, model = config.mmubench.judge_url, config.mmubench.judge_model
    if bool(url) != bool(model):
        raise UserError(
            "The judge is only half given.",
            got=url or model,
            expected="--judge-url and --judge-model, or neither",
            remedy="give both, such as --judge-url https://api.openai.com/v1 --judge-model gpt-4o-2024-08-06",
        )
    if not url:
        return RuleJudge()
    endpoint = Endpoint(url, model, folder / FOLDER)
    endpoint.check()
    return endpoint_judge(endpoint)
