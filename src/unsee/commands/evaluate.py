"""``unsee evaluate``: ask a model what it knows."""

from __future__ import annotations

from typing import Annotated

import typer

from unsee.commands import options as o
from unsee.config import resolve

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="which questions; see: unsee list suites")]


def evaluate(
    suite: Suite,
    model: o.Model = None,
    adapter: o.Adapter = None,
    image: o.Images = None,
    name: o.Name = None,
    alias: o.Aliases = None,
    kind: o.Kind = None,
    fact: o.Facts = None,
    looks: o.Looks = None,
    retain: o.Retain = None,
    test: o.Test = None,
    out: o.Out = None,
    preset: o.Preset = None,
    config: o.ConfigFile = None,
    sets: o.Sets = None,
    revision: o.Revision = None,
    seed: o.Seed = None,
    device: o.Device = None,
    dtype: o.Dtype = None,
    redact: o.Redact = None,
    trust_remote_code: o.Trust = None,
    debug: o.Debug = False,
) -> None:
    """Put the questions of a suite to a model, with or without an adapter; nothing is trained."""
    skipped = ("suite", "config", "sets", "debug")
    given = o.given({key: value for key, value in locals().items() if key not in skipped})
    resolved = resolve(given, sets=sets or (), file=config)
    from unsee.jobs.evaluate import evaluate as run

    run(resolved, suite=suite).print()
