"""Options that several verbs share. Names, defaults and help come from the configuration classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.config import RunConfig, keys

TOP_LEVEL = [key for key, _ in keys() if "." not in key and key not in ("knobs", "preset")]


def knob(key: str, *flags: str) -> Any:
    """The typer option of a top-level configuration key: its help and default are those of the class."""
    info = RunConfig.model_fields[key]
    default = info.get_default(call_default_factory=True)
    shown = f" [default: {default}]" if default not in ("", (), False) else ""
    return typer.Option(*(flags or (f"--{key.replace('_', '-')}",)), help=f"{info.description}{shown}")


Model = Annotated[str | None, knob("model")]
Revision = Annotated[str | None, knob("revision")]
Adapter = Annotated[str | None, knob("adapter")]
Images = Annotated[list[str] | None, knob("image")]
Name = Annotated[str | None, knob("name")]
Aliases = Annotated[list[str] | None, knob("alias")]
Kind = Annotated[str | None, knob("kind")]
Facts = Annotated[list[str] | None, knob("fact")]
Looks = Annotated[str | None, knob("looks")]
Retain = Annotated[str | None, knob("retain")]
Test = Annotated[str | None, knob("test")]
Gold = Annotated[str | None, knob("gold")]
MethodName = Annotated[str | None, knob("method")]
Out = Annotated[str | None, knob("out")]
Seed = Annotated[int | None, knob("seed")]
Device = Annotated[str | None, knob("device")]
Dtype = Annotated[str | None, knob("dtype")]
Attention = Annotated[str | None, knob("attention")]
Redact = Annotated[bool | None, knob("redact", "--redact/--no-redact")]
Force = Annotated[bool | None, knob("force", "--force/--no-force")]
Trust = Annotated[bool | None, knob("trust_remote_code", "--trust-remote-code/--no-trust-remote-code")]
Preset = Annotated[str | None, knob("preset")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file with the same keys, such as the run.yaml of a run")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="any key below as key=value; can be given several times")
]
Select = Annotated[
    str | None,
    typer.Option(
        "--select", help="which point of the training is kept: last, or best by the probes (training.select)"
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="benchmark data: a folder of the published files or a hub id; empty = embedded"
    ),
]
DataRevision = Annotated[
    str | None, typer.Option("--data-revision", help="commit, branch or tag of benchmark data on the hub")
]
Split = Annotated[
    list[str] | None,
    typer.Option("--split", help="set of a benchmark that is asked; can be given several times"),
]
Ratio = Annotated[
    int | None, typer.Option("--ratio", help="percent of the people in the forget set: 5, 10, 15")
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="at most so many people (mmubench: questions) per set")
]
Controls = Annotated[
    bool | None,
    typer.Option(
        "--controls/--no-controls",
        help="also ask without picture, with another, options alone; evaluate mllmu on the embedded people: "
        "also the shipped base and gold",
    ),
]
ExamplePeople = Annotated[
    str | None,
    typer.Option(
        "--examples", help="mllmu: ids of people shown as examples instead of drawn ones, commas between them"
    ),
]
TestPicture = Annotated[
    int | None,
    typer.Option(
        "--test-picture",
        min=0,
        help="mllmu: which picture of test people is asked about instead of a drawn one",
    ),
]
JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge-url", help="OpenAI-compatible endpoint that grades answers; its key: OPENAI_API_KEY"
    ),
]
JudgeModel = Annotated[
    str | None,
    typer.Option(
        "--judge-model",
        help="model of that endpoint, a dated version; without --judge-url the folder of a model that grades",
    ),
]
Utility = Annotated[
    list[str] | None,
    typer.Option(
        "--utility",
        help="mmubench: local files on which target and unlearned model are asked what they can still do: "
        "pope=FILE, mme=FOLDER, vqa=FILE, choices=FILE; can be given several times",
    ),
]
UtilityPictures = Annotated[
    list[str] | None,
    typer.Option("--utility-pictures", help="pope=FOLDER: where its pictures lie; else beside the file"),
]
Concepts = Annotated[
    str | None,
    typer.Option("--concepts", help="how many concepts, or their ids with commas between them, or all"),
]
Debug = Annotated[bool, typer.Option("--debug", help="show the traceback of an error")]


NOT_KEYS = ("config", "sets", "debug")
"""Options of many verbs that are no keys of the configuration."""


def given(values: Mapping[str, Any], *, but: Collection[str] = ()) -> dict[str, Any]:
    """The options that the user gave.

    Args:
        values: What a verb got (``locals()``); None = not given.
        but: Options that are left out.
    """
    return {key: value for key, value in values.items() if value is not None and key not in but}


def knob_table() -> str:
    """Help text: every dotted key of the configuration with its default."""
    rows = [(key, info) for key, info in keys() if key not in TOP_LEVEL]
    lines = [f"{key} = {_show(info.default)}: {info.description}" for key, info in rows]
    return "Keys for --set KEY=VALUE and --config:\n\n" + "\n\n".join(lines)


def _show(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else repr(default)
