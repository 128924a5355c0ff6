"""``unsee report``: write the report of a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders")]


def report(runs: Runs, redact: o.Redact = None, debug: o.Debug = False) -> None:
    """Write report.html of run folders again, from the files in them."""
    from unsee.jobs.report import rewrite

    for run in runs:
        typer.echo(rewrite(run, redact=redact))
