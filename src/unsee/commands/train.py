"""``unsee train``: train the models of the embedded world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o

What = Annotated[str, typer.Argument(metavar="WHAT", help="world (blank, base and target) or gold")]
To = Annotated[Path, typer.Option("--out", help="folder of the checkpoints; gold needs that of world")]
Left = Annotated[
    str, typer.Option("--concept", help="gold: concept that is left out; see: unsee list concepts")
]
LeftRatio = Annotated[
    int, typer.Option("--ratio", help="gold: leave out the forget set of MLLMU-Bench at 5, 10 or 15 percent")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="seed of everything random")]
Scale = Annotated[float, typer.Option("--scale", help="length of the training relative to the recipe")]


def train(
    what: What,
    out: To,
    concept: Left = "",
    ratio: LeftRatio = 0,
    seed: Seed = 0,
    scale: Scale = 1.0,
    debug: o.Debug = False,
) -> None:
    """Train the models of the embedded world from nothing; the same command continues."""
    from unsee.jobs.train import train as run

    typer.echo(run(what, out, concept=concept, ratio=ratio, seed=seed, scale=scale))
