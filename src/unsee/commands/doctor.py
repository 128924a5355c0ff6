"""``unsee doctor``: what is installed, what is missing, how to get it; what a model will need."""

from __future__ import annotations

import typer

from unsee.commands import options as o
from unsee.config import resolve


def doctor(
    model: o.Model = None,
    method: o.MethodName = None,
    dtype: o.Dtype = None,
    revision: o.Revision = None,
    trust_remote_code: o.Trust = None,
    preset: o.Preset = None,
    config: o.ConfigFile = None,
    sets: o.Sets = None,
    debug: o.Debug = False,
) -> None:
    """Show what is installed, what is missing and how to get it; exit code 1 when something needed is.

    With --model: predict from shapes how much memory a run will take, and which cards it fits.
    """
    given = o.given(locals(), but=o.NOT_KEYS)
    if model is not None or config is not None:
        from unsee.jobs.memory import memory_lines

        for line in memory_lines(resolve(given, sets=sets or (), file=config)):
            typer.echo(line)
        return
    from unsee.jobs.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(finding.line())
    if any(finding.needed and not finding.present for finding in findings):
        raise typer.Exit(1)
