"""The options of the engines: name, type, default, help. Light to import, as the command's help reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError

from unsee.config import Section, nearest
from unsee.nouns import UserError


class LocalOptions(Section):
    """Processes on this machine; their number is ``--jobs``."""


class RayOptions(Section):
    """A Ray cluster that is running, or one started here for the time of the command."""

    address: str = Field(
        default="", description="address of the cluster; empty = RAY_ADDRESS, or a cluster started here"
    )
    cpus: float = Field(default=1, gt=0, description="CPUs of a cell")
    gpus: float = Field(
        default=-1, ge=-1, description="GPUs of a cell, also 0.5; -1 = 1 where the cluster has any, else 0"
    )
    retries: int = Field(default=2, ge=0, description="how often a cell is tried again whose worker was lost")


class SlurmOptions(Section):
    """One slurm job per cell, through submitit."""

    partition: str = Field(default="", description="partition; empty = that of the cluster")
    account: str = Field(default="", description="account that is charged; empty = yours")
    minutes: int = Field(
        default=60, ge=1, description="time limit of a job; a cell that reaches it goes on in another one"
    )
    cpus: int = Field(default=1, ge=1, description="CPUs of a cell")
    gpus: int = Field(default=0, ge=0, description="GPUs of a cell")
    memory: float = Field(default=16, gt=0, description="memory of a cell in GB")
    retries: int = Field(default=2, ge=0, description="how often a cell is tried again whose job was lost")
    cluster: Literal["slurm", "local"] = Field(
        default="slurm", description="local: the same jobs as processes of this machine, to try things out"
    )


Options = LocalOptions | RayOptions | SlurmOptions
ENGINES: Mapping[str, type[Options]] = {"local": LocalOptions, "ray": RayOptions, "slurm": SlurmOptions}


def parse_options(engine: str, texts: Sequence[str]) -> Options:
    """``key=value`` texts as the options of an engine.

    Raises:
        UserError: No such key, or a value of another type.
    """
    kind = ENGINES[engine]
    values = dict(_pair(engine, text) for text in texts)
    try:
        return kind.model_validate(values, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise UserError(
            "The engine does not take this value.",
            got=f"--engine-option {key}={first['input']}",
            expected=f"{first['msg']} ({kind.model_fields[key].description})",
            remedy="see: unsee bench --help",
        ) from error


def _pair(engine: str, text: str) -> tuple[str, str]:
    key, separator, value = (part.strip() for part in text.partition("="))
    known = list(ENGINES[engine].model_fields)
    if not separator or key not in known:
        match = nearest(key, known)
        raise UserError(
            f"The engine {engine} has no such option.",
            got=f"--engine-option {text}",
            expected=", ".join(f"{name}=..." for name in known) or "none",
            remedy=f"did you mean {match}?" if match and match != key else "see: unsee bench --help",
        )
    return key, value


def option_lines() -> Iterator[tuple[str, str, Any, str]]:
    """Engine, key, default and help of every option."""
    for engine, kind in ENGINES.items():
        for key, info in kind.model_fields.items():
            yield engine, key, info.default, str(info.description)


def engine_help() -> str:
    """Help text: every option of every engine."""
    lines = [f"{engine}: {key} = {default!r}: {text}" for engine, key, default, text in option_lines()]
    return "Keys for --engine-option KEY=VALUE:\n\n" + "\n\n".join(lines)
