"""``unsee doctor``: what is installed, what is missing, how to get it."""

from __future__ import annotations

import typer

from unsee.commands import options as o


def doctor(debug: o.Debug = False) -> None:
    """Show what is installed, what is missing and how to get it; exit code 1 when something needed is."""
    from unsee.jobs.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(finding.line())
    if any(finding.needed and not finding.present for finding in findings):
        raise typer.Exit(1)
