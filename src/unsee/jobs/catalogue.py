"""``unsee list``: methods, suites, metrics, attacks and models, read from where they are defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unsee.config import nearest
from unsee.jobs import embedded
from unsee.jobs.suites import SUITES
from unsee.methods.registry import describe as describe_method
from unsee.methods.registry import methods
from unsee.nouns import UserError
from unsee.reports.measures import GROUPS, MEASURES

FAMILIES: Mapping[str, str] = {
    "LLaVA": "LLaVA 1.5 and others of the class LlavaForConditionalGeneration",
    "Qwen2.5-VL": "Qwen2.5-VL-3B, -7B, ...",
    "Idefics3": "Idefics3 and SmolVLM (SmolVLM: pip install 'unsee[smolvlm]')",
}
EMBEDDED: Mapping[str, str] = {
    "blank": "embedded; knows nobody",
    "base": "embedded; knows celebrities, characters, styles and more",
    "target": "embedded; base and 100 private people",
}


def overview(what: str) -> str:
    """One line per entry.

    Raises:
        UserError: There is no such list.
    """
    names = _names(what)
    width = max((len(name) for name in names), default=0)
    return "\n".join(f"{name:<{width}}  {title}" for name, title in names.items()) or f"no {what} yet"


def describe(what: str, name: str) -> str:
    """Everything about one entry.

    Raises:
        UserError: There is no such list or entry.
    """
    names = _names(what)
    if name not in names:
        match = nearest(name, list(names))
        raise UserError(
            f"There is no such entry in the list of {what}.",
            got=name,
            expected=", ".join(names) or "nothing, the list is empty",
            remedy=f"did you mean {match}?" if match else f"see: unsee list {what}",
        )
    return _LISTS[what][1](name)


def _names(what: str) -> Mapping[str, str]:
    if what not in _LISTS:
        match = nearest(what, list(_LISTS))
        raise UserError(
            "There is no such list.",
            got=what,
            expected=", ".join(_LISTS),
            remedy=f"did you mean {match}?" if match else "unsee list methods",
        )
    return _LISTS[what][0]()


def _method(name: str) -> str:
    entry = describe_method(name)
    knobs = [
        f"  knobs.{k.name} = {k.default}  ({k.type})\n      {k.help}. Source: {k.source}" for k in entry.knobs
    ]
    head = [
        f"{entry.name}: {entry.title}",
        f"  paper: {entry.paper}",
        f"  loss: {entry.loss}",
        f"  reduction: {entry.reduction}",
        f"  rows: {', '.join(entry.roles)}",
    ]
    return "\n".join([*head, *knobs])


def _metric(name: str) -> str:
    entry = MEASURES[name]
    chance = "" if entry.chance is None else f"\n  chance: {entry.chance}"
    return (
        f"{entry.id}: {entry.title}\n  {entry.meaning}\n  group: {GROUPS[entry.group]}\n"
        f"  better: {entry.better}\n  unit: {entry.unit}{chance}"
    )


def _model(name: str) -> str:
    if name not in EMBEDDED:
        return f"{name}: {FAMILIES[name]}"
    return f"{name}: {EMBEDDED[name]}\n  folder: {embedded.model_path(name)}"


_LISTS: Mapping[str, tuple[Callable[[], Mapping[str, str]], Callable[[str], str]]] = {
    "methods": (lambda: {name: describe_method(name).title for name in methods()}, _method),
    "suites": (
        lambda: {name: suite.title for name, suite in SUITES.items()},
        lambda name: f"{name}: {SUITES[name].title}",
    ),
    "metrics": (lambda: {name: entry.title for name, entry in MEASURES.items()}, _metric),
    "attacks": (dict, str),
    "concepts": (embedded.concepts, lambda name: f"{name}: {embedded.concepts()[name]}"),
    "models": (lambda: {**EMBEDDED, **FAMILIES}, _model),
}
