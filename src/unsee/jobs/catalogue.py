"""``unsee list``: methods, suites, metrics, attacks and models, read from where they are defined."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping

from unsee.config import nearest
from unsee.jobs import embedded
from unsee.jobs.bench_plan import SUITES as BENCH_SUITES
from unsee.jobs.families import describe_model, model_matrix, model_titles
from unsee.jobs.suites import BENCHMARKS, SUITES
from unsee.methods.registry import Description, methods
from unsee.methods.registry import describe as describe_method
from unsee.methods.registry import get as get_method
from unsee.metrics.info import METRICS
from unsee.nouns import UserError
from unsee.reports.measures import GROUPS, MEASURES


def overview(what: str) -> str:
    """One line per entry; methods have two more, for loss and cost, models a table of what is tested.

    Raises:
        UserError: There is no such list.
    """
    names = _names(what)
    if what == "methods":
        return _methods_overview()
    if what == "models":
        return model_matrix()
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


def _methods_overview() -> str:
    """Title and paper of every method, and below them its loss and its cost."""
    entries = [describe_method(name) for name in methods()]
    width = max(len(entry.name) for entry in entries)
    return "\n".join(
        f"{entry.name:<{width}}  {entry.title} ({entry.paper})\n"
        f"{'':<{width}}  L = {entry.loss}\n"
        f"{'':<{width}}  {_cost(entry)}"
        for entry in entries
    )


def _cost(entry: Description) -> str:
    """The cost in words, without repetition of what every training costs."""
    copies = {0: "no copy of the model", 1: "one copy of the model"}
    extra = f"cost beyond a pass over the forget rows: {entry.cost}"
    return f"{extra}; {copies.get(entry.copies, f'{entry.copies} copies of the model')}"


def _method(name: str) -> str:
    entry = describe_method(name)
    knobs = [
        f"  knobs.{k.name} = {_shown(k.default)}  ({k.type})\n      {k.help}. Source: {k.source}"
        for k in entry.knobs
    ]
    head = [
        f"{entry.name}: {entry.title}",
        f"  paper: {entry.paper}",
        f"  loss: {entry.loss}",
        f"  reduction: {entry.reduction}",
        f"  {_cost(entry)}",
        f"  rows: {', '.join(entry.roles)}",
    ]
    told = textwrap.indent(_module_text(name), "  ")
    return "\n".join([*head, *_variants(entry), *knobs, "", told])


def _variants(entry: Description) -> list[str]:
    """The variants with the loss of those that state another one."""
    knob = next((k for k in entry.knobs if k.name == "variant"), None)
    if knob is None:
        return []
    lines = [f"  variants: {knob.type.replace(' |', ',')}; {knob.default} is the default"]
    for variant in knob.type.split(" | "):
        loss = get_method(entry.name, {"variant": variant}).loss_line
        lines += [f"      {variant}: {loss}"] if loss != entry.loss else []
    return lines


def _module_text(name: str) -> str:
    """What the file of the method says about it."""
    module = sys.modules[type(get_method(name).knobs).__module__]
    return textwrap.dedent((module.__doc__ or "").strip()).replace("``", "`")


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or "empty"
    return "none" if default is None else str(default)


def _suites() -> Mapping[str, str]:
    """Suites of questions, then those that only methods are compared on."""
    asked = {**{name: suite.title for name, suite in SUITES.items()}, **BENCHMARKS}
    compared = {name: f"{suite.title} (for unsee bench)" for name, suite in BENCH_SUITES.items()}
    return {**asked, **compared, **asked}


def _metric(name: str) -> str:
    entry, page = MEASURES[name], METRICS[name]
    low, high = page.bounds
    lines = [
        f"{entry.id}: {entry.title}",
        f"  {entry.meaning}",
        f"  group: {GROUPS[entry.group]}",
        f"  better: {entry.better}",
        f"  unit: {entry.unit}",
        f"  range: {low:g} to {'no limit' if high is None else f'{high:g}'}",
        "" if entry.chance is None else f"  chance: {entry.chance}",
        f"  source: {page.source}",
        f"  misleads when: {page.fails_when}",
        *(f"  reading {variant}: {text}" for variant, text in page.variants.items()),
    ]
    return "\n".join(line for line in lines if line)


_LISTS: Mapping[str, tuple[Callable[[], Mapping[str, str]], Callable[[str], str]]] = {
    "methods": (lambda: {name: describe_method(name).title for name in methods()}, _method),
    "suites": (
        _suites,
        lambda name: f"{name}: {_suites()[name]}",
    ),
    "metrics": (lambda: {name: entry.title for name, entry in MEASURES.items()}, _metric),
    "attacks": (dict, str),
    "concepts": (embedded.concepts, lambda name: f"{name}: {embedded.concepts()[name]}"),
    "models": (model_titles, describe_model),
}
