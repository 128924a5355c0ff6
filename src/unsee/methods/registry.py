"""The methods by name, their knobs checked."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import unsee.methods
from unsee.methods.parts import Method
from unsee.nouns import UserError

Entry = tuple[type, Callable[[Any], Method]]
NOT_METHODS = ("registry", "parts", "schedules", "context", "views", "statistics", "activations")


@cache
def _entries() -> Mapping[str, Entry]:
    """Every method by name: each file of this room lists its own in ``METHODS``."""
    found: dict[str, Entry] = {}
    for module in pkgutil.iter_modules(unsee.methods.__path__):
        if module.name not in NOT_METHODS:
            listed = importlib.import_module(f"unsee.methods.{module.name}").METHODS
            assert not found.keys() & listed.keys(), sorted(found.keys() & listed.keys())
            found |= listed
    return types.MappingProxyType(dict(sorted(found.items())))


class Knob(NamedTuple):
    """One hyper-parameter as listed to the user."""

    name: str
    type: str
    default: object
    help: str
    source: str


class Description(NamedTuple):
    """A method as listed to the user."""

    name: str
    title: str
    paper: str
    loss: str
    reduction: str
    cost: str
    copies: int
    roles: tuple[str, ...]
    knobs: tuple[Knob, ...]


def methods() -> tuple[str, ...]:
    """Names of all methods."""
    return tuple(_entries())


def get(name: str, knobs: Mapping[str, object] | None = None) -> Method:
    """The method with these knobs; those not given keep their defaults.

    Raises:
        UserError: Unknown method or knob (the nearest known one is named), or a value of the wrong type.
    """
    if name not in _entries():
        raise _unknown("method", name, _entries())
    knobs_class, build = _entries()[name]
    return build(knobs_class(**checked_knobs(name, knobs_class, knobs or {})))


def describe(name: str) -> Description:
    """What ``unsee list methods`` shows of a method."""
    method = get(name)
    hints = get_type_hints(type(method.knobs))
    listed = tuple(
        Knob(f.name, _type_name(hints[f.name]), f.default, f.metadata["help"], f.metadata["source"])
        for f in fields(method.knobs)
    )
    roles = tuple(sorted(method.roles))
    return Description(
        name,
        method.title,
        method.paper,
        method.loss_line,
        method.reduction,
        method.cost,
        method.copies,
        roles,
        listed,
    )


def checked_knobs(method: str, knobs_class: type, given: Mapping[str, object]) -> dict[str, object]:
    """The given knobs in the types that the class declares."""
    hints = get_type_hints(knobs_class)
    assert all(f.default is not MISSING for f in fields(knobs_class)), knobs_class
    result = {}
    for key, value in given.items():
        if key not in hints:
            raise _unknown(f"knob of {method}", key, hints)
        fits, result[key] = _fit(value, hints[key])
        if not fits:
            raise UserError(
                f"The value of {method}'s knob {key} is not accepted.",
                got=value,
                expected=_type_name(hints[key]),
                remedy=f"see: unsee list methods {method}",
            )
    return result


def _fit(value: object, hint: Any) -> tuple[bool, object]:
    """Whether the value fits the type, and the value in that type (1 -> 1.0, a list -> a tuple)."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        fits = [found for found in (_fit(value, option) for option in options) if found[0]]
        return fits[0] if fits else (False, value)
    if origin is Literal:
        return value in options, value
    if origin is tuple:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, Iterable):
            return False, value
        found = [_fit(item, options[0]) for item in items]
        return all(ok for ok, _ in found), tuple(item for _, item in found)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return True, float(value)
    if hint is float and isinstance(value, float):
        return value == value and abs(value) != float("inf"), value
    return type(value) is hint, value


def _type_name(hint: Any) -> str:
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(option) for option in options)
    if origin is Literal:
        return " | ".join(str(option) for option in options)
    if origin is tuple:
        return f"list of {_type_name(options[0])}"
    return "none" if hint is type(None) else str(hint.__name__)


def _unknown(what: str, got: str, known: Iterable[str]) -> UserError:
    names = list(known)
    near = difflib.get_close_matches(got, names, n=1, cutoff=0.5)
    return UserError(
        f"There is no such {what}.",
        got=got,
        expected=", ".join(names) or "no knobs at all",
        remedy=f"did you mean {near[0]}?" if near else "see: unsee list methods",
    )
