"""``unsee list``: what there is to choose from."""

from __future__ import annotations

from typing import Annotated

import typer

from unsee.commands import options as o

What = Annotated[
    str, typer.Argument(metavar="WHAT", help="methods, suites, metrics, attacks, models or concepts")
]
Entry = Annotated[str | None, typer.Argument(metavar="NAME", help="one of them, in full")]


def list_(what: What, name: Entry = None, debug: o.Debug = False) -> None:
    """List methods, suites, metrics, attacks, models or concepts; with NAME, everything about one of them."""
    from unsee.jobs.catalogue import describe, overview

    typer.echo(overview(what) if name is None else describe(what, name))
