"""The report of a finished run, written again from its folder."""

from __future__ import annotations

from pathlib import Path

from unsee.jobs.folder import RUN, RunFolder, read_config
from unsee.jobs.lines import write_atomic
from unsee.jobs.repeat import header, repeat_command
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
    job = str((RunFolder(run).read("environment.json") or {}).get("inputs", {}).get("job", "forget"))
    if not (run / "results.json").is_file():
        raise UserError(
            "The run is not finished.",
            got=f"{run}: no results.json",
            expected="a finished run",
            remedy=f"continue it with: {repeat_command(config, job, run / RUN, run)}"
            if not job.startswith("bench")
            else "continue the comparison: the same unsee bench command again",
        )
    if redact is not None and redact != config.redact:
        told = config.model_copy(update={"redact": redact})
        write_atomic(run / RUN, header(told, job) + told.as_yaml())
    return write_report(run)
