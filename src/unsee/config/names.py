"""The dotted keys of the configuration: which there are, which one was meant, ``--set KEY=VALUE``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from unsee.config.sections import RunConfig, Section
from unsee.config.texts import as_mapping, parse_yaml
from unsee.nouns import UserError


class Key(Section):
    """One knob: its default, help and type as text."""

    default: Any
    description: str
    type: Any


def keys() -> Iterator[tuple[str, Key]]:
    """Every dotted key of the configuration with its default, help and type, in the order declared."""
    yield from _keys(RunConfig, "")


def _keys(section: type[Section], prefix: str) -> Iterator[tuple[str, Key]]:
    for name, info in section.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if isinstance(default, Section):
            yield from _keys(type(default), f"{prefix}{name}.")
        else:
            yield (
                f"{prefix}{name}",
                Key(default=default, description=info.description or "", type=info.annotation),
            )


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that is closest to ``word``, by its whole or by its last dotted part."""
    by_tail = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    whole = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    tail = difflib.get_close_matches(word.rsplit(".", 1)[-1], list(by_tail), n=1, cutoff=0.6)
    return whole[0] if whole else by_tail[tail[0]] if tail else None


def check_keys(values: Mapping[str, Any]) -> None:
    """Raises a UserError naming the nearest known key when a key of ``values`` is unknown."""
    known = [key for key, _ in keys()]
    sections = {key.split(".")[0] for key in known if "." in key}
    for key, value in values.items():
        if key in sections:
            inner = as_mapping(value, str(key))
            unknown = [f"{key}.{name}" for name in inner if f"{key}.{name}" not in known]
        else:
            leaf = f"{key}.{next(iter(value))}" if isinstance(value, Mapping) and value else str(key)
            unknown = [] if key in known else [leaf]
        if unknown:
            raise UserError(
                "There is no such configuration key.",
                got=unknown[0],
                expected="a key listed by: unsee forget --help",
                remedy=nearest_hint(unknown[0], known),
            )


def parse_set(text: str) -> dict[str, Any]:
    """``key=value`` with a dotted key as nested values, read in the type of the key.

    Raises:
        UserError: Not of this form.
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UserError(
            "--set needs a key and a value.",
            got=text,
            expected="key=value, such as training.lr=3e-4",
            remedy="write --set key=value without spaces around =",
        )
    key = key.strip()
    known = dict(keys())
    parsed = _parse_value(value, known[key].type if key in known else None, text)
    for part in reversed(key.split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def _parse_value(value: str, kind: Any, text: str) -> Any:
    """Text stays text, ``a,b`` and ``[a, b]`` are lists, all else is YAML."""
    if kind is str or get_origin(kind) is Literal:
        return value
    if get_origin(kind) is tuple and not value.lstrip().startswith("["):
        return [
            _parse_value(part.strip(), get_args(kind)[0], text) for part in value.split(",") if part.strip()
        ]
    return parse_yaml(value, f"--set {text}")


def nearest_hint(word: str, known: Sequence[str]) -> str:
    """What to tell somebody who wrote an unknown word."""
    match = nearest(word, known)
    return f"did you mean {match}?" if match else "see unsee forget --help"
