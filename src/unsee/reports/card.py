"""``README.md``: the model card that travels with an adapter or with an exported model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unsee.reports import page, verdict
from unsee.reports.files import read_run, write_text
from unsee.reports.html import redactor, redacts
from unsee.reports.measures import MODELS, models_of
from unsee.reports.metadata import metadata
from unsee.reports.redact import MARK, Redactor
from unsee.reports.rendering import environment
from unsee.reports.safe import markdown, one_line


def write_card(
    run: Path,
    *,
    redact: bool | None = None,
    to: Path | None = None,
    licence: str = "",
    checked: Mapping[str, Any] | None = None,
) -> Path:
    """Writes the model card of a run next to its adapter, or into the folder of an exported model.

    Args:
        run: The run folder.
        redact: True replaces the concept's names; None does what ``run.yaml`` says.
        to: Folder of the whole model that was exported; None = the adapter's.
        licence: Licence of the base as the hub writes it; empty where it is not known.
        checked: What the exported model said when it was asked again (``verification.json``).

    Returns:
        Path of the card.

    Raises:
        UserError: No run folder, a run without results, or a damaged file.
    """
    data = read_run(Path(run))
    hidden = redacts(data, redact)
    name = MARK if hidden else data.concept["name"]
    hide = redactor(data, hidden)
    peft = not page.is_hook(data) and not (data.path / "adapter" / "edit.safetensors").is_file()
    base = one_line(hide.text(str(data.config.get("model") or "the embedded model of unsee")), 300)
    base = base.replace("`", "'")
    head = metadata(
        base=base,
        library="transformers" if to else "peft" if peft else "unsee",
        title=f"unlearned with {data.config.get('method', '')}".strip(),
        licence=licence,
        unlearned=data.results["models"].get("unlearned", {}),
        asked="questions about the concept, about others and about scenes",
    )
    text = (
        environment(hide, markdown)
        .get_template("card.md.j2")
        .render(
            head=Markup(head),
            whole=to is not None,
            licence=licence,
            checked=checked,
            name=name,
            concept=data.concept,
            verdict=verdict.judge(data.results, name),
            model=page.model_words(data),
            base_json=_quoted(str(data.config.get("model") or "PATH_OF_THE_EMBEDDED_MODEL"), hide),
            revision=str(data.config.get("revision") or ""),
            method=page.method_words(data),
            counts=page.picture_counts(data),
            models=models_of(data.results),
            model_words=MODELS,
            table=page.table(data.results),
            limits=page.limits(data),
            peft=peft,
        )
    )
    return write_text((to or data.path / "adapter") / "README.md", text)


def _quoted(text: str, hide: Redactor) -> Markup:
    """A string for YAML and Python alike: JSON, one line, no back-tick that could close the code block."""
    return Markup(json.dumps(one_line(hide.text(text), 300).replace("`", "'"), ensure_ascii=False))
