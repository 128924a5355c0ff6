"""Which weights a method may touch, in words: ``language``, ``language.mlp[7..13]``, ``projector`` ...

A scope names roles (``models.roles``), never modules, so that the same scope means the same for every family.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from unsee.nouns import UserError

LAYERED = frozenset(
    {
        "language",
        "language.attention",
        "language.mlp",
        "language.norm",
        "vision",
        "vision.attention",
        "vision.mlp",
        "vision.norm",
    }
)
PARTS = (*sorted(LAYERED), "language.embeddings", "vision.other", "projector", "head", "full")
PATTERN = re.compile(r"(?P<name>[a-z.]+)(\[(?P<low>\d+)(\.\.(?P<high>\d+))?\])?")
TUPLES = ("parts", "modules", "sine")
ROLE = re.compile(r"(?P<name>[a-z.]+)(\[(?P<layer>\d+)\])?")


@dataclass(frozen=True)
class Scope:
    """What is trained and how.

    Attributes:
        parts: Roles, each with an optional layer [3] or range of layers [7..13] (both ends belong to it);
            ``full`` is the whole model.
        rank: Rank of the adapter (LoRA, arXiv 2106.09685).
        alpha: Scale of the adapter; the update is multiplied by alpha / rank.
        dropout: Dropout in front of the adapter. The exactness of packed rows needs 0.
        full: Train the weights themselves instead of an adapter.
        modules: Full paths of modules; only what lies in one of them, and in a part, is trained. Empty = all
            of the parts.
        sine: Parts whose linear weights W become W + sin(D), where D alone is trained (SineProject,
            arXiv 2511.18444); beside ``parts``, and instead of what those say about the same weights.

    Raises:
        UserError: Unknown part, or a rank, alpha or dropout out of range.
    """

    parts: tuple[str, ...] = ("language",)
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    full: bool = False
    modules: tuple[str, ...] = ()
    sine: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every part and number."""
        if not self.parts:
            raise _refuse("the scope is empty", "nothing")
        for part in (*self.parts, *self.sine):
            _parse(part)
        if self.rank < 1 or self.alpha < 1 or not 0 <= self.dropout < 1:
            raise UserError(
                "the adapter's settings are out of range",
                got=f"rank {self.rank}, alpha {self.alpha}, dropout {self.dropout}",
                expected="rank and alpha of at least 1, dropout in [0, 1)",
                remedy="the usual choice is rank 16, alpha 32, dropout 0",
            )

    def holds(self, role: str, path: str | None = None) -> bool:
        """Whether a module or weight lies in the parts, apart from sine parts.

        Args:
            role: Its role, such as ``language.mlp[3]``.
            path: Its full path in the plain model; None = ask by role alone, whatever ``modules`` says.
        """
        named = path is None or not self.modules
        inside = named or any(f"{path}.".startswith(f"{module}.") for module in self.modules)
        return inside and any(part_holds(part, role) for part in self.parts)

    def sines(self, role: str) -> bool:
        """Whether a role lies in the sine parts."""
        return any(part_holds(part, role) for part in self.sine)

    def as_json(self) -> dict[str, Any]:
        """The form written beside an adapter."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in TUPLES}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Scope:
        """The inverse of ``as_json``."""
        return cls(**{**data, **{name: tuple(data[name]) for name in TUPLES if name in data}})


def part_holds(part: str, role: str) -> bool:
    """Whether one part of a scope holds a role."""
    name, low, high = _parse(part)
    found = ROLE.fullmatch(role)
    assert found is not None, role
    if name == "full":
        return True
    if found["name"] != name and not found["name"].startswith(name + "."):
        return False
    if low is None or high is None:
        return True
    return found["layer"] is not None and low <= int(found["layer"]) <= high


def check_layers(parts: Iterable[str], language: int, vision: int) -> None:
    """Refuse layers that the model does not have.

    Args:
        parts: Parts of a scope.
        language: Number of decoder layers.
        vision: Number of vision layers.

    Raises:
        UserError: A range ends behind the last layer.
    """
    for part in parts:
        name, _, high = _parse(part)
        count = language if name.startswith("language") else vision
        if high is not None and high >= count:
            raise UserError(
                "the scope names a layer that the model does not have",
                got=part,
                expected=f"layers 0..{count - 1} of {name.split('.')[0]}",
                remedy="give an existing layer or range",
            )


def _parse(part: str) -> tuple[str, int | None, int | None]:
    found = PATTERN.fullmatch(part)
    if found is None or found["name"] not in PARTS or (found["low"] and found["name"] not in LAYERED):
        raise _refuse("unknown part of the model in a scope", part)
    if found["low"] is None:
        return found["name"], None, None
    low = int(found["low"])
    high = low if found["high"] is None else int(found["high"])
    if high < low:
        raise _refuse("a range of layers in a scope runs backwards", part)
    return found["name"], low, high


def _refuse(what: str, part: str) -> UserError:
    near = get_close_matches(part.split("[")[0], PARTS, n=1)
    return UserError(
        what,
        got=part,
        expected="one or more of "
        + ", ".join(PARTS)
        + "; layers as in language.mlp[3] or language.mlp[7..13]",
        remedy=f"did you mean {near[0]!r}?" if near else "use 'language', the default",
    )
