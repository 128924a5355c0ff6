"""``unsee train``: the models of the embedded world, or a model of the user's on people of MLLMU-Bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from unsee.commands import options as o
from unsee.nouns import UserError

What = Annotated[
    str,
    typer.Argument(metavar="WHAT", help="world (blank, base and target), gold; with --data: target or gold"),
]
To = Annotated[Path, typer.Option("--out", help="folder of the checkpoints, and of what is trained")]
Left = Annotated[
    str, typer.Option("--concept", help="gold: concept that is left out; see: unsee list concepts")
]
LeftRatio = Annotated[
    int, typer.Option("--ratio", help="gold: leave out the forget set of MLLMU-Bench at 5, 10 or 15 percent")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="seed of everything random")]
Scale = Annotated[float, typer.Option("--scale", help="length of the training relative to the recipe")]
Recipe = Annotated[
    str | None,
    typer.Option("--preset", help="with --data: corrected (default), or release: the published recipe"),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--modality", help="with --data: questions about the picture, by name, or both: image_text, ..."
    ),
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="with --data: instead of the recipe's")]
Rate = Annotated[
    float | None, typer.Option("--lr", help="with --data: learning rate instead of the recipe's")
]
Whole = Annotated[
    bool | None,
    typer.Option("--merge/--no-merge", help="with --data: also write the model with the adapter merged in"),
]
OF_DATA = (
    "model",
    "revision",
    "data_revision",
    "preset",
    "modality",
    "epochs",
    "lr",
    "merge",
    "device",
    "dtype",
)


def train(
    what: What,
    out: To,
    concept: Left = "",
    ratio: LeftRatio = 0,
    seed: Seed = 0,
    scale: Scale = 1.0,
    data: o.Data = None,
    data_revision: o.DataRevision = None,
    model: o.Model = None,
    revision: o.Revision = None,
    preset: Recipe = None,
    modality: Form = None,
    epochs: Epochs = None,
    lr: Rate = None,
    merge: Whole = None,
    device: o.Device = None,
    dtype: o.Dtype = None,
    debug: o.Debug = False,
) -> None:
    """Train the models of the embedded world from nothing, or teach a model of yours the people of --data.

    With --data and --model: target learns everybody, gold all but the forget set of --ratio. The same command
    continues.
    """
    said = o.given(locals())
    own = {key: said[key] for key in OF_DATA if key in said}
    if data is not None:
        _refuse("with --data", [key for key in ("concept", "scale") if said[key] not in ("", 1.0)])
        from unsee.jobs.fit import FitOptions, fit
        from unsee.jobs.receipt import print_cost

        whole = own.pop("merge", True)
        chosen = {"model": "", **own, "ratio": ratio or 5, "seed": seed, "whole": whole}
        typer.echo(fit(what, FitOptions(data=data, out=out, **chosen)))
        print_cost(out.expanduser())
        return
    if what != "target":
        _refuse("without --data", list(own))
    from unsee.jobs.receipt import print_cost
    from unsee.jobs.train import train as run

    typer.echo(run(what, out, concept=concept, ratio=ratio, seed=seed, scale=scale))
    print_cost(out)


def _refuse(when: str, keys: Sequence[str]) -> None:
    """Options that mean nothing are errors."""
    if keys:
        raise UserError(
            f"These options mean nothing {when}.",
            got=", ".join(f"--{key.replace('_', '-')}" for key in keys),
            expected="unsee train target|gold --data DIR --model M, or the models of the embedded world",
            remedy="see: unsee train --help",
        )
