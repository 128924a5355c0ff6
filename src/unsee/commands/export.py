"""``unsee export``: hand over what a run produced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o

Run = Annotated[Path, typer.Argument(metavar="RUN", help="run folder")]
To = Annotated[Path, typer.Option("--out", help="folder to write; must be new or empty")]
Merge = Annotated[
    bool, typer.Option("--merge", help="write the whole model, the adapter merged into its weights")
]


Push = Annotated[
    str, typer.Option("--push", metavar="REPO", help="upload to this repository of the Hugging Face hub")
]


def export(run: Run, out: To, merge: Merge = False, push: Push = "", debug: o.Debug = False) -> None:
    """Copy the adapter of a run, or write the unlearned model whole (--merge), checked, with a model card."""
    from unsee.jobs.export import export as write

    typer.echo(write(run, out, whole=merge, push=push))
