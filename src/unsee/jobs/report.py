"""The report of a finished run, written again from its folder."""

from __future__ import annotations

from pathlib import Path

from unsee.jobs.folder import HEADER, RUN, read_config
from unsee.jobs.lines import write_atomic
from unsee.nouns import UserError
from unsee.reports.html import write_report


def rewrite(run: Path, *, redact: bool | None = None) -> Path:
    """Writes ``report.html`` of a finished run again.

    Args:
        run: A run folder.
        redact: Whether names and pictures of the concept stay out; None = as the run was made. The choice
            is written into ``run.yaml``.

    Raises:
        UserError: No run folder, or a run without results.
    """
    config = read_config(run)
    if not (run / "results.json").is_file():
        raise UserError(
            "The run is not finished.",
            got=f"{run}: no results.json",
            expected="a finished run",
            remedy=f"continue it with: unsee forget --config {run / RUN} --out {run}",
        )
    if redact is not None and redact != config.redact:
        write_atomic(run / RUN, HEADER + config.model_copy(update={"redact": redact}).as_yaml())
    return write_report(run)
