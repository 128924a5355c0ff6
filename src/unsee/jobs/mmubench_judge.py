"""Who grades for G-Eval in a run of MMUBench."""

from __future__ import annotations

from pathlib import Path

from unsee.config import RunConfig
from unsee.jobs.judge import asked_judge
from unsee.metrics.judge_endpoint import LONGEST_REPLY
from unsee.metrics.judging import AskingJudge, Judge, RuleJudge


def judge_for(config: RunConfig, folder: Path) -> Judge:
    """The judge of the configuration.

    Args:
        config: The configuration.
        folder: Where what a judge said is kept, under ``judge``, and never asked again.

    Raises:
        UserError: The judge is only half given or cannot be asked; nothing was asked yet.
    """
    given = config.mmubench
    found = asked_judge(config, given.judge_url, given.judge_model, folder, LONGEST_REPLY)
    return RuleJudge() if found is None else AskingJudge(found.name, found.ask)
