"""``report.html``: one self-contained page about a run, without scripts and without network."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unsee.reports import gallery, page, plots, verdict
from unsee.reports.files import RunData, read_run, write_text
from unsee.reports.measures import MODELS, models_of
from unsee.reports.pictures import all_pictures, concept_pictures, data_uri, public_pictures
from unsee.reports.redact import MARK, Redactor
from unsee.reports.rendering import environment, unsee_version

PICTURE_BUDGET = 1_000_000
_ABOUT_PICTURES = frozenset({"image", "test", "fact"})
_KEPT_HASHES = (
    "weight",
    "model",
    "base",
    "adapter",
    "tokenizer",
    "template",
    "prompt",
    "version",
    "hardware",
)


def write_report(run: Path, *, redact: bool | None = None) -> Path:
    """Writes ``report.html`` of a run folder, from the files in the folder alone.

    Args:
        run: The run folder.
        redact: True replaces the concept's names and pictures; None does what ``run.yaml`` says.

    Returns:
        Path of the page.

    Raises:
        UserError: No run folder, a run without results, or a damaged file.
    """
    data = read_run(Path(run))
    hidden = redacts(data, redact)
    rendered = (
        environment(redactor(data, hidden)).get_template("report.html.j2").render(_context(data, hidden))
    )
    return write_text(data.path / "report.html", rendered)


def redacts(data: RunData, redact: bool | None) -> bool:
    """Whether names and pictures are hidden: as asked, else as ``run.yaml`` says."""
    return bool(data.config.get("redact")) if redact is None else redact


def redactor(data: RunData, hidden: bool) -> Redactor:
    """What replaces the concept's names and picture hashes; replaces nothing unless ``hidden``."""
    if not hidden:
        return Redactor()
    concept = data.concept
    names = (concept["name"], *concept["aliases"], str(data.config.get("name") or ""))
    return Redactor(names, all_pictures(data) - public_pictures(data), concept["kind"])


class Pictures:
    """Pictures as data URIs within a budget of bytes; hidden, missing and surplus ones are placeholders."""

    def __init__(self, data: RunData, hidden: bool) -> None:
        self._data = data
        self._allowed = public_pictures(data) if hidden else all_pictures(data)
        self._concept, self._hidden = concept_pictures(data), hidden
        self._left = PICTURE_BUDGET

    def __call__(self, picture: str) -> Markup | None:
        """The data URI, or None where a placeholder stands."""
        file = self._data.picture(picture) if picture in self._allowed else None
        if file is None or self._left <= 0:
            return None
        uri = data_uri(file)
        self._left -= len(uri)
        return Markup(uri) if self._left >= 0 else None

    def words(self, picture: str) -> str:
        """What stands for a picture without pixels, and its text for those who cannot see it."""
        if self._hidden and picture not in self._allowed:
            return "picture redacted"
        return "picture of the concept" if picture in self._concept else "picture of something else"


def _context(data: RunData, hidden: bool) -> dict[str, Any]:
    results, concept = data.results, data.concept
    about_concept, about_rest = gallery.sections(data)
    return {
        "data": data,
        "hidden": hidden,
        "name": MARK if hidden else concept["name"],
        "concept": concept,
        "verdict": verdict.judge(results, MARK if hidden else concept["name"]),
        "rule": verdict.RULE,
        "gate_reason": str((results.get("gate") or {}).get("reason") or "").rstrip("."),
        "forced": bool(data.config.get("force")),
        "method": page.method_words(data),
        "model": page.model_words(data),
        "counts": page.picture_counts(data),
        "tiles": page.tiles(results),
        "models": models_of(results),
        "model_words": MODELS,
        "table": page.table(results),
        "figures": [f for f in (plots.trade_off(results), plots.measures(results)) if f],
        "training": plots.training(redactor(data, hidden).deep(list(data.steps))),
        "galleries": [("The concept: before and after", about_concept), ("Everything else", about_rest)],
        "picture": Pictures(data, hidden),
        "costs": page.costs(data.cost),
        "trained": page.trained(data),
        "roles": page.role_rows(data.examples),
        "pieces": (lambda e: [(str(e["answer"]), False)]) if hidden else page.answer_pieces,
        "settings": _settings(data.config, hidden),
        "machine": _machine(data.environment, hidden),
        "limits": page.limits(data),
        "version": unsee_version(),
        "css": Markup(files("unsee.reports").joinpath("templates/report.css").read_text(encoding="utf-8")),
    }


def _settings(config: Mapping[str, Any], hidden: bool) -> list[tuple[str, str]]:
    """The configuration; when redacted, without the files and facts that point at the concept."""
    shown = {k: MARK if hidden and k in _ABOUT_PICTURES and v else v for k, v in config.items()}
    return page.flat(shown)


def _machine(environment: Mapping[str, Any], hidden: bool) -> list[tuple[str, str]]:
    """The environment; when redacted, hashes of inputs that may be the concept's pictures are left out."""
    rows = page.flat({k: v for k, v in environment.items() if k != "trained"})
    if not hidden:
        return rows
    return [(k, v) if not k.startswith("inputs.") or _harmless(k) else (MARK, MARK) for k, v in rows]


def _harmless(key: str) -> bool:
    return any(word in key.lower() for word in _KEPT_HASHES)
