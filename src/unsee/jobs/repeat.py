"""The command that repeats a run, for the first line of its ``run.yaml``."""

from __future__ import annotations

import shlex
from pathlib import Path

from unsee.config import RunConfig

NEW = "ANOTHER_FOLDER"


def repeat_command(config: RunConfig, job: str, file: str | Path = "run.yaml", out: str | Path = NEW) -> str:
    """The command line that does a run once more, or goes on with it where ``out`` is its own folder.

    Args:
        config: The resolved configuration, which lies in ``file``.
        job: What ``environment.json`` calls the job: forget, "evaluate SUITE" or "bench SUITE".
        file: The ``run.yaml``.
        out: Folder of a run; of a cell of a comparison: of a comparison with this one cell.
    """
    verb = job.split()
    place = _place(config) if verb[0] == "bench" else []
    return shlex.join(["unsee", *verb, "--config", str(file), *place, "--out", str(out)])


def _place(config: RunConfig) -> list[str]:
    """Where a cell stands in its matrix: what no configuration file can say there."""
    place = ["--methods", config.method, "--seeds", str(config.seed)]
    if config.mllmu.ratio:
        place += ["--ratios", str(config.mllmu.ratio)]
        split = config.mllmu.split
    else:
        place += ["--concepts", ",".join(config.mmubench.concepts)]
        split = "report" if config.mmubench.data else config.world.split
    return [*place, "--split", split] if split != "report" else place


def header(config: RunConfig, job: str) -> str:
    """The first line of ``run.yaml``, a comment: what does not print would end it or spoil the file."""
    command = "".join(c if c.isprintable() else "?" for c in repeat_command(config, job))
    return f"# Repeat this run: {command}\n"
