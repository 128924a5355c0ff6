"""YAML texts: read with numbers as YAML 1.2 has them, written so that they are read back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from unsee.nouns import UserError, shorten


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads 3e-4 as a number, as YAML 1.2 does."""


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes the text 3e-4, so that it stays a text, and escapes what does not print."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)

_EXPONENT = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))


def as_yaml(values: Mapping[str, Any]) -> str:
    """The values as YAML, in their order; :func:`parse_yaml` reads them back unchanged."""
    return str(yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


def parse_yaml(text: str, source: str) -> Any:
    """Parses YAML text; a syntax error becomes a UserError that names ``source``."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UserError(
            "The configuration is not YAML.",
            got=f"{source}: {shorten(error)}",
            expected="lines of the form key: value",
            remedy="compare with the run.yaml of a finished run",
        ) from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Reads a YAML file that must hold one mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            "The configuration file cannot be read.",
            got=path,
            expected="a YAML file",
            remedy="check the path given to --config",
        ) from error
    return as_mapping(parse_yaml(text, str(path)), str(path))


def as_mapping(value: Any, source: str) -> dict[str, Any]:
    """A mapping as it was written; nothing written is an empty one, anything else a UserError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError(
            "A configuration must be a list of keys and values.",
            got=f"{source}: {shorten(value)}",
            expected="lines of the form key: value",
            remedy="compare with the run.yaml of a finished run",
        )
    return {str(key): item for key, item in value.items()}
