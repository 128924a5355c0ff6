"""``unsee world``: the embedded world as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o
from unsee.nouns import UserError

What = Annotated[str, typer.Argument(metavar="WHAT", help="export: write the benchmark as files")]
To = Annotated[Path, typer.Argument(metavar="DIR", help="folder to write; must be new or empty")]
Form = Annotated[
    str,
    typer.Option(
        "--format",
        help="mmubench (the layout released with the paper), mmubench-ours (our layout), mllmu, or "
        "mllmu-nested (each forget set holds the smaller ones)",
    ),
]


def world(what: What, folder: To, form: Form = "mmubench", debug: o.Debug = False) -> None:
    """Write a benchmark of the embedded world in the layout that other tools read."""
    if what != "export":
        raise UserError(
            "unsee world does not know this.",
            got=what,
            expected="export",
            remedy="unsee world export --format mmubench DIR",
        )
    from unsee.jobs.world import export

    typer.echo(export(folder, form))
