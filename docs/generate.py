"""Writes the pages that are made from the code: methods, metrics, options, the recipe of the embedded world.

    python -m docs.generate

Everything on these pages is read from where it is defined, so it cannot drift; a test fails when a page is
older than the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from unsee.config import keys, preset_names, read_preset
from unsee.jobs.engines.options import option_lines
from unsee.jobs.families import UNKNOWN
from unsee.methods.registry import Description, Knob, describe, get, methods
from unsee.metrics.info import METRICS, MetricInfo
from unsee.models.support import COLUMNS, FAMILIES, cells
from unsee.reports.measures import GROUPS, MEASURES
from unsee.world.train import Step, recipe

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOTE = "<!-- Made by `python -m docs.generate`; change the code instead. -->\n\n"
RECIPE = ("<!-- recipe -->", "<!-- end of recipe -->")
SECTIONS = {
    "": "Top level",
    "data": "Training rows",
    "training": "Training",
    "scope": "Which weights move",
    "evaluation": "Evaluation",
    "world": "The embedded world",
    "mmubench": "MMUBench",
    "mllmu": "MLLMU-Bench",
}


def pages() -> dict[Path, str]:
    """Every generated page, by path."""
    made = {DOCS / "methods" / "README.md": method_index(), DOCS / "metrics" / "README.md": metric_index()}
    made |= {DOCS / "methods" / f"{name}.md": method_page(describe(name)) for name in methods()}
    made |= {DOCS / "metrics" / f"{name}.md": metric_page(page) for name, page in METRICS.items()}
    made |= {DOCS / "models" / f"{name}.md": model_page(name) for name in FAMILIES}
    made[DOCS / "models" / "README.md"] = model_index()
    made[DOCS / "options.md"] = options_page()
    world = DOCS / "world.md"
    made[world] = with_recipe(world.read_text(encoding="utf-8"))
    return made


def method_index() -> str:
    """The list of methods."""
    lines = [
        f"- [`{name}`]({name}.md): {describe(name).title} ({describe(name).paper})" for name in methods()
    ]
    return NOTE + "# Methods\n\n" + "\n".join(lines) + "\n\nHow to add one: [the house](../house.md).\n"


def method_page(method: Description) -> str:
    """One method: source, loss, what the code says about it, rows, knobs."""
    code: Any = sys.modules[type(get(method.name).knobs).__module__]
    head = [
        f"# {method.title}",
        f"`unsee forget --method {method.name}` · {method.paper}",
        f"```\nL = {method.loss}\n```",
        f"Reduction: {method.reduction}.",
        "Rows: " + ", ".join(f"`{role}`" for role in method.roles) + " ([what they are](../words.md)).",
        "## Knobs",
        "\n".join(map(_knob, method.knobs)) or "None.",
        "## From the code",
        code.__doc__.strip().replace("``", "`"),
    ]
    return NOTE + "\n\n".join(head) + "\n"


def _knob(knob: Knob) -> str:
    default = "none" if knob.default is None else _value(knob.default)
    return f"- `knobs.{knob.name}` = {default} ({knob.type}): {knob.help}. Source: {knob.source}."


def metric_index() -> str:
    """The list of metrics, in the groups of the report."""
    parts = [
        f"## {title}\n\n" + "\n".join(f"- [`{m}`]({m}.md): {MEASURES[m].title}" for m in _of_group(group))
        for group, title in GROUPS.items()
        if any(_of_group(group))
    ]
    head = "Values are fractions between 0 and 1 unless a page says otherwise. Every value has an interval."
    return NOTE + "# Metrics\n\n" + head + "\n\n" + "\n\n".join(parts) + "\n"


def _of_group(group: str) -> list[str]:
    return [name for name, measure in MEASURES.items() if measure.group == group]


def metric_page(metric: MetricInfo) -> str:
    """One metric: meaning, formula, direction, range, source, when it misleads."""
    measure = MEASURES[metric.id]
    low, high = metric.bounds
    lines = [
        f"Formula: {metric.formula}.",
        f"Better for the unlearned model: {metric.better}.",
        f"Range: {low:g} to {'no limit' if high is None else f'{high:g}'}.",
        "" if measure.chance is None else f"Guessing gives {measure.chance:g}.",
        "" if measure.before is None else f"The model before removal has {measure.before:g} by definition.",
        f"Source: {metric.source}.",
        f"It misleads when: {metric.fails_when}.",
    ]
    listed = "\n".join(f"- {line}" for line in lines if line)
    head = f"`{metric.id}`, in reports: *{measure.title}*. {measure.meaning}"
    readings = "\n".join(f"- `{variant}`: {text}." for variant, text in metric.variants.items())
    told = f"\n## Readings\n\n{readings}\n" if readings else ""
    return f"{NOTE}# {metric.title}\n\n{head}\n\n{listed}\n{told}"


def model_index() -> str:
    """The support matrix."""
    head = ["family", *COLUMNS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, family in FAMILIES.items():
        line = [f"[{family.title}]({name}.md)", *(cells()[name][column] for column in COLUMNS)]
        lines.append(f"| {' | '.join(line)} |")
    meanings = "\n".join(f"- `{column}`: {text}" for column, text in COLUMNS.items())
    told = (
        "Every cell is what the tests found on a tiny random model of the family, built in memory and loaded "
        "again as a hub model is. `unsee list models` shows the same table."
    )
    return NOTE + "\n\n".join(["# Models", told, "\n".join(lines), meanings, UNKNOWN]) + "\n"


def model_page(name: str) -> str:
    """One family: the command for a real checkpoint, what is tested, what to know."""
    family = FAMILIES[name]
    listed = "\n".join(f"- {text}: {cells()[name][column]}" for column, text in COLUMNS.items())
    command = (
        f"```sh\nunsee doctor --model {family.checkpoint}\nunsee forget --model {family.checkpoint} "
        f'--image jane.jpg --name "Jane Roe" --retain other-people/\n```'
    )
    parts = [
        f"# {family.title}",
        f"`model_type` {name}, for example `{family.checkpoint}`. {family.note}".strip(),
        "## Use",
        command,
        "Not run here: needs the checkpoint. `--model` also takes a folder with the same files.",
        "## Tested",
        "On a tiny random model of the family, built in memory and loaded again as a hub model is:",
        listed,
    ]
    return NOTE + "\n\n".join(parts) + "\n"


def options_page() -> str:
    """Every configuration key by section, and what the presets set."""
    found = list(keys())
    parts = []
    for section, title in SECTIONS.items():
        inside = [(key, info) for key, info in found if key.rpartition(".")[0] == section]
        parts.append(f"## {title}\n\n" + "\n".join(_option(key, info) for key, info in inside))
    head = (
        "# Options\n\nEvery key of the configuration. Keys of the top level are options of the command line "
        "(`trust_remote_code` is `--trust-remote-code`); all others are given as `--set KEY=VALUE`. All of "
        "them can stand in the YAML file of `--config`, and in `settings` of `unsee.forget`. "
        "An unknown key is refused and the nearest known one is named.\n\n"
        "Order: defaults below, then the preset, then `--config`, then options, then `--set`."
    )
    parts.append("## Presets\n\n" + "\n".join(_presets()))
    engines = [
        f"- {engine}: `{key}` = {_value(default)}: {text}." for engine, key, default, text in option_lines()
    ]
    parts.append("## Engines of `unsee bench` (`--engine-option KEY=VALUE`)\n\n" + "\n".join(engines))
    return NOTE + head + "\n\n" + "\n\n".join(parts) + "\n"


def _option(key: str, info: Any) -> str:
    choices = get_args(info.type) if get_origin(info.type) is not None else ()
    texts = [choice for choice in choices if isinstance(choice, str)]
    listed = f" (one of {', '.join(f'`{text}`' for text in texts)})" if texts else ""
    return f"- `{key}` = {_value(info.default)}: {info.description.removesuffix(', ...')}{listed}."


def _value(value: Any) -> str:
    if value in ("", (), {}):
        return "empty"
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else shown}`"


def _presets() -> Iterator[str]:
    for name in preset_names():
        values = ", ".join(f"`{key}={value}`" for key, value in _flat(read_preset(name)))
        yield f"- `{name}`: {values}"


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def with_recipe(page: str) -> str:
    """The page of the embedded world with the table of training steps between its two marks."""
    head, _, rest = page.partition(RECIPE[0])
    _, _, tail = rest.partition(RECIPE[1])
    lines = ["| step | starts from | steps | learning rate | pictures drawn |", "|---|---|---|---|---|"]
    lines += [_recipe_line(step) for step in recipe().values()]
    return f"{head}{RECIPE[0]}\n" + "\n".join(lines) + f"\n{RECIPE[1]}{tail}"


def _recipe_line(step: Step) -> str:
    pictures = f"{sum(step.pools.values()):,}" if step.pools else "none"
    start = f"`{step.start}`" if step.start else "nothing"
    return f"| `{step.name}` | {start} | {step.pace.steps} | {step.pace.learning_rate:g} | {pictures} |"


def main() -> None:
    """Writes every page and takes away pages of what no longer exists."""
    made = pages()
    for folder in ("methods", "metrics", "models"):
        for old in (DOCS / folder).glob("*.md"):
            if old not in made:
                old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(made)} pages")


if __name__ == "__main__":
    main()
