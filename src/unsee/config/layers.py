"""The layers of a configuration, laid over each other and checked: classes < preset < file < command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unsee.config.names import check_keys, keys, nearest_hint, parse_set
from unsee.config.sections import RunConfig
from unsee.config.texts import as_mapping, parse_yaml, read_mapping
from unsee.nouns import UserError

METHODS = "methods"
TUNED = ("data", "training", "scope", "knobs")


def preset_names() -> list[str]:
    """Names of the shipped presets."""
    entries = (files("unsee") / "presets").iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))


def read_preset(name: str) -> dict[str, Any]:
    """The values that a shipped preset sets, those for single methods under ``methods``."""
    if name not in preset_names():
        raise UserError(
            "There is no such preset.",
            got=name,
            expected=", ".join(preset_names()),
            remedy=nearest_hint(name, preset_names()),
        )
    text = (files("unsee") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return as_mapping(parse_yaml(text, name), name)


def resolve(given: Mapping[str, Any], *, sets: Sequence[str] = (), file: Path | None = None) -> RunConfig:
    """Classes < preset < (``file`` < ``given`` < ``sets``), checked.

    What a preset or file says for the chosen method (:func:`for_method`) wins over what it says for all.

    Args:
        given: Nested values from the command line or Python; only what the user gave.
        sets: ``key=value`` texts with dotted keys, read in the type of the key.
        file: A YAML file, such as the run.yaml of an earlier run.

    Raises:
        UserError: Unknown key, wrong type or range, unknown preset.
    """
    written = {} if file is None else read_mapping(file)
    typed = dict(given)
    for text in sets:
        typed = merge(typed, parse_set(text))
    check_keys(typed)
    said = merge(written, typed)
    preset = str(said.get("preset") or ("default" if said.get("model") else "world"))
    shipped = read_preset(preset)
    method = str(said.get("method") or shipped.get("method") or RunConfig.model_fields["method"].default)
    low = merge(for_method(shipped, method, preset), for_method(written, method, str(file)))
    return build(merge(low, merge(typed, {"preset": preset})))


def for_method(values: Mapping[str, Any], method: str, source: str) -> dict[str, Any]:
    """The values of a preset or file for one method: its section ``methods.METHOD`` wins over the rest.

    Raises:
        UserError: Unknown key, or a key that cannot depend on the method.
    """
    common = {key: value for key, value in values.items() if key != METHODS}
    check_keys(common)
    sections = as_mapping(values.get(METHODS), f"{source}, {METHODS}")
    for name, section in sections.items():
        own = as_mapping(section, f"{source}, {METHODS}.{name}")
        check_keys(own)
        if foreign := sorted(own.keys() - set(TUNED)):
            raise UserError(
                "This key cannot depend on the method.",
                got=f"{METHODS}.{name}.{foreign[0]}",
                expected=", ".join(TUNED),
                remedy=f"move it out of the section {METHODS} of {source}",
            )
    return merge(common, as_mapping(sections.get(method), source))


def build(values: Mapping[str, Any]) -> RunConfig:
    """Checks the values against the schema; the first problem becomes a UserError."""
    check_keys(values)
    try:
        return RunConfig.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = dict(keys())
        help_text = known[key].description if key in known else ""
        raise UserError(
            f"The value of {key} is not accepted.",
            got=first["input"],
            expected=f"{first['msg']} ({help_text})" if help_text else first["msg"],
            remedy=f"change {key} on the command line or in the configuration file",
        ) from error


def merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Nested merge; ``high`` wins. ``knobs`` merge key by key like the sections."""
    result = dict(low)
    for key, value in high.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merge(result[key], value) if both else value
    return result
