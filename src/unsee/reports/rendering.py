"""One Jinja2 environment for page and card: every value of the output is redacted, cleaned and escaped.

This happens in ``finalize``, which Jinja2 calls on each ``{{ ... }}``, so no template line can forget it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from unsee.reports.redact import Redactor
from unsee.reports.safe import clean, shorten_text

LONGEST = 4000


def environment(redactor: Redactor, encode: Callable[[str], str] = escape) -> Environment:
    """The environment; ``encode`` makes cleaned text part of the output format (HTML by default).

    The filter ``short(n)`` bounds the length of a value after redaction.
    """

    def safe(value: Any, limit: int = LONGEST) -> Any:
        if isinstance(value, Markup):
            return value
        text = shorten_text(clean(redactor.text(str(value))), limit)
        return Markup(encode(text))

    made = Environment(
        loader=PackageLoader("unsee.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=safe,
    )
    made.filters["short"] = safe
    return made


def unsee_version() -> str:
    """The version that pages name as their maker."""
    try:
        return version("unsee")
    except PackageNotFoundError:
        return "unknown"
