"""unsee: make a vision-language model unsee a person or a concept, and prove it.

``forget`` removes a concept from a model and returns an ``Outcome``; ``evaluate`` only asks;
``load`` loads a model; ``Concept`` says what must go. Importing the package does no work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unsee.jobs.api import evaluate, forget
    from unsee.models.load import load
    from unsee.nouns import Concept, UserError

__version__ = "0.1.0"
__all__ = ["Concept", "UserError", "evaluate", "forget", "load"]

_HOMES = {
    "Concept": "unsee.nouns",
    "UserError": "unsee.nouns",
    "evaluate": "unsee.jobs.api",
    "forget": "unsee.jobs.api",
    "load": "unsee.models.load",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'unsee' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
