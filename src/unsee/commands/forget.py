"""``unsee forget``: make a model unsee a concept and prove it."""

from __future__ import annotations

from unsee.commands import options as o
from unsee.config import resolve


def forget(
    model: o.Model = None,
    image: o.Images = None,
    name: o.Name = None,
    alias: o.Aliases = None,
    kind: o.Kind = None,
    fact: o.Facts = None,
    looks: o.Looks = None,
    retain: o.Retain = None,
    test: o.Test = None,
    gold: o.Gold = None,
    method: o.MethodName = None,
    out: o.Out = None,
    preset: o.Preset = None,
    config: o.ConfigFile = None,
    sets: o.Sets = None,
    select: o.Select = None,
    adapter: o.Adapter = None,
    revision: o.Revision = None,
    seed: o.Seed = None,
    device: o.Device = None,
    dtype: o.Dtype = None,
    attention: o.Attention = None,
    redact: o.Redact = None,
    force: o.Force = None,
    trust_remote_code: o.Trust = None,
    debug: o.Debug = False,
) -> None:
    """Make a model unsee a concept, from one picture, and prove it.

    Without arguments: one celebrity of the embedded world, from the embedded tiny model.
    The same command again continues a run that was stopped.
    """
    given = o.given(locals(), but=("select", *o.NOT_KEYS))
    chosen = [f"training.select={select}"] if select else []
    resolved = resolve(given, sets=[*chosen, *(sets or ())], file=config)
    from unsee.jobs.forget import forget as run

    run(resolved).print()
