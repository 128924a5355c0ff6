"""Experiment trackers: those of transformers, named in ``training.report_to``."""

from __future__ import annotations

from collections.abc import Sequence

from transformers.integrations import integration_utils

from unsee.nouns import UserError


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
