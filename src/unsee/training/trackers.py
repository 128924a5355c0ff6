"""Experiment trackers: those of transformers, named in ``training.report_to``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from transformers.integrations import integration_utils

from unsee.nouns import UserError

FOLDER = "TENSORBOARD_LOGGING_DIR"  # the callback of transformers reads it when it is made


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that transformers does not know or that are not installed.

    Raises:
        UserError: The first of them.
    """
    known = integration_utils.INTEGRATION_TO_CALLBACK
    for name in names:
        if name not in known:
            raise UserError(
                "the experiment tracker is not known",
                got=name,
                expected=", ".join(sorted(known)),
                remedy="name one of them in training.report_to",
            )
        if name not in integration_utils.get_available_reporting_integrations():
            raise UserError(
                "the experiment tracker is not installed",
                got=name,
                expected=f"the package {name}",
                remedy=f"pip install {name}, or leave training.report_to empty",
            )


@contextmanager
def events_in(folder: Path) -> Iterator[None]:
    """Lets a Trainer made in the block write TensorBoard's events to a folder of the run.

    Its own choice is inside the folder of checkpoints, which goes when the run has finished. A folder that
    the user has set (``TENSORBOARD_LOGGING_DIR``) stays.
    """
    if FOLDER in os.environ:
        yield
        return
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[FOLDER]
