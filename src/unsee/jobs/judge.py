"""Who is asked to grade: an endpoint, a model here, or nobody, which leaves the rules."""

from __future__ import annotations

from pathlib import Path

from unsee.config import RunConfig
from unsee.metrics.judge_endpoint import Endpoint
from unsee.nouns import UserError
from unsee.suites.judges import LocalModel

FOLDER = "judge"


def asked_judge(
    config: RunConfig, url: str, model: str, folder: Path, longest_reply: int
) -> Endpoint | LocalModel | None:
    """The judge that is asked in words; None = grades by rule.

    Args:
        config: Device and number type of a model here.
        url: Address of an endpoint; empty = none.
        model: Its model; without an address the folder of a model here.
        folder: Where what it said is kept, under ``judge``, and never asked again.
        longest_reply: Most tokens of its answer.

    Raises:
        UserError: The judge is only half given, has no address or no key, or is no model; nothing was asked.
    """
    if not url and not model:
        return None
    found: Endpoint | LocalModel
    if url and model:
        found = Endpoint(url, model, folder / FOLDER, longest_reply=longest_reply)
    elif (local := Path(model).expanduser()).is_dir() and model:
        found = LocalModel(local.resolve(), folder / FOLDER, longest_reply, config.device, config.dtype)
    else:
        raise UserError(
            "The judge is only half given.",
            got=url or f"{model}, which is no folder here",
            expected="--judge-url and --judge-model, or --judge-model alone with the folder of a model, "
            "or neither",
            remedy="such as --judge-url https://api.openai.com/v1 --judge-model gpt-4o-2024-08-06",
        )
    found.check()
    return found
